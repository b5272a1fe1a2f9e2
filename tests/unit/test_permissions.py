"""The permissions table: PROTOCOL.md shows the code's, and the machine does what each of its cells says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from spaces.errors import RequestError
from spaces.permissions import table, written_into
from spaces.room import Room
from spaces.room_commands import (
    AcceptHand,
    AcceptInvitation,
    Block,
    BringToStage,
    Cancel,
    Command,
    Edit,
    End,
    HandOver,
    Invite,
    LowerHand,
    MuteAll,
    MuteOther,
    MuteSelf,
    PinLink,
    RaiseHand,
    Remove,
    SetLock,
    Start,
    TakeFromStage,
    Unblock,
    UseGuestLink,
)
from spaces.room_record import AccessRule, Pin
from spaces.room_rules import Act, Asking, CaptionsPolicy, ChatPolicy, Role, State, allowed
from tests.harness.rooms import HOST, NOW, live_room, on_stage, scheduled_room, sit

COHOST, SPEAKER, LISTENER, OTHER_COHOST, OTHER_SPEAKER, HAND = 2, 3, 7, 4, 5, 8
ACTORS = {Role.HOST: HOST, Role.COHOST: COHOST, Role.SPEAKER: SPEAKER, Role.LISTENER: LISTENER}

COMMANDS: dict[Act, Callable[[int], Command]] = {
    Act.START: lambda by: Start(by, NOW),
    Act.END: lambda by: End(by, NOW),
    Act.CANCEL: lambda by: Cancel(by, NOW),
    Act.EDIT: lambda by: Edit(by=by, title="Another"),
    Act.EDIT_ACCESS: lambda by: Edit(by=by, access=(AccessRule("members"),)),
    Act.EDIT_CAPACITY: lambda by: Edit(by=by, capacity=5),
    Act.EDIT_ASKING: lambda by: Edit(by=by, asking=Asking.NOBODY),
    Act.EDIT_CHAT: lambda by: Edit(by=by, chat=ChatPolicy.OFF),
    Act.EDIT_CAPTIONS: lambda by: Edit(by=by, captions=CaptionsPolicy.OFF),
    Act.RESCHEDULE: lambda by: Edit(by=by, scheduled_start=NOW),
    Act.LOCK: lambda by: SetLock(by, True),
    Act.HAND_OVER: lambda by: HandOver(by, OTHER_COHOST),
    Act.BRING_TO_STAGE: lambda by: BringToStage(by, 9),
    Act.TAKE_FROM_STAGE: lambda by: TakeFromStage(by, OTHER_SPEAKER),
    Act.TAKE_COHOST_FROM_STAGE: lambda by: TakeFromStage(by, OTHER_COHOST),
    Act.LEAVE_STAGE: lambda by: TakeFromStage(by, by),
    Act.INVITE_TO_STAGE: lambda by: Invite(by, 9, NOW),
    Act.ANSWER_INVITATION: AcceptInvitation,
    Act.USE_GUEST_LINK: UseGuestLink,
    Act.RAISE_HAND: lambda by: RaiseHand(by, NOW),
    Act.LOWER_HAND: LowerHand,
    Act.ANSWER_HAND: lambda by: AcceptHand(by, HAND),
    Act.MUTE_SELF: lambda by: MuteSelf(by, True),
    Act.MUTE_OTHER: lambda by: MuteOther(by, OTHER_SPEAKER),
    Act.MUTE_ALL: MuteAll,
    Act.PIN: lambda by: PinLink(by, Pin("https://example.org/", "")),
    Act.REMOVE: lambda by: Remove(by, OTHER_SPEAKER),
    Act.REMOVE_COHOST: lambda by: Remove(by, OTHER_COHOST),
    Act.BLOCK: lambda by: Block(by, OTHER_SPEAKER),
    Act.BLOCK_COHOST: lambda by: Block(by, OTHER_COHOST),
    Act.UNBLOCK: lambda by: Unblock(by, 9),
}
AROUND = {Act.REACT, Act.WRITE, Act.DELETE_OWN_LINE, Act.DELETE_LINE, Act.CAPTION, Act.SEE_CHAT_LOG}
"""Around the talk."""
ASKED = AROUND | {
    Act.INVITE,
    Act.MAKE_GUEST_LINK,
    Act.USE_STINGERS,
    Act.REPORT,
    Act.REMIND,
    Act.SEE_HANDS,
    Act.SEE_INVITATIONS,
    Act.SEE_BLOCKS,
    Act.SEE_AUDIENCE,
    Act.SEE_HEALTH,
}
"""What changes nothing in the room itself: it is only asked."""


def room_in(state: State) -> Room:
    """Everybody is in it, one has his hand up, and the listener is invited: every act has somebody to be done to."""
    room = scheduled_room() if state in (State.SCHEDULED, State.CANCELLED) else live_room()
    on_stage(room, COHOST, Role.COHOST)
    on_stage(room, OTHER_COHOST, Role.COHOST)
    on_stage(room, SPEAKER)
    on_stage(room, OTHER_SPEAKER)
    room.apply(Invite(HOST, LISTENER, NOW))
    for account in (HOST, COHOST, SPEAKER, LISTENER, HAND):
        sit(room, account)
    if state in (State.LIVE, State.ENDED):
        room.apply(RaiseHand(HAND, NOW))
    if state is State.ENDED:
        room.apply(End(HOST, NOW))
    if state is State.CANCELLED:
        room.apply(Cancel(HOST, NOW))
    return room


def test_every_act_has_its_way_into_the_machine() -> None:
    assert COMMANDS.keys() | ASKED == set(Act)
    assert not COMMANDS.keys() & ASKED


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("role", list(Role))
def test_the_machine_does_what_the_cell_says(role: Role, act: Act, state: State) -> None:
    room = room_in(state)
    by = ACTORS[role]
    assert room.role_of(by) is role
    before = copy.deepcopy(room)
    do = (lambda: room.apply(COMMANDS[act](by))) if act in COMMANDS else (lambda: room.permit(act, by))
    if allowed(role, act, state):
        do()
        return
    with pytest.raises(RequestError) as refused:
        do()
    assert refused.value.status in (403, 409, 410)
    assert refused.value.code in ("not_permitted", "on_stage", "host_stays", "wrong_state", "not_live", str(state))
    assert room == before


def test_nobody_signed_in_may_nothing() -> None:
    room = room_in(State.LIVE)
    for act in Act:
        with pytest.raises(RequestError, match="401 not_signed_in"):
            room.permit(act, None)


def test_the_printed_table_is_the_codes() -> None:
    protocol = (Path(__file__).parents[2] / "PROTOCOL.md").read_text(encoding="utf-8")
    assert table() in protocol
    assert written_into(protocol) == protocol
