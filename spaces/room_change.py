"""What a lasting command makes of a Space's record: pure functions, which the room commits once the result is stored."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from spaces.errors import LocalError, RequestError
from spaces.room_commands import (
    AcceptHand,
    AcceptInvitation,
    Block,
    BringToStage,
    Cancel,
    DeclineInvitation,
    Edit,
    End,
    EndAbandoned,
    EndSuspended,
    HandOver,
    Invite,
    Lasting,
    PinLink,
    Remove,
    SetLock,
    SetPins,
    Start,
    TakeFromStage,
    Unblock,
    Uninvite,
    UnpinLink,
    UseGuestLink,
)
from spaces.room_permit import permit
from spaces.room_pins import pinned
from spaces.room_record import Invitation, Record, StageMember
from spaces.room_rules import BEFORE_END, TRANSITIONS, Act, Role, State

EDITABLE = (
    "title", "topics", "language", "access", "scheduled_start", "time_zone", "asking", "asking_seconds",
    "chat", "chat_seconds", "captions",
)  # fmt: skip
"""Fields of an Edit that the record has as they are."""


@dataclass(frozen=True, slots=True)
class Limits:
    speakers_max: int
    cohosts_max: int
    seats_per_account_max: int
    displace: bool
    """Whether one device more takes the place of the one that has been there longest; else it is refused."""
    capacity_max: int
    green_room: timedelta
    hands_max: int = 200
    invitations_max: int = 50
    pins_max: int = 10
    host_absence: timedelta = timedelta(minutes=10)
    """A live Space without host and co-hosts ends after this."""
    moves_max: int = 20
    """Times that a Space is given another start: whoever asked to be reminded is told of each."""


def propose(record: Record, hands: Container[int], limits: Limits, command: Lasting) -> Record:
    """The record as it would be. Raises RequestError(401 | 403 | 404 | 409 | 410)."""
    match command:
        case Start(by, now):
            return replace(record, state=_next(record, command.act, by), started_at=now)
        case End(by, now):
            return replace(record, state=_next(record, command.act, by), ended_at=now)
        case Cancel(by, now):
            over = _next(record, command.act, by)
            return replace(record, state=over, ended_at=now, sequence=record.sequence + 1)
        case EndAbandoned(now) | EndSuspended(now):
            if record.state is not State.LIVE:
                raise RequestError(409, "wrong_state", f"a Space that is {record.state} cannot end")
            return replace(record, state=State.ENDED, ended_at=now)
        case Edit():
            return _edited(record, limits, command)
        case SetLock(by, locked):
            permit(record, Act.LOCK, by)
            return replace(record, locked=locked)
        case HandOver(by, account):
            return _handed_over(record, by, account)
        case BringToStage(by, account, role):
            permit(record, Act.BRING_TO_STAGE, by)
            if role is Role.SPEAKER and record.role_of(account) is Role.COHOST and by != account:
                permit(record, Act.TAKE_COHOST_FROM_STAGE, by)  # it is a step down
            return _with_member(record, limits, account, role)
        case AcceptHand(by, account):
            permit(record, Act.ANSWER_HAND, by)
            if account not in hands:
                raise RequestError(404, "no_hand", "that account has not asked to speak")
            return _with_member(record, limits, account, Role.SPEAKER)
        case TakeFromStage(by, account):
            return _taken_down(record, by, account)
        case Invite() | Uninvite() | AcceptInvitation() | DeclineInvitation():
            return _invitations(record, limits, command)
        case UseGuestLink(by):
            permit(record, Act.USE_GUEST_LINK, by)
            return _with_member(record, limits, by, Role.SPEAKER)
        case Remove(by, account):
            check_removable(record, by, account, Act.REMOVE, Act.REMOVE_COHOST)
            return _without(record, account)
        case Block(by, account):
            check_removable(record, by, account, Act.BLOCK, Act.BLOCK_COHOST)
            return _without(record, account) if record.state in BEFORE_END else record
        case Unblock(by, _):
            permit(record, Act.UNBLOCK, by)
            return record
        case PinLink() | UnpinLink() | SetPins():
            return pinned(record, command, limits.pins_max)
        case _:
            assert_never(command)


def check_removable(record: Record, by: int, account: int, act: Act, act_on_cohost: Act) -> None:
    """Raises RequestError unless `by` may put this account out."""
    role = record.role_of(account)
    permit(record, act_on_cohost if role is Role.COHOST else act, by)
    if role is Role.HOST:
        raise RequestError(403, "host_stays", "nobody puts the host out")
    if account == record.creator:
        raise RequestError(409, "own_house", "nobody is kept out of his own house")


def _next(record: Record, act: Act, by: int) -> State:
    permit(record, act, by)
    return TRANSITIONS[record.state, act]


def _edited(record: Record, limits: Limits, edit: Edit) -> Record:
    permit(record, Act.EDIT, edit.by)
    for act, values in (
        (Act.EDIT_ACCESS, (edit.access,)),
        (Act.RESCHEDULE, (edit.scheduled_start, edit.time_zone)),
        (Act.EDIT_CAPACITY, (edit.capacity,)),
        (Act.EDIT_ASKING, (edit.asking, edit.asking_seconds)),
        (Act.EDIT_CHAT, (edit.chat, edit.chat_seconds)),
        (Act.EDIT_CAPTIONS, (edit.captions,)),
    ):
        if any(value is not None for value in values):
            permit(record, act, edit.by)
    changes = {name: getattr(edit, name) for name in EDITABLE if getattr(edit, name) is not None}
    if edit.capacity is not None:
        changes["capacity"] = edit.capacity or None
    if edit.scheduled_start not in (None, record.scheduled_start):
        if record.sequence >= limits.moves_max:
            raise RequestError(409, "moved_too_often", f"a Space is moved {limits.moves_max} times at most")
        changes |= {"sequence": record.sequence + 1, "moved_at": edit.now, "moved_from": record.scheduled_start}
    return replace(record, **changes)


def _handed_over(record: Record, by: int, account: int) -> Record:
    host = permit(record, Act.HAND_OVER, by)
    if record.role_of(account) is not Role.COHOST:
        raise RequestError(409, "not_cohost", "a Space is handed over to one of its co-hosts")
    roles = {host: Role.COHOST, account: Role.HOST}
    return replace(record, stage=tuple(StageMember(m.account, roles.get(m.account, m.role)) for m in record.stage))


def _with_member(record: Record, limits: Limits, account: int, role: Role) -> Record:
    if role not in (Role.SPEAKER, Role.COHOST):
        raise LocalError(f"nobody is made {role}")
    now = record.role_of(account)
    if now is Role.HOST:
        raise RequestError(409, "is_host", "the host is on stage already")
    if now is role:
        return record
    limit = limits.speakers_max if role is Role.SPEAKER else limits.cohosts_max
    if sum(member.role is role for member in record.stage) >= limit:
        raise RequestError(409, "stage_full", f"this stage has room for {limit} of {role}")
    others = tuple(member for member in record.stage if member.account != account)
    invitations = tuple(i for i in record.invitations if i.account != account)
    return replace(record, stage=(*others, StageMember(account, role)), invitations=invitations)


def _taken_down(record: Record, by: int, account: int) -> Record:
    role = record.role_of(account)
    if role is Role.HOST:
        raise RequestError(403, "host_stays", "the host cannot leave the stage: end the Space or hand it over instead")
    if by == account:
        permit(record, Act.LEAVE_STAGE, by)
    else:
        permit(record, Act.TAKE_COHOST_FROM_STAGE if role is Role.COHOST else Act.TAKE_FROM_STAGE, by)
    if role is Role.LISTENER:
        raise RequestError(404, "not_on_stage", "that account is not on stage")
    return _without(record, account)


def _without(record: Record, account: int) -> Record:
    return replace(
        record,
        stage=tuple(m for m in record.stage if m.account != account),
        invitations=tuple(i for i in record.invitations if i.account != account),
    )


def _invitations(
    record: Record, limits: Limits, command: Invite | Uninvite | AcceptInvitation | DeclineInvitation
) -> Record:
    by = permit(record, command.act, command.by)
    match command:
        case Invite(_, account, now, role):
            if record.role_of(account) is not Role.LISTENER:
                raise RequestError(409, "on_stage", "that account is on stage already")
            others = tuple(i for i in record.invitations if i.account != account)
            if len(others) >= limits.invitations_max:
                raise RequestError(
                    409, "too_many_invitations", f"{limits.invitations_max} invitations are open: take one back first"
                )
            standing = record.invitation_of(account)
            if standing is not None and standing.role is role:
                return record
            made = sorted((*others, Invitation(account, role, by, now)), key=lambda i: (i.since, i.account))
            return replace(record, invitations=tuple(made))
        case Uninvite(_, account):
            _need_invitation(record, account)
            return _uninvited(record, account)
        case AcceptInvitation():
            return _with_member(record, limits, by, _need_invitation(record, by).role)
        case DeclineInvitation():
            _need_invitation(record, by)
            return _uninvited(record, by)
        case _:
            assert_never(command)


def _need_invitation(record: Record, account: int) -> Invitation:
    invitation = record.invitation_of(account)
    if invitation is None:
        raise RequestError(404, "not_invited", "there is no invitation to the stage for that account")
    return invitation


def _uninvited(record: Record, account: int) -> Record:
    return replace(record, invitations=tuple(i for i in record.invitations if i.account != account))
