"""Seats: (account, client), one session of each kind in it, and limits that count seats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spaces.errors import RequestError
from spaces.room_commands import Leave
from spaces.room_events import Reason, SessionEnded, StageChanged
from spaces.room_rules import Kind, Role
from tests.harness.rooms import HOST, LIMITS, live_room, on_stage, sit


def test_a_newer_session_replaces_its_own_kind_only() -> None:
    room = live_room()
    socket, _ = sit(room, 7, Kind.SOCKET)
    whep, _ = sit(room, 7, Kind.WHEP)
    newer, events = sit(room, 7, Kind.WHEP)
    assert events == [SessionEnded(whep, Reason.REPLACED)]
    assert set(room.sessions) == {socket, newer}
    assert len(room.seats) == 1


def test_another_client_is_another_seat() -> None:
    room = live_room()
    sit(room, 7, Kind.WHEP, "phone")
    _, events = sit(room, 7, Kind.WHEP, "desk")
    assert events == []
    assert len(room.seats) == room.listeners == 2


def test_an_account_has_so_many_seats_and_may_replace_within_them() -> None:
    room = live_room(limits=replace(LIMITS, displace=False))
    sit(room, 7, client="one")
    sit(room, 7, client="two")
    with pytest.raises(RequestError, match="409 too_many_seats"):
        sit(room, 7, client="three")
    _, events = sit(room, 7, client="two")
    assert len(events) == 1
    sit(room, 7, Kind.WHEP, client="one")


def test_one_device_more_takes_the_place_of_the_one_that_has_been_there_longest() -> None:
    room = live_room()
    one = [sit(room, 7, kind, client="one")[0] for kind in (Kind.SOCKET, Kind.WHEP)]
    two, _ = sit(room, 7, client="two")
    other, _ = sit(room, 8, client="one")
    three, events = sit(room, 7, client="three")
    assert events == [SessionEnded(session, Reason.DISPLACED) for session in one]
    assert set(room.sessions) == {two, other, three}
    sit(room, 7, client="two")
    _, events = sit(room, 7, client="four")
    assert events == [SessionEnded(three, Reason.DISPLACED)], "whoever has come back is not the oldest any more"


def test_a_displaced_microphone_changes_the_stage_and_keeps_its_place_there() -> None:
    room = live_room(limits=replace(LIMITS, seats_per_account_max=1))
    on_stage(room, 2)
    old, _ = sit(room, 2, Kind.WHIP, client="studio", media=True)
    _, events = sit(room, 2, client="phone")
    assert events == [StageChanged(), SessionEnded(old, Reason.DISPLACED)]
    assert room.role_of(2) is Role.SPEAKER


def test_in_a_full_space_a_device_may_still_take_the_place_of_another() -> None:
    room = live_room(limits=replace(LIMITS, seats_per_account_max=1, capacity_max=1))
    sit(room, 7, client="one")
    _, events = sit(room, 7, client="two")
    assert len(events) == 1
    with pytest.raises(RequestError, match="503 full"):
        sit(room, 8)


def test_anonymous_listeners_have_a_seat_each() -> None:
    room = live_room()
    sessions = [sit(room, None, Kind.WHEP)[0] for _ in range(4)]
    assert room.listeners == 4
    for session in sessions:
        room.apply(Leave(session))
    assert room.seats == {}


def test_a_full_space_takes_no_audience_but_still_its_stage() -> None:
    room = live_room(limits=replace(LIMITS, capacity_max=2))
    on_stage(room, 2)
    sit(room, None)
    last, _ = sit(room, 7)
    with pytest.raises(RequestError) as error:
        sit(room, 8)
    assert (error.value.status, error.value.code) == (503, "full")
    assert error.value.retry_after_seconds
    sit(room, HOST, Kind.WHIP)
    sit(room, 2, Kind.WHIP)
    room.apply(Leave(last))
    with pytest.raises(RequestError):
        sit(room, 8)


def test_whip_needs_a_place_on_stage() -> None:
    room = live_room()
    with pytest.raises(RequestError, match="403 not_on_stage"):
        sit(room, 7, Kind.WHIP)
    assert room.seats == {}


def test_seats_are_counted_by_role() -> None:
    room = live_room()
    sit(room, HOST)
    sit(room, 7)
    sit(room, None)
    assert room.seats_by_role() == {Role.HOST: 1, Role.COHOST: 0, Role.SPEAKER: 0, Role.LISTENER: 2}


def test_leaving_twice_is_leaving_once() -> None:
    room = live_room()
    session, _ = sit(room, 7)
    assert room.apply(Leave(session)) == []
    assert room.apply(Leave(session)) == []
    assert [room.seats, room.sessions, room.by_account] == [{}, {}, {}]
