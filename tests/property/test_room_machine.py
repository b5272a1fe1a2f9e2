"""Whatever anybody asks of a room, in whatever order: its invariants hold, what is refused changes nothing, nobody is told what
he may not see, and its node may be killed in between."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from access.decide import Action, Allow
from access.in_place import finish
from spaces.db.store import SpaceStore
from spaces.errors import RequestError
from spaces.room import Room
from spaces.room_commands import (
    AcceptHand,
    AcceptInvitation,
    Block,
    BringToStage,
    Cancel,
    Command,
    DeclineHand,
    DeclineInvitation,
    Edit,
    End,
    EndAbandoned,
    HandOver,
    Invite,
    Join,
    Leave,
    LowerHand,
    MediaChanged,
    MuteAll,
    MuteOther,
    MuteSelf,
    PinLink,
    RaiseHand,
    Remove,
    SeatKey,
    SetLock,
    SetPins,
    Start,
    TakeFromStage,
    Tick,
    Unblock,
    Uninvite,
    UnpinLink,
    UseGuestLink,
)
from spaces.room_events import Event, MuteChanged, Reason, RoleChanged, SessionEnded, StateChanged
from spaces.room_record import Pin
from spaces.room_rules import (
    HOSTS,
    PERMISSIONS,
    TRANSITIONS,
    Act,
    Asking,
    CaptionsPolicy,
    ChatPolicy,
    Kind,
    Role,
    State,
)
from spaces.signaling.answers import StageInvitationView
from spaces.signaling.door import resource_of
from spaces.signaling.live import Ending, Entry, Live
from spaces.signaling.ring import EventRing
from tests.harness.frames import messages
from tests.harness.in_place import InPlaceEngine
from tests.harness.long_profile import long_profile
from tests.harness.rooms import HOST, LIMITS, NOW, scheduled_room
from tests.harness.world import make_world

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]

ACCOUNTS = range(1, 7)
FOR_HOSTS = {"hands", "invitations"}
FOR_ALL = {"space", "stage", "role", "closing", "ended", "pins"}

accounts = st.sampled_from(ACCOUNTS)
anybody = st.none() | accounts
clients = st.sampled_from(["phone", "desk", "tv"])
kinds = st.sampled_from(list(Kind))
links = st.builds(Pin, st.sampled_from([f"https://example.org/{n}" for n in range(4)]), st.sampled_from(["", "Notes"]))
to_stage = st.sampled_from([Role.SPEAKER, Role.COHOST])


@cache
def engine() -> InPlaceEngine:
    return InPlaceEngine()


def accounts_told(message: Any) -> Iterator[dict[str, Any]]:
    """Whoever is shown, wherever in the message."""
    if isinstance(message, dict):
        if message.keys() >= {"id", "handle", "sub"}:
            yield message
        for value in message.values():
            yield from accounts_told(value)
    elif isinstance(message, list):
        for value in message:
            yield from accounts_told(value)


class Ear:
    """One connected client: what it has been told, and whether its microphone counts."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.muted = entry.seat.account in entry.live.room.muted
        self.ended = False

    def hear(self, frames: bytes) -> None:
        assert not self.ended
        for message in messages(frames):
            assert message["type"] in FOR_ALL
            self.may_be_told(message)

    def tell(self, frame: bytes) -> None:
        assert not self.ended
        for message in messages(frame):
            assert message["type"] in FOR_HOSTS
            assert self.entry.role in HOSTS, f"a {self.entry.role} heard {message}"
            self.may_be_told(message)

    def may_be_told(self, message: dict[str, Any]) -> None:
        record = self.entry.live.room.record
        public = {str(record.creator), *(str(member.account) for member in record.stage)}
        for account in accounts_told(message):
            assert account["sub"] is None, "an integrator's own name for somebody is for that integrator"
            assert self.entry.role in HOSTS or account["id"] in public, f"a {self.entry.role} heard of a listener"

    def role_changed(self, role: Role) -> None:
        assert role is self.entry.role

    def hand_changed(self, raised: bool) -> None:
        assert raised is (self.entry.seat.account in self.entry.live.room.hands)

    def mute_changed(self, muted: bool) -> None:
        self.muted = muted

    def invitation_changed(self, invitation: StageInvitationView | None) -> None:
        account = self.entry.seat.account
        assert invitation is None or invitation.account.id == str(account)

    def end(self, ending: Ending) -> None:
        self.entry.live.broadcast.leave(self)
        self.ended = True

    def let_go(self) -> None:
        self.end(Ending("moved"))


class RoomMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        engine().start_anew()
        self.world = world = finish(make_world(engine()))
        finish(world.creator("ada"))
        for _ in ACCOUNTS[1:]:
            finish(world.person())
        self.known = finish(world.access.accounts(ACCOUNTS))
        assert sorted(self.known) == list(ACCOUNTS)
        self.store = SpaceStore(engine())
        self.number = 0
        self.banned: set[int] = set()
        """Kept out by this creator."""
        self.now = NOW
        room = scheduled_room()
        finish(self.store.insert(room.record))
        self.come_alive(room)

    def come_alive(self, room: Room) -> None:
        self.live = Live(room, EventRing(self.number), dict(self.known), room.kept)
        self.room = room
        self.open: set[str] = set()
        """Sessions, by what the events say."""
        self.roles = {account: room.role_of(account) for account in ACCOUNTS}
        self.muted = set(room.muted)

    def do(self, command: Command) -> list[Event] | None:
        """None: refused, and nothing has changed."""
        before = copy.deepcopy(self.room)
        try:
            events = self.room.apply(command)
        except RequestError:
            assert self.room == before
            return None
        self.follow(events, before)
        if not isinstance(command, Join):
            self.live.publish(events)
        return events

    def follow(self, events: list[Event], before: Room) -> None:
        """What the events say is what happened."""
        for event in events:
            match event:
                case SessionEnded(session, _):
                    self.open.remove(session)
                case RoleChanged(account, role):
                    self.roles[account] = role
                case MuteChanged(account, muted):
                    (self.muted.add if muted else self.muted.discard)(account)
                case StateChanged(state):
                    assert any(
                        (before.record.state, act) in TRANSITIONS and TRANSITIONS[before.record.state, act] is state
                        for act in Act
                    )

    # --- lifecycle

    @rule(by=accounts, what=st.sampled_from([Start, Start, Start, End, Cancel]))
    def move_on(self, by: int, what: type[Start] | type[End] | type[Cancel]) -> None:
        role = self.room.role_of(by)
        if self.do(what(by, self.now)) is not None:
            assert role in PERMISSIONS[what.act]

    @rule(
        by=accounts,
        asking=st.none() | st.sampled_from(list(Asking)),
        seconds=st.none() | st.sampled_from([0, 30, 90]),
        capacity=st.none() | st.sampled_from([0, 2, 4]),
    )
    def edit(self, by: int, asking: Asking | None, seconds: int | None, capacity: int | None) -> None:
        role = self.room.role_of(by)
        if self.do(Edit(by=by, asking=asking, asking_seconds=seconds, capacity=capacity)) is not None:
            assert role in HOSTS
            assert capacity is None or role is Role.HOST

    @rule(by=accounts, chat=st.none() | st.sampled_from(list(ChatPolicy)), seconds=st.none() | st.sampled_from([0, 9]))
    def edit_chat(self, by: int, chat: ChatPolicy | None, seconds: int | None) -> None:
        role = self.room.role_of(by)
        if self.do(Edit(by=by, chat=chat, chat_seconds=seconds)) is not None:
            assert role in HOSTS

    @rule(by=accounts, captions=st.sampled_from(list(CaptionsPolicy)))
    def edit_captions(self, by: int, captions: CaptionsPolicy) -> None:
        role = self.room.role_of(by)
        if self.do(Edit(by=by, captions=captions)) is not None:
            assert role in HOSTS

    @rule(by=accounts, link=links, place=st.none() | st.integers(0, 4))
    def pin(self, by: int, link: Pin, place: int | None) -> None:
        role, before = self.room.role_of(by), self.room.record.pins
        if self.do(PinLink(by, link, place)) is not None:
            assert role in HOSTS
            assert {pin.url for pin in self.room.record.pins} == {pin.url for pin in before} | {link.url}
            if place is not None:
                assert self.room.record.pins[min(place, len(self.room.record.pins) - 1)] == link

    @rule(by=accounts, link=links)
    def unpin(self, by: int, link: Pin) -> None:
        role, before = self.room.role_of(by), self.room.record.pins
        if self.do(UnpinLink(by, link.url)) is not None:
            assert role in HOSTS
            assert self.room.record.pins == tuple(pin for pin in before if pin.url != link.url) != before

    @rule(by=accounts, pins=st.lists(links, max_size=4))
    def set_pins(self, by: int, pins: list[Pin]) -> None:
        role = self.room.role_of(by)
        if self.do(SetPins(by, tuple(pins))) is not None:
            assert role in HOSTS
            assert self.room.record.pins == tuple(pins)

    @rule(by=accounts, locked=st.booleans())
    def lock(self, by: int, locked: bool) -> None:
        self.do(SetLock(by, locked))

    @rule(by=accounts, account=accounts)
    def hand_over(self, by: int, account: int) -> None:
        roles = (self.room.role_of(by), self.room.role_of(account))
        if self.do(HandOver(by, account)) is not None:
            assert roles == (Role.HOST, Role.COHOST)
            assert (self.room.role_of(by), self.room.role_of(account)) == (Role.COHOST, Role.HOST)

    @rule(minutes=st.sampled_from([0.1, 1, 1, 6]))
    def time_passes(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        assert self.do(Tick(self.now)) is not None
        if self.room.abandoned(self.now):
            assert self.room.closing_at is not None, "it was told"
            assert self.do(EndAbandoned(self.now)) is not None

    # --- coming and going

    @rule(account=anybody, client=clients, kind=kinds)
    def join(self, account: int | None, client: str, kind: Kind) -> None:
        self.number += 1
        session = f"s{self.number}"
        if not self.admitted(account):
            return
        seat = SeatKey(account, client if account else session)
        held = self.room.seats.get(seat, {}).get(kind)
        own = {s.seat for s in self.room.seated(account)} if account else set()
        crowded = seat not in own and len(own) >= LIMITS.seats_per_account_max
        new = account not in self.room.by_account and account not in self.room.insiders
        events = self.do(Join(seat, kind, session, self.now))
        if events is None:
            return
        self.open.add(session)
        ended = [event for event in events if isinstance(event, SessionEnded)]
        if crowded:
            assert {event.reason for event in ended} == {Reason.DISPLACED}
        else:
            assert [event.session for event in ended] == ([held.id] if held else [])
        assert kind is not Kind.WHIP or self.room.role_of(account) is not Role.LISTENER
        assert kind is not Kind.WHEP or self.room.record.state is State.LIVE
        if new and self.room.role_of(account) is Role.LISTENER:
            assert not self.room.record.locked
        entry = Entry(
            session, kind, seat, self.known.get(account or 0), "192.0.2.1", 0, Allow((), None, 0), self.live
        )  # fmt: skip
        ear = Ear(entry)
        entry.peer = ear
        self.live.broadcast.join(ear)
        self.live.entries[session] = entry
        self.live.publish(events)

    def admitted(self, account: int | None) -> bool:
        """As the door asks it of access, which also remembers what the room's node forgets when it is killed."""
        record = self.room.record
        role = self.room.role_of(account)
        given = None if role is Role.LISTENER else role.value
        who = None if account is None else self.known[account]
        verdict = finish(self.world.access.decide(who, Action.JOIN, resource_of(record), role=given))
        assert isinstance(verdict, Allow) is (account not in self.banned)
        return isinstance(verdict, Allow)

    @rule(which=st.integers(0, 40))
    def leave(self, which: int) -> None:
        session = f"s{which}"
        gone: Any = self.live.entries.pop(session, None)
        if gone is not None:
            self.live.broadcast.leave(gone.peer)
        assert self.do(Leave(session)) is not None
        self.open.discard(session)

    @rule(which=st.integers(0, 40), connected=st.booleans())
    def media(self, which: int, connected: bool) -> None:
        assert self.do(MediaChanged(f"s{which}", connected)) is not None

    @rule(by=accounts, account=accounts, what=st.sampled_from([Remove, Block, Unblock]))
    def put_out(self, by: int, account: int, what: type[Remove] | type[Block] | type[Unblock]) -> None:
        roles = (self.room.role_of(by), self.room.role_of(account))
        over = self.room.record.state in (State.ENDED, State.CANCELLED)
        if self.do(what(by, account)) is None:
            return
        if what is Block:
            finish(self.world.access.ban(self.known[by], self.known[account], creator=HOST))
            self.banned.add(account)
        if what is Unblock:
            finish(self.world.access.unban(self.known[by], self.known[account], creator=HOST))
            self.banned.discard(account)
        assert roles[0] in HOSTS
        if what is not Unblock:
            assert roles[1] is not Role.HOST
            assert roles[1] is not Role.COHOST or roles[0] is Role.HOST
            assert not self.room.seated(account)
            assert over or self.room.role_of(account) is Role.LISTENER

    # --- the stage

    @rule(by=accounts, account=accounts, role=to_stage)
    def bring(self, by: int, account: int, role: Role) -> None:
        roles = (self.room.role_of(by), self.room.role_of(account))
        if self.do(BringToStage(by, account, role)) is not None and roles[1] is Role.COHOST and role is Role.SPEAKER:
            assert roles[0] is Role.HOST or by == account, "a co-host is taken down by the host alone"

    @rule(by=accounts, account=accounts)
    def take(self, by: int, account: int) -> None:
        roles = (self.room.role_of(by), self.room.role_of(account))
        if self.do(TakeFromStage(by, account)) is not None:
            assert roles[1] in (Role.SPEAKER, Role.COHOST)
            assert by == account or roles[0] is Role.HOST or roles == (Role.COHOST, Role.SPEAKER)

    @rule(by=accounts, account=accounts, role=to_stage)
    def invite(self, by: int, account: int, role: Role) -> None:
        if self.do(Invite(by, account, self.now, role)) is not None:
            assert self.room.record.invitation_of(account) is not None

    @rule(by=accounts, what=st.sampled_from([AcceptInvitation, DeclineInvitation, UseGuestLink]))
    def come(self, by: int, what: type[AcceptInvitation] | type[DeclineInvitation] | type[UseGuestLink]) -> None:
        invitation = self.room.record.invitation_of(by)
        if self.do(what(by)) is None:
            return
        assert self.room.record.invitation_of(by) is None
        if what is AcceptInvitation:
            assert invitation is not None
            assert self.room.role_of(by) is invitation.role

    @rule(by=accounts, account=accounts)
    def take_back(self, by: int, account: int) -> None:
        self.do(Uninvite(by, account))

    @rule(by=anybody, up=st.booleans(), subscriber=st.booleans())
    def hand(self, by: int | None, up: bool, subscriber: bool) -> None:
        asking, was = self.room.record.asking, by in self.room.hands
        done = self.do(RaiseHand(by, self.now, subscriber) if up else LowerHand(by))
        if up and done and not was:
            assert asking is Asking.EVERYONE or (asking is Asking.SUBSCRIBERS and subscriber)

    @rule(by=accounts, account=accounts, yes=st.booleans())
    def answer(self, by: int, account: int, yes: bool) -> None:
        self.do(AcceptHand(by, account) if yes else DeclineHand(by, account))

    @rule(by=anybody, muted=st.booleans())
    def mute(self, by: int | None, muted: bool) -> None:
        self.do(MuteSelf(by, muted))

    @rule(by=anybody, account=accounts)
    def mute_other(self, by: int | None, account: int) -> None:
        was = set(self.room.muted)
        self.do(MuteOther(by, account))
        assert self.room.muted >= was, "nobody unmutes another"

    @rule(by=anybody)
    def mute_all(self, by: int | None) -> None:
        was = set(self.room.muted)
        if self.do(MuteAll(by)) is not None:
            quiet = {m.account for m in self.room.record.stage if m.role is not Role.HOST and m.account != by}
            assert self.room.muted == was | quiet

    # --- its node

    @rule()
    def stored(self) -> None:
        kept = self.room.kept
        finish(self.store.save(self.live.stored, kept, self.now))
        self.live.stored = kept
        assert finish(self.store.load_kept("aSpace")) == kept

    @rule()
    def killed_and_started_again(self) -> None:
        self.stored()
        before = self.room
        room = Room.restored(finish(self.store.load_kept("aSpace")), LIMITS, before.by_account)
        assert room.record == before.kept.record, "with the most listeners there have been"
        assert replace(room.record, peak_listeners=0) == replace(before.record, peak_listeners=0)
        assert (dict(room.hands), room.muted) == (dict(before.hands), before.muted)
        assert not room.sessions
        self.come_alive(room)

    # --- what always holds

    @invariant()
    def the_stage_keeps_its_limits(self) -> None:
        counts = Counter(member.role for member in self.room.record.stage)
        assert counts[Role.HOST] == 1
        assert counts[Role.COHOST] <= LIMITS.cohosts_max
        assert counts[Role.SPEAKER] <= LIMITS.speakers_max
        assert counts[Role.LISTENER] == 0
        assert len({member.account for member in self.room.record.stage}) == len(self.room.record.stage)

    @invariant()
    def pinned_links_are_few_and_each_is_there_once(self) -> None:
        urls = [pin.url for pin in self.room.record.pins]
        assert len(urls) == len(set(urls)) <= LIMITS.pins_max

    @invariant()
    def the_events_told_everything(self) -> None:
        assert set(self.room.sessions) == self.open == set(self.live.entries)
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
        assert not stage & {invitation.account for invitation in self.room.record.invitations}

    @invariant()
    def nobody_asks_to_speak_who_is_not_there(self) -> None:
        assert self.room.hands.keys() <= self.room.by_account.keys() | self.room.raised.awaited

    @invariant()
    def every_connection_of_the_muted_is_silent_and_no_other(self) -> None:
        for entry in self.live.entries.values():
            ear: Any = entry.peer
            assert ear.muted is (entry.seat.account in self.room.muted)

    @invariant()
    def the_blocked_have_no_seat(self) -> None:
        assert not self.room.blocked & self.room.by_account.keys()
        assert not self.banned & self.room.by_account.keys(), "also by a node that was started since"

    @invariant()
    def what_was_missed_is_told_to_those_alone_who_may_see_it(self) -> None:
        for entry in self.live.entries.values():
            missed = messages(b"".join(self.live.missed(entry, self.live.ring._first) or ()))
            kinds = {message["type"] for message in missed}
            assert entry.role in HOSTS or kinds <= FOR_ALL

    @invariant()
    def nobody_is_left_when_it_is_over(self) -> None:
        if self.room.record.state in (State.ENDED, State.CANCELLED):
            assert not self.room.sessions
            assert not self.room.hands


RoomMachine.TestCase.settings = settings(max_examples=long_profile() or 30, stateful_step_count=50, deadline=None)
TestRoom = RoomMachine.TestCase
