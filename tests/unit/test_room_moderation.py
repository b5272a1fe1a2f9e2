"""What hosts do to a room full of people: lock, remove, block, mute, invite, hand over; and what time does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from spaces.errors import RequestError
from spaces.room import Room
from spaces.room_absence import TOLD_AFTER
from spaces.room_commands import (
    AcceptInvitation,
    Block,
    BringToStage,
    DeclineInvitation,
    Edit,
    EndAbandoned,
    HandOver,
    Invite,
    Leave,
    LowerHand,
    MuteAll,
    MuteSelf,
    RaiseHand,
    Remove,
    SetLock,
    TakeFromStage,
    Tick,
    Unblock,
    Uninvite,
    UseGuestLink,
)
from spaces.room_events import (
    ClosingChanged,
    DetailsChanged,
    HandChanged,
    HandsChanged,
    InvitationChanged,
    InvitationsChanged,
    MuteChanged,
    Reason,
    RoleChanged,
    SessionEnded,
    StageChanged,
    StateChanged,
)
from spaces.room_hands import RETURN
from spaces.room_record import Kept
from spaces.room_rules import Asking, Kind, Role, State
from tests.harness.rooms import HOST, LIMITS, NOW, code, live_room, on_stage, sit

COHOST, SPEAKER, LISTENER = 2, 3, 7


@pytest.fixture
def room() -> Room:
    room = live_room()
    on_stage(room, COHOST, Role.COHOST)
    on_stage(room, SPEAKER)
    sit(room, HOST)
    return room


def may_sit(room: Room, account: int | None) -> str:
    try:
        sit(room, account)
    except RequestError as refused:
        return refused.code
    return "in"


# --- the lock


def test_nobody_new_comes_into_a_locked_room(room: Room) -> None:
    inside, _ = sit(room, LISTENER)
    assert room.apply(SetLock(COHOST, True)) == [DetailsChanged(access=False)]
    assert may_sit(room, 8) == may_sit(room, None) == "locked"
    assert may_sit(room, SPEAKER) == "in", "the stage comes and goes"
    room.apply(Leave(inside))
    assert may_sit(room, LISTENER) == "in", "who was in is not new"
    room.apply(SetLock(HOST, False))
    assert may_sit(room, 8) == "in"


def test_who_came_down_from_the_stage_is_not_new_either(room: Room) -> None:
    room.apply(SetLock(HOST, True))
    session, _ = sit(room, SPEAKER)
    room.apply(TakeFromStage(HOST, SPEAKER))
    room.apply(Leave(session))
    assert may_sit(room, SPEAKER) == "in"


def test_a_guest_comes_through_the_lock_by_the_stage(room: Room) -> None:
    room.apply(SetLock(HOST, True))
    room.apply(UseGuestLink(LISTENER))
    assert may_sit(room, LISTENER) == "in"


# --- out


def test_who_is_removed_is_out_with_all_that_is_his_and_may_come_back(room: Room) -> None:
    whip, _ = sit(room, SPEAKER, Kind.WHIP, media=True)
    socket, _ = sit(room, SPEAKER)
    assert room.apply(Remove(COHOST, SPEAKER)) == [
        RoleChanged(SPEAKER, Role.LISTENER),
        StageChanged(),
        SessionEnded(whip, Reason.OFF_STAGE),
        SessionEnded(socket, Reason.REMOVED),
    ]
    assert may_sit(room, SPEAKER) == "in"


def test_who_is_removed_from_a_locked_room_stays_out(room: Room) -> None:
    sit(room, LISTENER)
    room.apply(SetLock(HOST, True))
    room.apply(RaiseHand(LISTENER, NOW))
    events = room.apply(Remove(HOST, LISTENER))
    assert events[:2] == [HandChanged(LISTENER, False), HandsChanged()]
    assert may_sit(room, LISTENER) == "locked"


def test_who_is_blocked_is_out_and_comes_back_when_unblocked(room: Room) -> None:
    session, _ = sit(room, LISTENER)
    assert room.apply(Block(COHOST, LISTENER)) == [SessionEnded(session, Reason.BLOCKED)]
    assert may_sit(room, LISTENER) == "blocked"
    assert room.apply(Unblock(HOST, LISTENER)) == []
    assert may_sit(room, LISTENER) == "in"


def test_who_puts_out_whom(room: Room) -> None:
    on_stage(room, 4, Role.COHOST)
    for what in (Remove, Block):
        assert code(room, what(COHOST, HOST)) == (403, "host_stays")
        assert code(room, what(COHOST, 4)) == (403, "not_permitted")
        assert code(room, what(SPEAKER, LISTENER)) == (403, "not_permitted")
    room.apply(HandOver(HOST, COHOST))
    assert code(room, Remove(COHOST, HOST)) == (409, "own_house"), "the creator stays in his own house"
    room.apply(Remove(COHOST, 4))


# --- mutes


def test_everybody_is_muted_but_the_host_and_who_does_it(room: Room) -> None:
    assert room.apply(MuteAll(COHOST)) == [MuteChanged(SPEAKER, True), StageChanged()]
    assert room.apply(MuteAll(COHOST)) == []
    assert room.apply(MuteAll(HOST)) == [MuteChanged(COHOST, True), StageChanged()]
    room.apply(MuteSelf(SPEAKER, False))
    assert room.muted == {COHOST}


def test_a_mute_ends_with_the_place_on_stage_for_every_connection(room: Room) -> None:
    sit(room, SPEAKER)
    room.apply(MuteSelf(SPEAKER, True))
    assert MuteChanged(SPEAKER, False) in room.apply(TakeFromStage(HOST, SPEAKER))


# --- invitations


def test_an_invitation_is_accepted(room: Room) -> None:
    made = room.apply(Invite(COHOST, LISTENER, NOW))
    assert made == [InvitationChanged(LISTENER), InvitationsChanged()]
    assert room.apply(Invite(HOST, LISTENER, NOW)) == []
    assert room.apply(AcceptInvitation(LISTENER)) == [
        RoleChanged(LISTENER, Role.SPEAKER),
        StageChanged(),
        InvitationChanged(LISTENER),
        InvitationsChanged(),
    ]
    assert code(room, DeclineInvitation(LISTENER)) == (409, "on_stage")


def test_an_invitation_is_declined_or_taken_back(room: Room) -> None:
    assert code(room, AcceptInvitation(LISTENER)) == (404, "not_invited")
    room.apply(Invite(HOST, LISTENER, NOW, Role.COHOST))
    room.apply(DeclineInvitation(LISTENER))
    assert code(room, Uninvite(HOST, LISTENER)) == (404, "not_invited")
    room.apply(Invite(HOST, LISTENER, NOW))
    room.apply(Uninvite(COHOST, LISTENER))
    assert room.record.invitations == ()
    assert code(room, Invite(HOST, SPEAKER, NOW)) == (409, "on_stage")
    assert code(room, Invite(SPEAKER, LISTENER, NOW)) == (403, "not_permitted")


def test_an_invitation_is_no_seat_on_a_full_stage() -> None:
    room = live_room(limits=replace(LIMITS, speakers_max=1, invitations_max=2))
    room.apply(Invite(HOST, 7, NOW))
    room.apply(Invite(HOST, 8, NOW))
    assert code(room, Invite(HOST, 9, NOW)) == (409, "too_many_invitations")
    room.apply(AcceptInvitation(7))
    assert code(room, AcceptInvitation(8)) == (409, "stage_full")
    assert code(room, UseGuestLink(9)) == (409, "stage_full")
    assert room.record.invitation_of(8) is not None


def test_who_comes_to_the_stage_otherwise_is_not_invited_any_more(room: Room) -> None:
    room.apply(Invite(HOST, LISTENER, NOW))
    room.apply(BringToStage(HOST, LISTENER))
    assert room.record.invitations == ()
    room.apply(Invite(HOST, 8, NOW))
    room.apply(Block(HOST, 8))
    assert room.record.invitations == ()


# --- the host


def test_a_space_is_handed_over_to_a_cohost(room: Room) -> None:
    assert code(room, HandOver(HOST, SPEAKER)) == (409, "not_cohost")
    assert code(room, HandOver(COHOST, COHOST)) == (403, "not_permitted")
    events = room.apply(HandOver(HOST, COHOST))
    assert events[:2] == [RoleChanged(HOST, Role.COHOST), RoleChanged(COHOST, Role.HOST)]
    assert [(m.account, m.role) for m in room.record.stage] == [
        (HOST, Role.COHOST),
        (COHOST, Role.HOST),
        (SPEAKER, Role.SPEAKER),
    ]


def test_a_space_without_a_host_says_when_it_ends_and_ends() -> None:
    room = live_room()
    host, _ = sit(room, HOST)
    assert room.apply(Tick(NOW)) == []
    room.apply(Leave(host))
    assert room.apply(Tick(NOW)) == []
    end = NOW + LIMITS.host_absence
    assert room.apply(Tick(NOW + TOLD_AFTER)) == [ClosingChanged(end)]
    assert room.apply(Tick(NOW + TOLD_AFTER * 2)) == []
    assert not room.abandoned(end - timedelta(seconds=1))
    assert room.abandoned(end)
    listener, _ = sit(room, LISTENER)
    assert room.apply(EndAbandoned(end)) == [StateChanged(State.ENDED), SessionEnded(listener, Reason.ENDED)]
    assert room.record.ended_at == end


def test_a_cohost_who_comes_back_keeps_it_going(room: Room) -> None:
    [host] = list(room.sessions)
    room.apply(Leave(host))
    room.apply(Tick(NOW))
    room.apply(Tick(NOW + TOLD_AFTER))
    sit(room, SPEAKER)
    assert room.apply(Tick(NOW + TOLD_AFTER)) == []
    sit(room, COHOST)
    assert room.apply(Tick(NOW + TOLD_AFTER)) == [ClosingChanged(None)]
    assert not room.abandoned(NOW + timedelta(days=1))


# --- who may ask


def test_who_may_ask_to_speak(room: Room) -> None:
    sit(room, LISTENER)
    room.apply(Edit(by=COHOST, asking=Asking.NOBODY))
    assert code(room, RaiseHand(LISTENER, NOW)) == (403, "asking_closed")
    room.apply(Edit(by=COHOST, asking=Asking.SUBSCRIBERS))
    assert code(room, RaiseHand(LISTENER, NOW)) == (403, "subscribers_only")
    room.apply(RaiseHand(LISTENER, NOW, subscriber=True))


def test_one_asks_once_in_a_while(room: Room) -> None:
    for account in (LISTENER, 8):
        sit(room, account)
    room.apply(Edit(by=HOST, asking_seconds=30))
    room.apply(RaiseHand(LISTENER, NOW))
    assert room.apply(RaiseHand(LISTENER, NOW)) == []
    room.apply(LowerHand(LISTENER))
    with pytest.raises(RequestError) as refused:
        room.apply(RaiseHand(LISTENER, NOW + timedelta(seconds=10)))
    assert (refused.value.code, refused.value.retry_after_seconds) == ("slow_mode", 21)
    room.apply(RaiseHand(8, NOW))
    room.apply(RaiseHand(LISTENER, NOW + timedelta(seconds=30)))
    room.apply(Tick(NOW + timedelta(seconds=90)))
    assert room.raised.asked == {}, "who need not wait any more is forgotten"


def test_not_everybody_asks_at_once() -> None:
    room = live_room(limits=replace(LIMITS, hands_max=2))
    for account in (7, 8, 9):
        sit(room, account)
    room.apply(RaiseHand(7, NOW))
    room.apply(RaiseHand(8, NOW))
    assert code(room, RaiseHand(9, NOW)) == (409, "hands_full")


# --- capacity


def test_the_host_says_how_many_there_are_seats_for(room: Room) -> None:
    room.apply(Edit(by=HOST, capacity=2))
    assert code(room, Edit(by=COHOST, capacity=9)) == (403, "not_permitted")
    assert may_sit(room, 7) == "in"
    assert may_sit(room, 8) == "full"
    assert may_sit(room, SPEAKER) == "in"
    room.apply(Edit(by=HOST, capacity=1_000))
    assert room.capacity == LIMITS.capacity_max
    room.apply(Edit(by=HOST, capacity=0))
    assert room.record.capacity is None


# --- after its node was killed


def test_it_comes_back_as_it_was_stored(room: Room) -> None:
    sit(room, LISTENER)
    room.apply(RaiseHand(LISTENER, NOW))
    room.apply(MuteSelf(SPEAKER, True))
    room.apply(SetLock(HOST, True))
    room.apply(Invite(HOST, 8, NOW))
    again = Room.restored(room.kept, LIMITS, [LISTENER])
    assert again.kept == room.kept
    assert again.seats == {}
    assert may_sit(again, LISTENER) == "in"
    assert may_sit(again, 9) == "locked"
    assert again.hands.keys() == {LISTENER}
    assert again.role_of(LISTENER) is Role.LISTENER


def test_a_hand_whose_owner_does_not_come_back_goes_down(room: Room) -> None:
    for account in (LISTENER, 8):
        sit(room, account)
        room.apply(RaiseHand(account, NOW))
    again = Room.restored(room.kept, LIMITS)
    sit(again, LISTENER)
    sit(again, HOST)
    again.apply(Tick(NOW))
    assert again.apply(Tick(NOW + RETURN)) == [HandChanged(8, False), HandsChanged()]
    assert again.hands.keys() == {LISTENER}


def test_nobody_is_promoted_by_what_an_interrupted_change_left_behind(room: Room) -> None:
    """A hand of somebody on stage, a mute of somebody who is not: neither is anything."""
    kept = Kept(room.record, ((SPEAKER, NOW), (LISTENER, NOW)), frozenset({LISTENER, COHOST}))
    again = Room.restored(kept, LIMITS)
    assert again.hands.keys() == {LISTENER}
    assert again.muted == {COHOST}
    assert again.record == room.record
