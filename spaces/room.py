"""The Space as a state machine: lifecycle, roles, hands, mutes and seats. Commands in, events out; no I/O, no clock.

What must last is the frozen `Record`. A command that changes it is *proposed* (a new record, or RequestError), stored
by the caller, and then *committed*: the events are what differs between the old record and the new. Hands and mutes
change at once (a mute waits for no database) and are stored afterwards: `kept` is all that is to be. Seats live only as
long as the node does. What may happen is in the tables of `room_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from spaces.errors import RequestError
from spaces.room_absence import Absence
from spaces.room_change import Limits as Limits
from spaces.room_change import propose
from spaces.room_commands import (
    Block,
    Command,
    DeclineHand,
    Join,
    Lasting,
    Leave,
    LowerHand,
    MediaChanged,
    MuteAll,
    MuteOther,
    MuteSelf,
    Passing,
    RaiseHand,
    Remove,
    Tick,
    Unblock,
)
from spaces.room_entrance import Entrance
from spaces.room_events import (
    ClosingChanged,
    DetailsChanged,
    Event,
    HandChanged,
    HandsChanged,
    InvitationChanged,
    InvitationsChanged,
    MuteChanged,
    PinsChanged,
    Reason,
    RoleChanged,
    SessionEnded,
    StageChanged,
    StateChanged,
)
from spaces.room_hands import Hands
from spaces.room_kept import KeptSeats
from spaces.room_permit import permit
from spaces.room_record import Kept, Record
from spaces.room_rules import BEFORE_END, HOSTS, Act, Kind, Role, State
from spaces.room_seats import Session


@dataclass(slots=True)
class Room(Entrance):
    raised: Hands = field(default_factory=Hands)
    muted: set[int] = field(default_factory=set)
    absence: Absence = field(default_factory=Absence)
    peak: int = 0
    """The most listeners at once while it was live."""

    @staticmethod
    def restored(kept: Kept, limits: Limits, insiders: Iterable[int] = (), kept_seats: KeptSeats | None = None) -> Room:
        """As it was stored: nobody is in it, and nobody has another role than he had."""
        record = kept.record
        stage = {member.account for member in record.stage}
        open_ = record.state is State.LIVE
        hands = {account: since for account, since in kept.hands if open_ and account not in stage}
        room = Room(record=record, limits=limits, muted=set(kept.muted & stage), peak=record.peak_listeners)
        room.raised = Hands(hands, awaited=set(hands))
        if record.locked:
            room.insiders = set(insiders)
        if kept_seats is not None:
            room.kept_seats = kept_seats
        return room

    @property
    def hands(self) -> dict[int, datetime]:
        """Who asks to speak, and since when; in the order of asking."""
        return self.raised.up

    @property
    def closing_at(self) -> datetime | None:
        """When it ends unless a host comes back, if none is there."""
        return self.absence.closing_at

    @property
    def kept(self) -> Kept:
        return self.kept_with(self.record)

    def kept_with(self, record: Record) -> Kept:
        """What is to be stored if this becomes the record: nobody on stage has a hand up, and only there is one muted."""
        self._note_peak()
        stage = {member.account for member in record.stage}
        open_ = record.state in BEFORE_END
        hands = [(account, since) for account, since in self.hands.items() if open_ and account not in stage]
        hands.sort(key=lambda hand: (hand[1], hand[0]))
        record = replace(record, peak_listeners=max(self.peak, record.peak_listeners))
        return Kept(record, tuple(hands), frozenset(self.muted & stage))

    @property
    def listeners(self) -> int:
        """Seats of the audience. The stage is counted, not the crowd: this is asked for at every join."""
        return len(self.seats) - sum(len({s.seat for s in self.of(member.account)}) for member in self.record.stage)

    def seats_by_role(self) -> dict[Role, int]:
        counts = dict.fromkeys(Role, 0)
        for seat in self.seats:
            counts[self.role_of(seat.account)] += 1
        return counts

    def seated(self, account: int) -> list[Session]:
        return self.of(account)

    def on_air(self, account: int) -> bool:
        """Whether this member of the stage has a microphone connected."""
        return any(session.on_air for session in self.of(account))

    @property
    def hosted(self) -> bool:
        """Whether a host or co-host is there."""
        return any(member.role in HOSTS and member.account in self.by_account for member in self.record.stage)

    def abandoned(self, now: datetime) -> bool:
        """Whether it is to end now, for want of a host."""
        return self.record.state is State.LIVE and self.absence.over(now, self.limits.host_absence)

    def permit(self, act: Act, by: int | None) -> int:
        """The account, if its role and the Space's state allow this. Raises RequestError(401 | 403 | 409 | 410)."""
        return permit(self.record, act, by)

    def apply(self, command: Command) -> list[Event]:
        """Do it, where nothing has to be stored in between. Raises RequestError and changes nothing if refused."""
        match command:
            case (
                DeclineHand()
                | RaiseHand()
                | LowerHand()
                | MuteSelf()
                | MuteOther()
                | MuteAll()
                | Join()
                | Leave()
                | MediaChanged()
                | Tick()
            ):
                return self._pass(command)
            case _:
                return self.commit(self.propose(command), command)

    # -- lasting changes

    def propose(self, command: Lasting) -> Record:
        """The record as it would be. Raises RequestError(403 | 404 | 409 | 410). Changes nothing."""
        return propose(self.record, self.hands, self.limits, command)

    def commit(self, record: Record, command: Lasting | None = None) -> list[Event]:
        """Make this the record; the events are the difference, ends of sessions last. Never refuses."""
        before, self.record = self.record, record
        events: list[Event] = []
        if record.state is not before.state:
            events.append(StateChanged(record.state))
        if record.locked and not before.locked:
            self.insiders = set(self.by_account)
        if not record.locked:
            self.insiders.clear()
        if _details(record) != _details(before):
            events.append(DetailsChanged(access=record.access != before.access))
        if record.pins != before.pins:
            events.append(PinsChanged())
        if record.stage != before.stage:
            events += self._stage_moved(before)
        if record.invitations != before.invitations:
            events += self._invitations_moved(before)
        match command:
            case Remove(_, account):
                events += self._put_out(account, Reason.REMOVED)
            case Block(_, account):
                self.blocked.add(account)
                self.blocks += 1
                events += self._put_out(account, Reason.BLOCKED)
            case Unblock(_, account):
                self.blocked.discard(account)
        if record.state not in BEFORE_END:
            events += self._end_all()
        return events

    def _stage_moved(self, before: Record) -> list[Event]:
        """Role changes first, then what follows from them."""
        accounts = {m.account for m in before.stage} | {m.account for m in self.record.stage}
        moved = [a for a in sorted(accounts) if before.role_of(a) is not self.role_of(a)]
        events: list[Event] = [RoleChanged(account, self.role_of(account)) for account in moved]
        events.append(StageChanged())
        hands = hosts = False
        for account in moved:
            if self.raised.go_down(account):
                events.append(HandChanged(account, False))
                hands = True
            hosts |= before.role_of(account) in HOSTS or self.role_of(account) in HOSTS
            if self.role_of(account) is Role.LISTENER:
                if account in self.muted:  # or his connection would stay muted when he is back on stage
                    self.muted.discard(account)
                    events.append(MuteChanged(account, False))
                for session in self.of(account):
                    if session.kind is Kind.WHIP:
                        events.append(self._ended(session, Reason.OFF_STAGE))
        if hands or hosts:  # also when somebody may see them now who could not before
            events.append(HandsChanged())
        if hosts and self.record.invitations == before.invitations:
            events.append(InvitationsChanged())
        return events

    def _invitations_moved(self, before: Record) -> list[Event]:
        accounts = {i.account for i in (*before.invitations, *self.record.invitations)}
        moved = [a for a in sorted(accounts) if before.invitation_of(a) != self.record.invitation_of(a)]
        return [*(InvitationChanged(account) for account in moved), InvitationsChanged()]

    def _put_out(self, account: int, reason: Reason) -> list[Event]:
        self.insiders.discard(account)
        self.kept_seats.put_out(account)
        was_up = self.role_of(account) is not Role.LISTENER and self.on_air(account)
        ended: list[Event] = [self._ended(session, reason) for session in self.of(account)]
        return [*([StageChanged()] if was_up else []), *self._drop_hand(account), *ended]

    def _end_all(self) -> list[Event]:
        self.raised.all_down()
        self.kept_seats.end()
        self.absence = Absence()
        return [self._ended(session, Reason.ENDED) for session in list(self.sessions.values())]

    # -- passing changes

    def _pass(self, command: Passing) -> list[Event]:
        match command:
            case Join():
                return self._join(command)
            case Leave(session):
                return self._leave(session)
            case MediaChanged(session, connected):
                return self._media_changed(session, connected)
            case Tick(now):
                return self._tick(now)
            case RaiseHand():
                return self._raise_hand(command)
            case LowerHand(by):
                return self._drop_hand(self.permit(Act.LOWER_HAND, by))
            case DeclineHand(by, account):
                self.permit(Act.ANSWER_HAND, by)
                if account not in self.hands:
                    raise RequestError(404, "no_hand", "that account has not asked to speak")
                return self._drop_hand(account)
            case MuteSelf(by, muted):
                return self._set_muted([self.permit(Act.MUTE_SELF, by)], muted)
            case MuteOther(by, account):
                self.permit(Act.MUTE_OTHER, by)
                if self.role_of(account) is Role.LISTENER:
                    raise RequestError(404, "not_on_stage", "that account is not on stage")
                return self._set_muted([account], True)
            case MuteAll(by):
                mine = self.permit(Act.MUTE_ALL, by)
                others = [m.account for m in self.record.stage if m.account != mine and m.role is not Role.HOST]
                return self._set_muted(others, True)
            case _:
                assert_never(command)

    def _join(self, join: Join) -> list[Event]:
        account = join.seat.account
        self.check_block(account)
        self.check_joinable(join.kind, join.now)
        if join.kind is Kind.WHIP:
            self.check_stage(account)
        events: list[Event] = []
        if join.seat not in self.seats:
            self.kept_seats.tick(join.now)
            if join.seat not in self.kept_seats:
                self.check_lock(account)
            most, displace = self.limits.seats_per_account_max, self.limits.displace
            oldest = self.giving_way(join.seat, most, displace=displace)
            self.check_place(join.seat, one_gives_way=oldest is not None)
            self.kept_seats.let_go(join.seat)
            if oldest is not None:
                self.kept_seats.let_go(oldest)
                for session in list(self.seats.get(oldest, {}).values()):
                    events += self._given_way(session, Reason.DISPLACED)
        elif old := self.seats[join.seat].get(join.kind):
            events += self._given_way(old, Reason.REPLACED)
        self.add(Session(join.session, join.kind, join.seat))
        self._note_peak()
        if account is not None:
            self.raised.awaited.discard(account)
            if self.record.locked:
                self.insiders.add(account)
        return events

    def _given_way(self, session: Session, reason: Reason) -> list[Event]:
        """Because of a newer one of the same account."""
        changed = session.on_air and self.role_of(session.seat.account) is not Role.LISTENER
        ended = self._ended(session, reason)
        return [StageChanged(), ended] if changed else [ended]

    def _ended(self, session: Session, reason: Reason) -> SessionEnded:
        self.forget(session)
        return SessionEnded(session.id, reason)

    def _leave(self, session_id: str) -> list[Event]:
        session = self.sessions.get(session_id)
        if session is None:
            return []
        account = session.seat.account
        self.forget(session)
        events: list[Event] = []
        if session.on_air and self.role_of(account) is not Role.LISTENER:
            events.append(StageChanged())
        if account is not None and not self.of(account):
            events += self._drop_hand(account)
        return events

    def _media_changed(self, session_id: str, connected: bool) -> list[Event]:
        session = self.sessions.get(session_id)
        if session is None or session.media is connected:
            return []
        session.media = connected
        on_stage = self.role_of(session.seat.account) is not Role.LISTENER and session.kind is not Kind.WHEP
        return [StageChanged()] if on_stage else []

    def _note_peak(self) -> None:
        if self.record.state is State.LIVE:
            self.peak = max(self.peak, self.listeners)

    def _tick(self, now: datetime) -> list[Event]:
        self._note_peak()
        self.kept_seats.tick(now)
        events: list[Event] = []
        for account in self.raised.tick(now, self.record.asking_seconds):
            events += self._drop_hand(account)
        needs_none = self.record.state is not State.LIVE
        if self.absence.tick(now, self.limits.host_absence, hosted=needs_none or self.hosted):
            events.append(ClosingChanged(self.closing_at))
        return events

    def _raise_hand(self, command: RaiseHand) -> list[Event]:
        account, most = self.permit(Act.RAISE_HAND, command.by), self.limits.hands_max
        self.check_inside(account)  # a hand goes down with its owner's last session
        raised = self.raised.go_up(
            self.record, account, command.now, subscriber=command.subscriber, hands_max=most
        )  # fmt: skip
        return [HandChanged(account, True), HandsChanged()] if raised else []

    def _drop_hand(self, account: int) -> list[Event]:
        return [HandChanged(account, False), HandsChanged()] if self.raised.go_down(account) else []

    def _set_muted(self, accounts: list[int], muted: bool) -> list[Event]:
        changed = [account for account in accounts if (account in self.muted) is not muted]
        (self.muted.update if muted else self.muted.difference_update)(changed)
        return [*(MuteChanged(account, muted) for account in changed), *([StageChanged()] if changed else [])]


def _details(record: Record) -> tuple[object, ...]:
    return (
        record.title,
        record.topics,
        record.language,
        record.access,
        record.scheduled_start,
        record.time_zone,
        record.recording,
        record.locked,
        record.capacity,
        record.asking,
        record.asking_seconds,
        record.chat,
        record.chat_seconds,
        record.captions,
    )
