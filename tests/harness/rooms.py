"""Rooms for tests of the state machine: a host, a clock that stands still, and short ways to sit down."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from spaces.errors import RequestError
from spaces.room import Limits, Room
from spaces.room_commands import BringToStage, Command, Join, MediaChanged, SeatKey, Start
from spaces.room_events import Event
from spaces.room_record import AccessRule, Record, StageMember
from spaces.room_rules import Kind, Role

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOST = 1
LIMITS = Limits(
    speakers_max=3,
    cohosts_max=2,
    seats_per_account_max=2,
    displace=True,
    capacity_max=6,
    green_room=timedelta(minutes=60),
    pins_max=3,
)

_sessions = itertools.count(1)


def scheduled_room(*, starts_in: timedelta | None = None, limits: Limits = LIMITS) -> Room:
    record = Record(
        id="aSpace",
        creator=HOST,
        title="A talk",
        access=(AccessRule("open"),),
        created_at=NOW,
        stage=(StageMember(HOST, Role.HOST),),
        scheduled_start=None if starts_in is None else NOW + starts_in,
    )
    return Room(record=record, limits=limits)


def live_room(*, limits: Limits = LIMITS) -> Room:
    room = scheduled_room(limits=limits)
    room.apply(Start(HOST, NOW))
    return room


def sit(
    room: Room, account: int | None, kind: Kind = Kind.SOCKET, client: str = "default", *, media: bool = False
) -> tuple[str, list[Event]]:
    """Join; the session's id, and what happened."""
    session = f"s{next(_sessions)}"
    seat = SeatKey(account, client if account is not None else f"anonymous-{session}")
    events = room.apply(Join(seat, kind, session, NOW))
    if media:
        events += room.apply(MediaChanged(session, True))
    return session, events


def code(room: Room, command: Command) -> tuple[int, str]:
    """How the room refuses this."""
    with pytest.raises(RequestError) as error:
        room.apply(command)
    return error.value.status, error.value.code


def on_stage(room: Room, account: int, role: Role = Role.SPEAKER) -> None:
    room.apply(BringToStage(HOST, account, role))
