"""The Space as a state machine: lifecycle, roles, hands, mutes and seats. Commands in, events out; no I/O, no clock.

What must last is the frozen `Record`. A command that changes it is *proposed* (a new record, or RequestError), stored
by the caller, and then *committed*: the events are what differs between the old record and the new. What lives only
as long as the node does (seats, hands, mutes) changes at once. Three tables say what may happen: TRANSITIONS (state ×
act → state), OPEN_IN (act → states it is possible in) and PERMISSIONS (act → roles it is allowed to).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, assert_never

from spaces.errors import LocalError, RequestError


class State(enum.StrEnum):
    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"
    CANCELLED = "cancelled"


class Role(enum.StrEnum):
    HOST = "host"
    COHOST = "cohost"
    SPEAKER = "speaker"
    LISTENER = "listener"


class Kind(enum.StrEnum):
    """The ways to be in a Space; a seat holds at most one session of each."""

    WHIP = "whip"
    WHEP = "whep"
    SOCKET = "socket"


class Act(enum.StrEnum):
    """What one may try to do; the keys of the tables below."""

    START = "start"
    END = "end"
    CANCEL = "cancel"
    EDIT = "edit"
    EDIT_ACCESS = "edit_access"
    RESCHEDULE = "reschedule"
    BRING_TO_STAGE = "bring_to_stage"
    TAKE_FROM_STAGE = "take_from_stage"
    TAKE_COHOST_FROM_STAGE = "take_cohost_from_stage"
    LEAVE_STAGE = "leave_stage"
    RAISE_HAND = "raise_hand"
    ANSWER_HAND = "answer_hand"
    MUTE_SELF = "mute_self"
    MUTE_OTHER = "mute_other"
    SEE_HANDS = "see_hands"


TRANSITIONS: Mapping[tuple[State, Act], State] = {
    (State.SCHEDULED, Act.START): State.LIVE,
    (State.SCHEDULED, Act.CANCEL): State.CANCELLED,
    (State.LIVE, Act.END): State.ENDED,
}

_BEFORE_END = frozenset({State.SCHEDULED, State.LIVE})
OPEN_IN: Mapping[Act, frozenset[State]] = {
    Act.EDIT: _BEFORE_END,
    Act.EDIT_ACCESS: _BEFORE_END,
    Act.RESCHEDULE: frozenset({State.SCHEDULED}),
    Act.BRING_TO_STAGE: _BEFORE_END,
    Act.TAKE_FROM_STAGE: _BEFORE_END,
    Act.TAKE_COHOST_FROM_STAGE: _BEFORE_END,
    Act.LEAVE_STAGE: _BEFORE_END,
    Act.RAISE_HAND: frozenset({State.LIVE}),
    Act.ANSWER_HAND: frozenset({State.LIVE}),
    Act.MUTE_SELF: _BEFORE_END,
    Act.MUTE_OTHER: _BEFORE_END,
}

_HOSTS = frozenset({Role.HOST, Role.COHOST})
PERMISSIONS: Mapping[Act, frozenset[Role]] = {
    Act.START: _HOSTS,
    Act.END: frozenset({Role.HOST}),
    Act.CANCEL: frozenset({Role.HOST}),
    Act.EDIT: _HOSTS,
    Act.EDIT_ACCESS: frozenset({Role.HOST}),
    Act.RESCHEDULE: frozenset({Role.HOST}),
    Act.BRING_TO_STAGE: _HOSTS,
    Act.TAKE_FROM_STAGE: _HOSTS,
    Act.TAKE_COHOST_FROM_STAGE: frozenset({Role.HOST}),
    Act.LEAVE_STAGE: frozenset({Role.COHOST, Role.SPEAKER}),
    Act.RAISE_HAND: frozenset({Role.LISTENER}),
    Act.ANSWER_HAND: _HOSTS,
    Act.MUTE_SELF: frozenset({Role.HOST, Role.COHOST, Role.SPEAKER}),
    Act.MUTE_OTHER: _HOSTS,
    Act.SEE_HANDS: _HOSTS,
}

JOINABLE: Mapping[Kind, frozenset[State]] = {
    Kind.WHIP: _BEFORE_END,  # the green room: the stage connects and checks its sound
    Kind.WHEP: frozenset({State.LIVE}),
    Kind.SOCKET: _BEFORE_END,  # whoever waits for the start is told of it
}


# --- what must last


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One way in: a policy's name and, for `subscribers`, the lowest tier that admits (None: any)."""

    policy: str
    tier: int | None = None


@dataclass(frozen=True, slots=True)
class StageMember:
    account: int
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything about a Space that outlives the process. Times are aware, in UTC."""

    id: str
    creator: int
    """The creator who is followed and paid, and whose account is the host."""
    title: str
    access: tuple[AccessRule, ...]
    """Any of them admits."""
    created_at: datetime
    stage: tuple[StageMember, ...]
    """In the order of arrival; exactly one host."""
    state: State = State.SCHEDULED
    topics: tuple[str, ...] = ()
    language: str | None = None
    scheduled_start: datetime | None = None
    time_zone: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def role_of(self, account: int | None) -> Role:
        for member in self.stage:
            if member.account == account:
                return member.role
        return Role.LISTENER


# --- seats


@dataclass(frozen=True, slots=True)
class SeatKey:
    """(account, client); without an account `client` is unique, so that every anonymous connection has its own seat."""

    account: int | None
    client: str

    def __str__(self) -> str:
        return f"{'~' if self.account is None else self.account}/{self.client}"


@dataclass(slots=True)
class Session:
    id: str
    kind: Kind
    seat: SeatKey
    media: bool = False
    """Whether its media is connected now."""


@dataclass(frozen=True, slots=True)
class Limits:
    speakers_max: int
    cohosts_max: int
    seats_per_account_max: int
    capacity_max: int
    green_room: timedelta


# --- commands


@dataclass(frozen=True, slots=True)
class Start:
    act: ClassVar[Act] = Act.START
    by: int
    now: datetime


@dataclass(frozen=True, slots=True)
class End:
    act: ClassVar[Act] = Act.END
    by: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    act: ClassVar[Act] = Act.CANCEL
    by: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """None: leave as it is."""

    by: int
    title: str | None = None
    topics: tuple[str, ...] | None = None
    language: str | None = None
    access: tuple[AccessRule, ...] | None = None
    scheduled_start: datetime | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class BringToStage:
    by: int
    account: int
    role: Role = Role.SPEAKER


@dataclass(frozen=True, slots=True)
class TakeFromStage:
    """`by` may be `account`: leaving the stage oneself."""

    by: int
    account: int


@dataclass(frozen=True, slots=True)
class AcceptHand:
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class DeclineHand:
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class RaiseHand:
    by: int | None
    now: datetime


@dataclass(frozen=True, slots=True)
class LowerHand:
    by: int | None


@dataclass(frozen=True, slots=True)
class MuteSelf:
    by: int | None
    muted: bool


@dataclass(frozen=True, slots=True)
class MuteOther:
    """Mutes only: nobody can unmute another."""

    by: int | None
    account: int


@dataclass(frozen=True, slots=True)
class Join:
    seat: SeatKey
    kind: Kind
    session: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Leave:
    session: str


@dataclass(frozen=True, slots=True)
class MediaChanged:
    session: str
    connected: bool


Lasting = Start | End | Cancel | Edit | BringToStage | TakeFromStage | AcceptHand
Passing = DeclineHand | RaiseHand | LowerHand | MuteSelf | MuteOther | Join | Leave | MediaChanged
Command = Lasting | Passing


# --- events


class Reason(enum.StrEnum):
    """Why the room ended a session."""

    REPLACED = "replaced"
    OFF_STAGE = "off_stage"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: State


@dataclass(frozen=True, slots=True)
class DetailsChanged:
    access: bool
    """Whether the way in changed, so that everybody seated has to be looked at again."""


@dataclass(frozen=True, slots=True)
class RoleChanged:
    account: int
    role: Role


@dataclass(frozen=True, slots=True)
class StageChanged:
    """Who is on stage, who is muted or who is connected there."""


@dataclass(frozen=True, slots=True)
class HandsChanged:
    pass


@dataclass(frozen=True, slots=True)
class MuteChanged:
    account: int
    muted: bool


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The room has forgotten this session; its media and its connection are to be closed."""

    session: str
    reason: Reason


Event = StateChanged | DetailsChanged | RoleChanged | StageChanged | HandsChanged | MuteChanged | SessionEnded


# --- the machine


@dataclass(slots=True)
class Room:
    record: Record
    limits: Limits
    seats: dict[SeatKey, dict[Kind, Session]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    hands: dict[int, datetime] = field(default_factory=dict)
    """Who asks to speak, and since when; in the order of asking."""
    muted: set[int] = field(default_factory=set)

    def role_of(self, account: int | None) -> Role:
        return self.record.role_of(account)

    @property
    def listeners(self) -> int:
        """Seats of the audience."""
        return sum(self.role_of(seat.account) is Role.LISTENER for seat in self.seats)

    def seats_by_role(self) -> dict[Role, int]:
        counts = dict.fromkeys(Role, 0)
        for seat in self.seats:
            counts[self.role_of(seat.account)] += 1
        return counts

    def seated(self, account: int) -> list[Session]:
        return [session for session in self.sessions.values() if session.seat.account == account]

    def on_air(self, account: int) -> bool:
        """Whether this member of the stage has a microphone connected."""
        return any(s.media and s.kind is not Kind.WHEP for s in self.seated(account))

    def apply(self, command: Command) -> list[Event]:
        """Do it, where nothing has to be stored in between. Raises RequestError and changes nothing if refused."""
        match command:
            case (
                DeclineHand() | RaiseHand() | LowerHand() | MuteSelf() | MuteOther() | Join() | Leave() | MediaChanged()
            ):
                return self._pass(command)
            case _:
                return self.commit(self.propose(command))

    # -- lasting changes

    def propose(self, command: Lasting) -> Record:
        """The record as it would be. Raises RequestError(403 | 404 | 409 | 410). Changes nothing."""
        record = self.record
        match command:
            case Start(by, now):
                return replace(record, state=self._next(command.act, by), started_at=now)
            case End(by, now) | Cancel(by, now):
                return replace(record, state=self._next(command.act, by), ended_at=now)
            case Edit():
                return self._edited(command)
            case BringToStage(by, account, role):
                self.permit(Act.BRING_TO_STAGE, by)
                return self._with_member(account, role)
            case AcceptHand(by, account):
                self.permit(Act.ANSWER_HAND, by)
                self._need_hand(account)
                return self._with_member(account, Role.SPEAKER)
            case TakeFromStage(by, account):
                return self._without_member(by, account)
            case _:
                assert_never(command)

    def commit(self, record: Record) -> list[Event]:
        """Make this the record; the events are the difference, ends of sessions last. Never refuses."""
        before, self.record = self.record, record
        events: list[Event] = []
        if record.state is not before.state:
            events.append(StateChanged(record.state))
        if _details(record) != _details(before):
            events.append(DetailsChanged(access=record.access != before.access))
        if record.stage != before.stage:
            events += self._stage_moved(before)
        if record.state not in _BEFORE_END:
            events += self._end_all()
        return events

    def _next(self, act: Act, by: int) -> State:
        self._permit_role(act, by)
        state = TRANSITIONS.get((self.record.state, act))
        if state is None:
            raise RequestError(409, "wrong_state", f"a Space that is {self.record.state} cannot {act}")
        return state

    def _edited(self, edit: Edit) -> Record:
        self.permit(Act.EDIT, edit.by)
        if edit.access is not None:
            self.permit(Act.EDIT_ACCESS, edit.by)
        if edit.scheduled_start is not None or edit.time_zone is not None:
            self.permit(Act.RESCHEDULE, edit.by)
        names = ("title", "topics", "language", "access", "scheduled_start", "time_zone")
        changes = {name: getattr(edit, name) for name in names if getattr(edit, name) is not None}
        return replace(self.record, **changes)

    def _with_member(self, account: int, role: Role) -> Record:
        if role not in (Role.SPEAKER, Role.COHOST):
            raise LocalError(f"nobody is made {role}")
        now = self.role_of(account)
        if now is Role.HOST:
            raise RequestError(409, "is_host", "the host is on stage already")
        if now is role:
            return self.record
        limit = self.limits.speakers_max if role is Role.SPEAKER else self.limits.cohosts_max
        if sum(member.role is role for member in self.record.stage) >= limit:
            raise RequestError(409, "stage_full", f"this stage has room for {limit} of {role}")
        others = tuple(member for member in self.record.stage if member.account != account)
        return replace(self.record, stage=(*others, StageMember(account, role)))

    def _without_member(self, by: int, account: int) -> Record:
        role = self.role_of(account)
        if role is Role.HOST:
            raise RequestError(403, "host_stays", "the host cannot leave the stage: end the Space instead")
        if by == account:
            self.permit(Act.LEAVE_STAGE, by)
        else:
            self.permit(Act.TAKE_COHOST_FROM_STAGE if role is Role.COHOST else Act.TAKE_FROM_STAGE, by)
        if role is Role.LISTENER:
            raise RequestError(404, "not_on_stage", "that account is not on stage")
        return replace(self.record, stage=tuple(m for m in self.record.stage if m.account != account))

    def _stage_moved(self, before: Record) -> list[Event]:
        """Role changes first, then what follows from them."""
        accounts = {m.account for m in before.stage} | {m.account for m in self.record.stage}
        moved = [a for a in sorted(accounts) if before.role_of(a) is not self.role_of(a)]
        events: list[Event] = [RoleChanged(account, self.role_of(account)) for account in moved]
        events.append(StageChanged())
        hands = False
        for account in moved:
            hands |= self.hands.pop(account, None) is not None
            hands |= before.role_of(account) in _HOSTS or self.role_of(account) in _HOSTS
            if self.role_of(account) is Role.LISTENER:
                self.muted.discard(account)
                for session in self.seated(account):
                    if session.kind is Kind.WHIP:
                        events.append(self._forget(session, Reason.OFF_STAGE))
        if hands:  # also when somebody may see them now who could not before
            events.append(HandsChanged())
        return events

    def _end_all(self) -> list[Event]:
        self.hands.clear()
        return [self._forget(session, Reason.ENDED) for session in list(self.sessions.values())]

    # -- passing changes

    def _pass(self, command: Passing) -> list[Event]:
        match command:
            case Join():
                return self._join(command)
            case Leave(session):
                return self._leave(session)
            case MediaChanged(session, connected):
                return self._media_changed(session, connected)
            case RaiseHand(by, now):
                return self._raise_hand(by, now)
            case LowerHand(by):
                self._need_account(by)
                return self._drop_hand(by)
            case DeclineHand(by, account):
                self.permit(Act.ANSWER_HAND, by)
                self._need_hand(account)
                return self._drop_hand(account)
            case MuteSelf(by, muted):
                return self._set_muted(self.permit(Act.MUTE_SELF, by), muted)
            case MuteOther(by, account):
                self.permit(Act.MUTE_OTHER, by)
                if self.role_of(account) is Role.LISTENER:
                    raise RequestError(404, "not_on_stage", "that account is not on stage")
                return self._set_muted(account, True)
            case _:
                assert_never(command)

    def check_joinable(self, kind: Kind, account: int | None, now: datetime) -> None:
        """Raises RequestError(409 | 410) if the Space's state has no place for this kind of session."""
        state = self.record.state
        if state not in _BEFORE_END:
            raise gone(state)
        if state not in JOINABLE[kind]:
            raise RequestError(409, "not_live", "this Space has not started")
        if kind is Kind.WHIP:
            self.check_green_room(now)

    def check_green_room(self, now: datetime) -> None:
        """The stage may connect before the start, though not days before. Raises RequestError(409)."""
        start = self.record.scheduled_start
        if self.record.state is State.SCHEDULED and start is not None and now < start - self.limits.green_room:
            raise RequestError(
                409, "not_live", f"the green room opens at {(start - self.limits.green_room).isoformat()}"
            )

    def check_stage(self, account: int | None) -> None:
        """Raises RequestError(403) unless this account may send sound."""
        if self.role_of(account) is Role.LISTENER:
            raise RequestError(403, "not_on_stage", "only the stage may send sound here: ask to speak first")

    def _join(self, join: Join) -> list[Event]:
        self.check_joinable(join.kind, join.seat.account, join.now)
        if join.kind is Kind.WHIP:
            self.check_stage(join.seat.account)
        if join.seat not in self.seats:
            self._check_room_for(join.seat)
        held = self.seats.setdefault(join.seat, {})
        events: list[Event] = []
        if old := held.get(join.kind):
            events.append(self._forget(old, Reason.REPLACED, keep_seat=True))
            if old.media and old.kind is not Kind.WHEP and self.role_of(old.seat.account) is not Role.LISTENER:
                events.insert(0, StageChanged())
        held[join.kind] = self.sessions[join.session] = Session(join.session, join.kind, join.seat)
        return events

    def _check_room_for(self, seat: SeatKey) -> None:
        if seat.account is not None:
            taken = sum(other.account == seat.account for other in self.seats)
            if taken >= self.limits.seats_per_account_max:
                raise RequestError(409, "too_many_seats", f"this account has {taken} seats in this Space already")
        if self.role_of(seat.account) is Role.LISTENER and len(self.seats) >= self.limits.capacity_max:
            raise RequestError(503, "full", "this Space is full", retry_after_seconds=30)

    def _leave(self, session_id: str) -> list[Event]:
        session = self.sessions.get(session_id)
        if session is None:
            return []
        account, was_up = session.seat.account, session.media
        self._forget(session, Reason.ENDED)
        events: list[Event] = []
        if was_up and self.role_of(account) is not Role.LISTENER and session.kind is not Kind.WHEP:
            events.append(StageChanged())
        if account is not None and not self.seated(account):
            events += self._drop_hand(account)
        return events

    def _forget(self, session: Session, reason: Reason, *, keep_seat: bool = False) -> SessionEnded:
        del self.sessions[session.id]
        held = self.seats[session.seat]
        del held[session.kind]
        if not held and not keep_seat:
            del self.seats[session.seat]
        return SessionEnded(session.id, reason)

    def _media_changed(self, session_id: str, connected: bool) -> list[Event]:
        session = self.sessions.get(session_id)
        if session is None or session.media is connected:
            return []
        session.media = connected
        on_stage = self.role_of(session.seat.account) is not Role.LISTENER and session.kind is not Kind.WHEP
        return [StageChanged()] if on_stage else []

    def _raise_hand(self, by: int | None, now: datetime) -> list[Event]:
        account = self._need_account(by)
        self.permit(Act.RAISE_HAND, account)
        if account in self.hands:
            return []
        self.hands[account] = now
        return [HandsChanged()]

    def _drop_hand(self, account: int | None) -> list[Event]:
        if account is None or self.hands.pop(account, None) is None:
            return []
        return [HandsChanged()]

    def _need_hand(self, account: int) -> None:
        if account not in self.hands:
            raise RequestError(404, "no_hand", "that account has not asked to speak")

    def _set_muted(self, account: int, muted: bool) -> list[Event]:
        if (account in self.muted) is muted:
            return []
        if muted:
            self.muted.add(account)
        else:
            self.muted.discard(account)
        return [MuteChanged(account, muted), StageChanged()]

    # -- the tables, asked

    def permit(self, act: Act, by: int | None) -> int:
        """The account, if its role and the Space's state allow this. Raises RequestError(401 | 403 | 409 | 410)."""
        account = self._permit_role(act, by)
        state = self.record.state
        if state not in OPEN_IN[act]:
            raise gone(state) if state not in _BEFORE_END else _not_in(state, act)
        return account

    def _permit_role(self, act: Act, by: int | None) -> int:
        account = self._need_account(by)
        role = self.role_of(account)
        if role not in PERMISSIONS[act]:
            if act is Act.RAISE_HAND:
                raise RequestError(409, "on_stage", "who is on stage need not ask")
            raise RequestError(403, "not_permitted", f"a {role} may not {act.replace('_', ' ')}")
        return account

    @staticmethod
    def _need_account(by: int | None) -> int:
        if by is None:
            raise RequestError(401, "not_signed_in", "sign in first")
        return by


def gone(state: State) -> RequestError:
    """What a join of a Space that is over is answered."""
    return RequestError(410, str(state), f"this Space is {state}")


def _not_in(state: State, act: Act) -> RequestError:
    code = "not_live" if state is State.SCHEDULED else "wrong_state"
    return RequestError(409, code, f"a Space that is {state} cannot {act.replace('_', ' ')}")


def _details(record: Record) -> Iterable[object]:
    return (record.title, record.topics, record.language, record.access, record.scheduled_start, record.time_zone)
