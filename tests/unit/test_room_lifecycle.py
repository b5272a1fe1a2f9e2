"""scheduled → live → ended, and cancelled: what each state allows, and to whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spaces.errors import RequestError
from spaces.room import Room
from spaces.room_commands import Cancel, Command, Edit, End, Join, RaiseHand, SeatKey, Start
from spaces.room_events import DetailsChanged, Reason, SessionEnded, StateChanged
from spaces.room_record import AccessRule
from spaces.room_rules import OPEN_IN, PERMISSIONS, TRANSITIONS, Act, Kind, Role, State
from tests.harness.rooms import HOST, NOW, live_room, on_stage, scheduled_room, sit


def refused(room: Room, command: Command) -> RequestError:
    with pytest.raises(RequestError) as error:
        room.apply(command)
    return error.value


def test_a_space_is_started_and_ended_by_its_host() -> None:
    room = scheduled_room()
    assert room.apply(Start(HOST, NOW)) == [StateChanged(State.LIVE)]
    assert room.record.started_at == NOW
    later = NOW + timedelta(hours=1)
    assert room.apply(End(HOST, later)) == [StateChanged(State.ENDED)]
    assert room.record.ended_at == later


@pytest.mark.parametrize(
    ("before", "command"),
    [
        ([], End(HOST, NOW)),
        ([Start(HOST, NOW)], Start(HOST, NOW)),
        ([Start(HOST, NOW)], Cancel(HOST, NOW)),
        ([Cancel(HOST, NOW)], Start(HOST, NOW)),
        ([Start(HOST, NOW), End(HOST, NOW)], End(HOST, NOW)),
        ([Start(HOST, NOW), End(HOST, NOW)], Start(HOST, NOW)),
    ],
)
def test_a_transition_that_is_not_in_the_table_is_a_wrong_state(before: list[Command], command: Command) -> None:
    room = scheduled_room()
    for step in before:
        room.apply(step)
    state = room.record.state
    assert (refused(room, command).status, refused(room, command).code) == (409, "wrong_state")
    assert room.record.state is state


def test_a_cohost_may_start_but_neither_end_nor_cancel() -> None:
    room = scheduled_room()
    on_stage(room, 2, Role.COHOST)
    assert refused(room, Cancel(2, NOW)).status == 403
    room.apply(Start(2, NOW))
    assert refused(room, End(2, NOW)).status == 403
    assert room.record.state is State.LIVE


def test_everybody_is_out_when_it_ends() -> None:
    room = live_room()
    session, _ = sit(room, 7)
    room.apply(RaiseHand(7, NOW))
    host, _ = sit(room, HOST, Kind.WHIP)
    events = room.apply(End(HOST, NOW))
    assert events[0] == StateChanged(State.ENDED)
    assert set(events[1:]) == {SessionEnded(session, Reason.ENDED), SessionEnded(host, Reason.ENDED)}
    assert [room.seats, room.sessions, room.hands, room.by_account] == [{}, {}, {}, {}]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_space_that_is_over_is_gone(kind: Kind) -> None:
    room = live_room()
    room.apply(End(HOST, NOW))
    error = refused(room, Join(SeatKey(HOST, "default"), kind, "s", NOW))
    assert (error.status, error.code) == (410, "ended")
    cancelled = scheduled_room()
    cancelled.apply(Cancel(HOST, NOW))
    error = refused(cancelled, Join(SeatKey(HOST, "default"), kind, "s", NOW))
    assert (error.status, error.code) == (410, "cancelled")


def test_before_the_start_the_stage_connects_and_the_audience_waits() -> None:
    room = scheduled_room()
    on_stage(room, 2)
    sit(room, HOST, Kind.WHIP)
    sit(room, 2, Kind.WHIP)
    sit(room, 7, Kind.SOCKET)
    error = refused(room, Join(SeatKey(7, "default"), Kind.WHEP, "s", NOW))
    assert (error.status, error.code) == (409, "not_live")
    room.check_listen(2, NOW)
    with pytest.raises(RequestError, match="not_live"):
        room.check_listen(7, NOW)


def test_the_green_room_opens_an_hour_before_the_start() -> None:
    room = scheduled_room(starts_in=timedelta(minutes=61))
    early = Join(SeatKey(HOST, "default"), Kind.WHIP, "s", NOW)
    assert refused(room, early).code == "not_live"
    room.apply(Join(SeatKey(HOST, "default"), Kind.WHIP, "s", NOW + timedelta(minutes=1)))


def test_an_edit_says_whether_the_way_in_has_changed() -> None:
    room = live_room()
    assert room.apply(Edit(by=HOST, title="Another")) == [DetailsChanged(access=False)]
    assert room.apply(Edit(by=HOST, access=(AccessRule("members"),))) == [DetailsChanged(access=True)]
    assert room.apply(Edit(by=HOST, title="Another")) == []
    assert room.record.title == "Another"


def test_a_cohost_edits_all_but_who_may_come_in() -> None:
    room = live_room()
    on_stage(room, 2, Role.COHOST)
    room.apply(Edit(by=2, title="Ours"))
    assert refused(room, Edit(by=2, access=(AccessRule("open"), AccessRule("members")))).status == 403


def test_a_start_is_not_moved_once_it_has_been() -> None:
    assert refused(live_room(), Edit(by=HOST, scheduled_start=NOW + timedelta(days=1))).code == "wrong_state"


def test_what_is_proposed_is_not_done() -> None:
    room = scheduled_room()
    proposed = room.propose(Start(HOST, NOW))
    assert proposed.state is State.LIVE
    assert room.record.state is State.SCHEDULED
    assert room.commit(proposed) == [StateChanged(State.LIVE)]
    assert room.commit(proposed) == []


def test_every_act_has_its_permission_and_its_states() -> None:
    assert set(PERMISSIONS) == set(Act)
    assert set(OPEN_IN) == set(Act)
    assert {act for _, act in TRANSITIONS} == {Act.START, Act.END, Act.CANCEL}
