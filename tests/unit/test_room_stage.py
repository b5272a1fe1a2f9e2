"""The stage: who gets there, who takes whom down, hands, and mutes that nobody else can lift."""

from __future__ import annotations

import pytest

from spaces.room import Room
from spaces.room_commands import (
    AcceptHand,
    BringToStage,
    DeclineHand,
    Leave,
    LowerHand,
    MediaChanged,
    MuteOther,
    MuteSelf,
    RaiseHand,
    TakeFromStage,
)
from spaces.room_events import (
    HandChanged,
    HandsChanged,
    InvitationsChanged,
    MuteChanged,
    Reason,
    RoleChanged,
    SessionEnded,
    StageChanged,
)
from spaces.room_rules import Kind, Role
from tests.harness.rooms import HOST, NOW, code, live_room, on_stage, scheduled_room, sit

COHOST, SPEAKER, LISTENER = 2, 3, 7


@pytest.fixture
def room() -> Room:
    room = live_room()
    on_stage(room, COHOST, Role.COHOST)
    on_stage(room, SPEAKER)
    sit(room, LISTENER)
    return room


def test_a_hand_is_raised_accepted_and_gone(room: Room) -> None:
    assert room.apply(RaiseHand(LISTENER, NOW)) == [HandChanged(LISTENER, True), HandsChanged()]
    assert room.apply(RaiseHand(LISTENER, NOW)) == []
    assert room.apply(AcceptHand(COHOST, LISTENER)) == [
        RoleChanged(LISTENER, Role.SPEAKER),
        StageChanged(),
        HandChanged(LISTENER, False),
        HandsChanged(),
    ]
    assert room.hands == {}


def test_a_hand_is_declined_or_withdrawn(room: Room) -> None:
    room.apply(RaiseHand(LISTENER, NOW))
    assert room.apply(DeclineHand(HOST, LISTENER)) == [HandChanged(LISTENER, False), HandsChanged()]
    room.apply(RaiseHand(LISTENER, NOW))
    assert room.apply(LowerHand(LISTENER)) == [HandChanged(LISTENER, False), HandsChanged()]
    assert room.apply(LowerHand(LISTENER)) == []
    assert code(room, AcceptHand(HOST, LISTENER)) == (404, "no_hand")


def test_who_may_ask_to_speak(room: Room) -> None:
    assert code(room, RaiseHand(None, NOW)) == (401, "not_signed_in")
    assert code(room, RaiseHand(SPEAKER, NOW)) == (409, "on_stage")
    assert code(room, RaiseHand(8, NOW)) == (409, "not_inside"), "who is not there has no hand to be seen"
    assert code(scheduled_room(), RaiseHand(LISTENER, NOW)) == (409, "not_live")


def test_a_hand_goes_down_with_the_last_session(room: Room) -> None:
    first, _ = sit(room, 8)
    second, _ = sit(room, 8, Kind.WHEP)
    room.apply(RaiseHand(8, NOW))
    assert room.apply(Leave(first)) == []
    assert room.apply(Leave(second)) == [HandChanged(8, False), HandsChanged()]


@pytest.mark.parametrize("by", [SPEAKER, LISTENER])
def test_only_hosts_move_others(room: Room, by: int) -> None:
    room.apply(RaiseHand(LISTENER, NOW))
    for command in (
        AcceptHand(by, LISTENER),
        DeclineHand(by, LISTENER),
        BringToStage(by, 9),
        TakeFromStage(by, COHOST),
        MuteOther(by, HOST),
    ):
        assert code(room, command) == (403, "not_permitted")


def test_who_takes_whom_from_the_stage(room: Room) -> None:
    on_stage(room, 4, Role.COHOST)
    assert code(room, TakeFromStage(COHOST, HOST)) == (403, "host_stays")
    assert code(room, TakeFromStage(HOST, HOST)) == (403, "host_stays")
    assert code(room, TakeFromStage(COHOST, 4)) == (403, "not_permitted")
    assert code(room, BringToStage(COHOST, 4)) == (403, "not_permitted"), "to a lower place neither"
    assert code(room, TakeFromStage(HOST, LISTENER)) == (404, "not_on_stage")
    assert code(room, TakeFromStage(LISTENER, LISTENER)) == (403, "not_permitted")
    room.apply(TakeFromStage(COHOST, SPEAKER))
    room.apply(TakeFromStage(4, 4))
    room.apply(TakeFromStage(HOST, COHOST))
    assert [m.account for m in room.record.stage] == [HOST]


def test_leaving_the_stage_ends_whip_and_the_mute_and_nothing_else(room: Room) -> None:
    socket, _ = sit(room, SPEAKER)
    whip, _ = sit(room, SPEAKER, Kind.WHIP)
    whep, _ = sit(room, SPEAKER, Kind.WHEP)
    room.apply(MuteSelf(SPEAKER, True))
    assert room.apply(TakeFromStage(HOST, SPEAKER)) == [
        RoleChanged(SPEAKER, Role.LISTENER),
        StageChanged(),
        MuteChanged(SPEAKER, False),
        SessionEnded(whip, Reason.OFF_STAGE),
    ]
    assert set(room.sessions) >= {socket, whep}
    assert SPEAKER not in room.muted


def test_the_stage_has_its_limits(room: Room) -> None:
    on_stage(room, 4)
    on_stage(room, 5)
    assert code(room, BringToStage(HOST, 6)) == (409, "stage_full")
    on_stage(room, 6, Role.COHOST)
    assert code(room, BringToStage(HOST, 8, Role.COHOST)) == (409, "stage_full")
    assert code(room, BringToStage(COHOST, HOST)) == (409, "is_host")
    assert room.apply(BringToStage(HOST, SPEAKER)) == []


def test_a_speaker_becomes_cohost_without_leaving_the_stage(room: Room) -> None:
    whip, _ = sit(room, SPEAKER, Kind.WHIP)
    events = room.apply(BringToStage(HOST, SPEAKER, Role.COHOST))
    assert events == [RoleChanged(SPEAKER, Role.COHOST), StageChanged(), HandsChanged(), InvitationsChanged()]
    assert whip in room.sessions


def test_others_are_muted_and_only_oneself_unmutes(room: Room) -> None:
    assert room.apply(MuteOther(COHOST, SPEAKER)) == [MuteChanged(SPEAKER, True), StageChanged()]
    assert room.apply(MuteOther(HOST, SPEAKER)) == []
    assert room.apply(MuteSelf(SPEAKER, False)) == [MuteChanged(SPEAKER, False), StageChanged()]
    assert code(room, MuteOther(HOST, LISTENER)) == (404, "not_on_stage")
    assert code(room, MuteSelf(LISTENER, True)) == (403, "not_permitted")


def test_the_stage_is_told_of_microphones_that_come_and_go(room: Room) -> None:
    whip, _ = sit(room, SPEAKER, Kind.WHIP)
    assert not room.on_air(SPEAKER)
    assert room.apply(MediaChanged(whip, True)) == [StageChanged()]
    assert room.on_air(SPEAKER)
    assert room.apply(MediaChanged(whip, True)) == []
    assert room.apply(Leave(whip)) == [StageChanged()]
    assert not room.on_air(SPEAKER)
    whep, _ = sit(room, SPEAKER, Kind.WHEP)
    assert room.apply(MediaChanged(whep, True)) == []
