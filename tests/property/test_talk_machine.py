"""Whoever writes, deletes, taps and comes and goes in whatever order: everybody sees the same chat, and nobody what is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from access.decide import Allow
from access.in_place import finish
from spaces.db.store import SpaceStore
from spaces.db.tables import chat_lines
from spaces.errors import RequestError
from spaces.room import Room
from spaces.room_commands import BringToStage, Edit, Join, Leave, Remove, SeatKey, Start, TakeFromStage
from spaces.room_rules import HOSTS, ChatPolicy, Kind, Role
from spaces.signaling.live import Ending, Entry, Live
from spaces.signaling.ring import EventRing
from spaces.signaling.talks import Talks
from spaces.talk.captions import OWN_SECONDS, Source
from spaces.talk.chat import LINES_AT_ONCE, TAIL_MAX
from spaces.talk.reactions import TAPS_AT_ONCE, Reaction
from tests.harness.frames import messages
from tests.harness.in_place import InPlaceEngine
from tests.harness.long_profile import long_profile
from tests.harness.rooms import HOST, LIMITS, NOW, scheduled_room
from tests.harness.world import make_world

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]

ACCOUNTS = range(1, 5)
accounts = st.sampled_from(ACCOUNTS)


class Reader:
    """A client: the chat as it was when it came, and as the events have changed it."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.lines = {line.id: line.text for line in live.talk.tail()}
        self.seq = live.ring.seq
        self.captions: list[dict[str, Any]] = []
        self.taps: Counter[str] = Counter()

    def hear(self, frames: bytes) -> None:
        for event in messages(frames):
            self.told(event)

    def tell(self, frame: bytes) -> None:
        self.hear(frame)

    def told(self, event: dict[str, Any]) -> None:
        if (seq := event.get("seq")) is not None:
            assert seq > self.seq, "what is for hosts alone leaves a gap"
            self.seq = seq
        match event["type"]:
            case "chat":
                self.lines[event["line"]["id"]] = event["line"]["text"]
            case "chat.deleted":
                self.lines.pop(event["line"], None)
            case "chat.cleared":
                pass  # by the account: see the machine
            case "reactions":
                self.taps.update(event["counts"])
            case "caption":
                self.captions.append(event)

    def role_changed(self, role: Role) -> None: ...
    def hand_changed(self, raised: bool) -> None: ...
    def mute_changed(self, muted: bool) -> None: ...
    def invitation_changed(self, invitation: object) -> None: ...
    def end(self, ending: Ending) -> None:
        self._live.broadcast.leave(self)

    def let_go(self) -> None: ...


class OneRoom:
    """What the talks ask of all rooms."""

    def __init__(self) -> None:
        self.live: Live | None = None

    def alive(self) -> list[Live]:
        return [self.live] if self.live is not None else []


class Nobody:
    """A door at which nobody is a subscriber."""

    async def check_subscriber(self, live: Live, account: object) -> None:
        raise RequestError(402, "no_subscription", "no")


@cache
def engine() -> InPlaceEngine:
    return InPlaceEngine()


def refusal(act: Callable[[], None]) -> RequestError | None:
    try:
        act()
    except RequestError as refused:
        return refused
    return None


class TalkMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        engine().start_anew()
        world = finish(make_world(engine()))
        finish(world.creator("ada"))
        for _ in ACCOUNTS[1:]:
            finish(world.person())
        self.known = finish(world.access.accounts(ACCOUNTS))
        self.store = SpaceStore(engine())
        self.now, self.clock, self.number = NOW, 1_000.0, 0
        room = scheduled_room()
        finish(self.store.insert(room.record))
        room.apply(Start(HOST, NOW))
        self.rooms = OneRoom()
        nothing: Any = None
        rooms: Any = self.rooms
        door: Any = Nobody()
        self.talks = Talks(
            self.store.talk, rooms, door, nothing, None, nothing, None, lambda: self.now, lambda: self.clock
        )
        self.lines: dict[int, tuple[int, str]] = {}
        """What there is: by line, who wrote it and what."""
        self.gone: set[str] = set()
        self.taps: Counter[str] = Counter()
        self.come_alive(room)

    def come_alive(self, room: Room) -> None:
        self.live = Live(room, EventRing(10_000 * (self.number + 1)), dict(self.known), room.kept)
        self.rooms.live = self.live
        tail = finish(self.store.talk.lines("aSpace", TAIL_MAX))
        self.live.talk.restore(tail, self.known)
        for account in ACCOUNTS:
            self.enter(account)

    def enter(self, account: int) -> None:
        self.number += 1
        session = f"s{self.number}"
        seat = SeatKey(account, "default")
        events = self.live.room.apply(Join(seat, Kind.SOCKET, session, self.now))
        entry = Entry(session, Kind.SOCKET, seat, self.known[account], "", 0, Allow((), None, 0), self.live)
        peer: Any = Reader(self.live)
        entry.peer = peer
        self.live.broadcast.join(peer)
        self.live.entries[session] = entry
        self.live.publish(events)

    def entry_of(self, account: int) -> Entry | None:
        return next(iter(self.live.entries_of(account)), None)

    def refused(self, act: Any) -> bool:
        before = (list(self.live.talk.chat.lines), self.live.ring.seq)
        try:
            finish(act)
        except RequestError:
            assert (list(self.live.talk.chat.lines), self.live.ring.seq) == before
            return True
        return False

    @rule(seconds=st.sampled_from([0.05, 1.0, 20.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock += seconds
        self.now += timedelta(seconds=seconds)

    @rule(by=accounts, chat=st.sampled_from(list(ChatPolicy)), seconds=st.sampled_from([0, 0, 30]))
    def set_policy(self, by: int, chat: ChatPolicy, seconds: int) -> None:
        if self.live.room.role_of(by) in HOSTS:
            self.live.publish(self.live.room.apply(Edit(by=by, chat=chat, chat_seconds=seconds)))

    @rule(account=st.sampled_from(ACCOUNTS[1:]), role=st.sampled_from([Role.SPEAKER, Role.COHOST, None]))
    def change_role(self, account: int, role: Role | None) -> None:
        room = self.live.room
        cohosts = [member for member in room.record.stage if member.role is Role.COHOST and member.account != account]
        if role is Role.COHOST and len(cohosts) == LIMITS.cohosts_max:
            with pytest.raises(RequestError, match="stage_full"):
                room.apply(BringToStage(HOST, account, role))
        elif role is not None:
            self.live.publish(room.apply(BringToStage(HOST, account, role)))
        elif room.role_of(account) is not Role.LISTENER:
            self.live.publish(room.apply(TakeFromStage(HOST, account)))

    @rule(account=st.sampled_from(ACCOUNTS[1:]))
    def put_out_and_come_back(self, account: int) -> None:
        gone = self.entry_of(account)
        if gone is None:
            self.enter(account)
            return
        self.live.publish(self.live.room.apply(Remove(HOST, account)))
        assert self.refused(self.talks.write(gone, "from outside"))

    @rule(by=accounts, text=st.sampled_from(["hello", "hi", "x\u202ey", " ", "more"]))
    def write(self, by: int, text: str) -> None:
        entry, record = self.entry_of(by), self.live.room.record
        if entry is None:
            return
        on_stage = record.role_of(by) is not Role.LISTENER
        if self.refused(self.talks.write(entry, f"{text}{self.number}")):
            return
        self.number += 1
        assert record.chat is not ChatPolicy.OFF
        assert record.chat is ChatPolicy.EVERYONE or on_stage
        line = max(self.live.talk.chat.lines)
        assert "\u202e" not in self.live.talk.chat.lines[line].text
        self.lines[line] = (by, self.live.talk.chat.lines[line].text)

    @rule(by=accounts)
    def write_much(self, by: int) -> None:
        taken = 0
        for n in range(2 * LINES_AT_ONCE):
            before = set(self.lines)
            self.write(by, f"line {n} ")
            taken += len(self.lines.keys() - before)
        assert taken <= LINES_AT_ONCE

    @rule(by=accounts, which=st.integers(0, 200))
    def delete(self, by: int, which: int) -> None:
        line = sorted(self.lines)[which % len(self.lines)] if self.lines else which
        author, text = self.lines.get(line, (None, ""))
        if self.refused(self.talks.delete(self.live, self.known[by], line)):
            assert author is None or (author != by and self.live.room.role_of(by) not in HOSTS)
            return
        assert author == by or self.live.room.role_of(by) in HOSTS
        del self.lines[line]
        self.gone.add(text)

    @rule(by=accounts, account=accounts)
    def clear(self, by: int, account: int) -> None:
        if self.refused(self.talks.clear(self.live, self.known[by], account)):
            assert account != by
            assert self.live.room.role_of(by) not in HOSTS
            return
        self.forget(account)

    @rule(account=accounts)
    def account_deleted(self, account: int) -> None:
        """The database has forgotten its rows already."""
        finish(self.store.talk.clear(account, "aSpace", HOST, account, self.now))
        self.talks.erase(account)
        self.forget(account)
        assert not [c for c in self.live.talk.captions.unstored if c.account == account]

    def forget(self, account: int) -> None:
        for line, (author, text) in list(self.lines.items()):
            if author == account:
                del self.lines[line]
                self.gone.add(text)
        for reader in self.readers():
            for number in [number for number in reader.lines if int(number) not in self.lines]:
                reader.lines.pop(number)  # by the event's account, which a client knows of its lines

    @rule(by=accounts, reaction=st.sampled_from(list(Reaction)), times=st.integers(1, 30))
    def tap(self, by: int, reaction: Reaction, times: int) -> None:
        if (entry := self.entry_of(by)) is None:
            return
        taken = 0
        for _ in range(times):
            if (refused := refusal(lambda: self.talks.react(entry, reaction))) is None:
                taken += 1
            else:
                assert refused.status == 429
        assert taken <= TAPS_AT_ONCE
        self.taps[reaction] += taken

    @rule()
    def reactions_told(self) -> None:
        counts = self.live.talk.reactions.take()
        assert {name: count for name, count in self.taps.items() if count} == counts
        self.taps.clear()

    @rule(by=accounts, on=st.booleans())
    def want_captions(self, by: int, on: bool) -> None:
        if (entry := self.entry_of(by)) is not None:
            self.talks.want_captions(entry, on)

    @rule(by=accounts, final=st.booleans(), server=st.booleans())
    def caption(self, by: int, final: bool, server: bool) -> None:
        entry = self.entry_of(by)
        if entry is None or (server and self.live.room.role_of(by) is Role.LISTENER):
            return
        own_lately = self.clock - self.live.talk.captions._own_at.get(by, -1e9) < OWN_SECONDS
        before = {reader: len(reader.captions) for reader in self.readers()}
        if server:
            self.talks.said(self.live, by, "words", Source.SERVER, final=final)
        elif refused := refusal(lambda: self.talks.caption(entry, "words", final)):
            assert refused.status == 429 or self.live.room.role_of(by) is Role.LISTENER or by in self.live.room.muted
            return
        told = {reader for reader in self.readers() if len(reader.captions) > before[reader]}
        assert not (told and server and own_lately)
        wanted = {entry.peer for entry in self.live.entries.values() if entry.id in self.live.talk.captioned}
        assert told <= wanted

    @rule()
    def captions_stored(self) -> None:
        said = list(self.live.talk.captions.unstored)
        before = len(finish(self.store.talk.captions("aSpace", 10_000)))
        finish(self.talks.store_captions_of(self.live))
        assert not self.live.talk.captions.unstored
        kept = [caption for _, caption in finish(self.store.talk.captions("aSpace", 10_000))]
        assert kept[before:] == said
        assert all(caption.began_at <= caption.ended_at for caption in kept)

    @rule(account=accounts)
    def leave_and_come_back(self, account: int) -> None:
        if (entry := self.entry_of(account)) is not None:
            del self.live.entries[entry.id]
            gone: Any = entry.peer
            self.live.broadcast.leave(gone)
            self.live.publish(self.live.room.apply(Leave(entry.id)))
        self.enter(account)

    @rule()
    def killed_and_started_again(self) -> None:
        self.number += 1
        self.taps.clear()
        kept = self.live.room.kept
        self.come_alive(Room.restored(kept, LIMITS, ()))

    # --- what always holds

    def readers(self) -> list[Reader]:
        return [entry.peer for entry in self.live.entries.values() if isinstance(entry.peer, Reader)]

    @invariant()
    def the_database_has_what_was_written_and_not_deleted(self) -> None:
        async def stored() -> dict[int, tuple[int, str]]:
            async with engine().begin() as connection:
                rows = await connection.execute(select(chat_lines))
                return {row.id: (row.account, row.text) for row in rows}

        assert finish(stored()) == self.lines

    @invariant()
    def everybody_sees_the_same_chat(self) -> None:
        tail = {line.id: line.text for line in self.live.talk.tail()}
        assert len(tail) <= TAIL_MAX
        assert {int(line) for line in tail} == set(self.live.talk.chat.lines) <= set(self.lines)
        for reader in self.readers():
            assert tail.items() <= reader.lines.items()
            assert {int(line) for line in reader.lines} <= set(self.lines)

    @invariant()
    def what_is_gone_is_told_to_nobody_again(self) -> None:
        told = b" ".join(kept.frame for kept in self.live.ring._kept).decode(errors="replace")
        left = {text for _, text in self.lines.values()}
        assert not [text for text in self.gone - left if f'"text":"{text}"' in told]

    @invariant()
    def memory_is_bounded(self) -> None:
        talk = self.live.talk
        assert talk.shown.keys() == talk.chat.lines.keys() >= talk.told_as.keys()


TalkMachine.TestCase.settings = settings(max_examples=long_profile() or 15, stateful_step_count=40, deadline=None)
TestTalk = TalkMachine.TestCase
