"""The Space as a state machine: lifecycle, roles, hands, mutes and seats. Commands in, events out; no I/O, no clock.

What must last is the frozen `Record`. A command that changes it is *proposed* (a new record, or RequestError), stored
by the caller, and then *committed*: the events are what differs between the old record and the new. What lives only
as long as the node does (seats, hands, mutes) changes at once. What may happen is in the tables of `room_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from spaces.errors import LocalError, RequestError
from spaces.room_commands import (
    AcceptHand,
    BringToStage,
    Cancel,
    Command,
    DeclineHand,
    DetailsChanged,
    Edit,
    End,
    Event,
    HandChanged,
    HandsChanged,
    Join,
    Lasting,
    Leave,
    LowerHand,
    MediaChanged,
    MuteChanged,
    MuteOther,
    MuteSelf,
    Passing,
    RaiseHand,
    Reason,
    RoleChanged,
    SeatKey,
    SessionEnded,
    StageChanged,
    Start,
    StateChanged,
    TakeFromStage,
)
from spaces.room_record import Record, StageMember
from spaces.room_rules import BEFORE_END, HOSTS, JOINABLE, OPEN_IN, PERMISSIONS, TRANSITIONS, Act, Kind, Role, State


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
    displace: bool
    """Whether one device more takes the place of the one that has been there longest; else it is refused."""
    capacity_max: int
    green_room: timedelta


@dataclass(slots=True)
class Room:
    record: Record
    limits: Limits
    seats: dict[SeatKey, dict[Kind, Session]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    by_account: dict[int, dict[str, Session]] = field(default_factory=dict)
    """The sessions of everybody signed in, so that a join does not look through ten thousand seats."""
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
        return list(self.by_account.get(account, {}).values())

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
        if record.state not in BEFORE_END:
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
            if self.hands.pop(account, None) is not None:
                events.append(HandChanged(account, False))
                hands = True
            hands |= before.role_of(account) in HOSTS or self.role_of(account) in HOSTS
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

    def check_joinable(self, kind: Kind, now: datetime) -> None:
        """Raises RequestError(409 | 410) if the Space's state has no place for this kind of session."""
        self.check_over()
        if self.record.state not in JOINABLE[kind]:
            raise RequestError(409, "not_live", "this Space has not started")
        if kind is Kind.WHIP:
            self.check_green_room(now)

    def check_over(self) -> None:
        """Raises RequestError(410) if this Space has ended or was cancelled."""
        if self.record.state not in BEFORE_END:
            raise gone(self.record.state)

    def check_green_room(self, now: datetime) -> None:
        """The stage may connect before the start, though not days before. Raises RequestError(409)."""
        start = self.record.scheduled_start
        if self.record.state is State.SCHEDULED and start is not None and now < start - self.limits.green_room:
            raise RequestError(
                409, "not_live", f"the green room opens at {(start - self.limits.green_room).isoformat()}"
            )

    def check_listen(self, account: int | None, now: datetime) -> None:
        """Whether a socket may have media: the stage from the green room on, the audience while live. Raises RequestError."""
        self.check_over()
        if self.role_of(account) is not Role.LISTENER:
            self.check_green_room(now)
        elif self.record.state is not State.LIVE:
            raise RequestError(409, "not_live", "this Space has not started")

    def check_stage(self, account: int | None) -> None:
        """Raises RequestError(403) unless this account may send sound."""
        if self.role_of(account) is Role.LISTENER:
            raise RequestError(403, "not_on_stage", "only the stage may send sound here: ask to speak first")

    def _join(self, join: Join) -> list[Event]:
        self.check_joinable(join.kind, join.now)
        if join.kind is Kind.WHIP:
            self.check_stage(join.seat.account)
        events: list[Event] = []
        if join.seat not in self.seats and (oldest := self._make_room_for(join.seat)) is not None:
            for session in list(self.seats[oldest].values()):
                events += self._end_in_seat(session, Reason.DISPLACED)
        held = self.seats.setdefault(join.seat, {})
        if old := held.get(join.kind):
            events += self._end_in_seat(old, Reason.REPLACED, keep_seat=True)
        session = Session(join.session, join.kind, join.seat)
        held[join.kind] = self.sessions[join.session] = session
        if join.seat.account is not None:
            self.by_account.setdefault(join.seat.account, {})[join.session] = session
        return events

    def _make_room_for(self, seat: SeatKey) -> SeatKey | None:
        """The seat of the same account that gives way to it, if one has to. Raises RequestError(409 | 503)."""
        oldest = None
        if seat.account is not None:
            newest_first = dict.fromkeys(session.seat for session in reversed(self.seated(seat.account)))
            if len(newest_first) >= self.limits.seats_per_account_max:
                if not self.limits.displace:
                    taken = f"this account has {len(newest_first)} seats in this Space already"
                    raise RequestError(409, "too_many_seats", taken)
                oldest = list(newest_first)[-1]
        others = len(self.seats) - (oldest is not None)
        if self.role_of(seat.account) is Role.LISTENER and others >= self.limits.capacity_max:
            raise RequestError(503, "full", "this Space is full", retry_after_seconds=30)
        return oldest

    def _end_in_seat(self, session: Session, reason: Reason, *, keep_seat: bool = False) -> list[Event]:
        """Because of a newer one of the same account."""
        on_air = session.media and session.kind is not Kind.WHEP
        changed = on_air and self.role_of(session.seat.account) is not Role.LISTENER
        ended = self._forget(session, reason, keep_seat=keep_seat)
        return [StageChanged(), ended] if changed else [ended]

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
        if (account := session.seat.account) is not None:
            del self.by_account[account][session.id]
            if not self.by_account[account]:
                del self.by_account[account]
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
        return [HandChanged(account, True), HandsChanged()]

    def _drop_hand(self, account: int | None) -> list[Event]:
        if account is None or self.hands.pop(account, None) is None:
            return []
        return [HandChanged(account, False), HandsChanged()]

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
            raise gone(state) if state not in BEFORE_END else _not_in(state, act)
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


def _details(record: Record) -> tuple[object, ...]:
    return (record.title, record.topics, record.language, record.access, record.scheduled_start, record.time_zone)
