"""Whatever anybody asks of a room, in whatever order: its invariants hold, and what is refused changes nothing."""

from __future__ import annotations

import copy
from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from spaces.errors import RequestError
from spaces.room import Room
from spaces.room_commands import (
    AcceptHand,
    BringToStage,
    Cancel,
    Command,
    DeclineHand,
    End,
    Join,
    Leave,
    LowerHand,
    MediaChanged,
    MuteOther,
    MuteSelf,
    RaiseHand,
    SeatKey,
    Start,
    TakeFromStage,
)
from spaces.room_events import Event, MuteChanged, Reason, RoleChanged, SessionEnded, StateChanged
from spaces.room_rules import PERMISSIONS, TRANSITIONS, Act, Kind, Role, State
from tests.harness.rooms import LIMITS, NOW, scheduled_room

accounts = st.integers(1, 6)
anybody = st.none() | accounts
clients = st.sampled_from(["phone", "desk", "tv"])
kinds = st.sampled_from(list(Kind))


class RoomMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.room = scheduled_room()
        self.open: set[str] = set()
        """Sessions, by what the events say."""
        self.roles = {account: self.room.role_of(account) for account in range(1, 7)}
        self.muted: set[int] = set()
        self.number = 0
        self.now = NOW

    def do(self, command: Command) -> list[Event] | None:
        """None: refused, and nothing has changed."""
        before = copy.deepcopy(self.room)
        try:
            events = self.room.apply(command)
        except RequestError:
            self.refused(before)
            return None
        self.follow(events, before)
        return events

    def refused(self, before: Room) -> None:
        assert self.room == before

    def follow(self, events: list[Event], before: Room) -> None:
        """What the events say is what happened."""
        for event in events:
            match event:
                case SessionEnded(session, _):
                    self.open.remove(session)
                case RoleChanged(account, role):
                    self.roles[account] = role
                    if role is Role.LISTENER:
                        self.muted.discard(account)
                case MuteChanged(account, muted):
                    (self.muted.add if muted else self.muted.discard)(account)
                case StateChanged(state):
                    assert any(
                        (before.record.state, act) in TRANSITIONS and TRANSITIONS[before.record.state, act] is state
                        for act in Act
                    )

    @rule(by=accounts, what=st.sampled_from([Start, End, Cancel]))
    def move_on(self, by: int, what: type[Start] | type[End] | type[Cancel]) -> None:
        role = self.room.role_of(by)
        if self.do(what(by, self.now)) is not None:
            assert role in PERMISSIONS[what.act]

    @rule(account=anybody, client=clients, kind=kinds)
    def join(self, account: int | None, client: str, kind: Kind) -> None:
        self.number += 1
        session = f"s{self.number}"
        seat = SeatKey(account, client if account else session)
        held = self.room.seats.get(seat, {}).get(kind)
        own = {s.seat for s in self.room.seated(account)} if account else set()
        crowded = seat not in own and len(own) >= LIMITS.seats_per_account_max
        events = self.do(Join(seat, kind, session, self.now))
        if events is None:
            return
        self.open.add(session)
        ended = [e for e in events if isinstance(e, SessionEnded)]
        if crowded:
            assert {e.reason for e in ended} == {Reason.DISPLACED}
        else:
            assert [e.session for e in ended] == ([held.id] if held else [])
        assert kind is not Kind.WHIP or self.room.role_of(account) is not Role.LISTENER
        assert kind is not Kind.WHEP or self.room.record.state is State.LIVE

    @rule(which=st.integers(0, 40))
    def leave(self, which: int) -> None:
        session = f"s{which}"
        assert self.do(Leave(session)) is not None
        self.open.discard(session)

    @rule(which=st.integers(0, 40), connected=st.booleans())
    def media(self, which: int, connected: bool) -> None:
        assert self.do(MediaChanged(f"s{which}", connected)) is not None

    @rule(by=accounts, account=accounts, role=st.sampled_from([Role.SPEAKER, Role.COHOST]))
    def bring(self, by: int, account: int, role: Role) -> None:
        self.do(BringToStage(by, account, role))

    @rule(by=accounts, account=accounts)
    def take(self, by: int, account: int) -> None:
        roles = (self.room.role_of(by), self.room.role_of(account))
        if self.do(TakeFromStage(by, account)) is not None:
            assert roles[1] in (Role.SPEAKER, Role.COHOST)
            assert by == account or roles[0] is Role.HOST or roles == (Role.COHOST, Role.SPEAKER)

    @rule(by=anybody, up=st.booleans())
    def hand(self, by: int | None, up: bool) -> None:
        self.do(RaiseHand(by, self.now) if up else LowerHand(by))

    @rule(by=accounts, account=accounts, yes=st.booleans())
    def answer(self, by: int, account: int, yes: bool) -> None:
        self.do(AcceptHand(by, account) if yes else DeclineHand(by, account))

    @rule(by=anybody, muted=st.booleans())
    def mute(self, by: int | None, muted: bool) -> None:
        self.do(MuteSelf(by, muted))

    @rule(by=anybody, account=accounts)
    def mute_other(self, by: int | None, account: int) -> None:
        was = account in self.room.muted
        self.do(MuteOther(by, account))
        assert account in self.room.muted or not was, "nobody unmutes another"

    @rule()
    def time_passes(self) -> None:
        self.now += timedelta(minutes=1)

    @invariant()
    def the_stage_keeps_its_limits(self) -> None:
        counts = Counter(member.role for member in self.room.record.stage)
        assert counts[Role.HOST] == 1
        assert counts[Role.COHOST] <= LIMITS.cohosts_max
        assert counts[Role.SPEAKER] <= LIMITS.speakers_max
        assert counts[Role.LISTENER] == 0
        assert len({member.account for member in self.room.record.stage}) == len(self.room.record.stage)

    @invariant()
    def the_events_told_everything(self) -> None:
        assert set(self.room.sessions) == self.open
        assert self.roles == {account: self.room.role_of(account) for account in self.roles}
        assert self.room.muted == self.muted

    @invariant()
    def sessions_seats_and_accounts_agree(self) -> None:
        room = self.room
        assert {s.id for held in room.seats.values() for s in held.values()} == set(room.sessions)
        assert all(held for held in room.seats.values())
        assert {s for own in room.by_account.values() for s in own} == {
            s.id for s in room.sessions.values() if s.seat.account is not None
        }
        seats = Counter(seat.account for seat in room.seats if seat.account is not None)
        assert all(count <= LIMITS.seats_per_account_max for count in seats.values())

    @invariant()
    def only_the_stage_has_microphones_and_mutes(self) -> None:
        stage = {member.account for member in self.room.record.stage}
        assert all(s.seat.account in stage for s in self.room.sessions.values() if s.kind is Kind.WHIP)
        assert self.room.muted <= stage
        assert not stage & self.room.hands.keys()

    @invariant()
    def nobody_is_left_when_it_is_over(self) -> None:
        if self.room.record.state in (State.ENDED, State.CANCELLED):
            assert not self.room.sessions
            assert not self.room.hands


RoomMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRoom = RoomMachine.TestCase
