"""A database that may be out of reach, and Spaces before the real door and the real watch over rights; all in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from access import sqlite
from access.database import WORKERS, Worker, Workers
from access.embedded_money import EmbeddedTestMoney
from access.model import Account, Creator
from access.service import Access
from spaces.config import Config
from spaces.metrics import Metrics
from spaces.room import Room
from spaces.room_commands import Passing, Start
from spaces.room_events import Event
from spaces.room_record import AccessRule, StageMember
from spaces.room_rules import Role
from spaces.signaling.answers import StageInvitationView
from spaces.signaling.door import Door
from spaces.signaling.live import Ending, Entry, Live
from spaces.signaling.rights import Rights
from spaces.signaling.ring import EventRing
from spaces.signaling.rooms import Rooms
from spaces.tasks import Background, Stop
from tests.harness.in_place import InPlaceEngine
from tests.harness.rooms import LIMITS, scheduled_room
from tests.harness.world import KEY, SECRET, START, Clock, World

SEATS = replace(LIMITS, seats_per_account_max=100, capacity_max=1_000)


class Reach:
    """Before a worker of the database. `away`: it refuses at once; `stuck`: it never answers."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.state = "here"

    async def _reached(self) -> None:
        if self.state == "away":
            raise OSError("The database is away.")
        if self.state == "stuck":
            await asyncio.sleep(3_600)

    async def transact(self, work: sqlite.Work) -> Any:
        await self._reached()
        return await self._worker.transact(work)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        await self._reached()
        async with self._worker.turn():
            yield

    def stop(self) -> None:
        self._worker.stop()

    @contextmanager
    def from_elsewhere(self) -> Iterator[None]:
        """What is done meanwhile another process does, which reaches it."""
        state, self.state = self.state, "here"
        try:
            yield
        finally:
            self.state = state


class Ears:
    """A connected client that only notes when it was put out."""

    ending: Ending | None = None

    def tell(self, frame: bytes) -> None: ...
    def role_changed(self, role: Role) -> None: ...
    def hand_changed(self, raised: bool) -> None: ...
    def mute_changed(self, muted: bool) -> None: ...
    def invitation_changed(self, invitation: StageInvitationView | None) -> None: ...
    def end(self, ending: Ending) -> None:
        self.ending = ending

    def let_go(self) -> None: ...


class House:
    """Rooms, as far as the door and the watch know them."""

    custody = None

    def __init__(self, clock: Callable[[], float]) -> None:
        self.lives: list[Live] = []
        self.clock = clock
        self.ended: Callable[[Entry, Ending], None] = lambda entry, ending: None

    def alive(self) -> list[Live]:
        return self.lives

    def check_here(self, live: Live) -> None:
        assert live in self.lives

    def check_comes_in(self, live: Live) -> None:
        self.check_here(live)

    def apply(self, live: Live, command: Passing) -> None:
        self.publish(live, live.room.apply(command))

    def publish(self, live: Live, events: list[Event]) -> None:
        for entry, ending in live.publish(events):
            self.ended(entry, ending)

    def open(self, id: str, owner: Account, creator: Creator, access: AccessRule, now: datetime) -> Live:
        record = replace(
            scheduled_room().record,
            id=id, creator=creator.id, access=(access,), created_at=now, stage=(StageMember(owner.id, Role.HOST),),
        )  # fmt: skip
        room = Room(record=record, limits=SEATS)
        room.apply(Start(owner.id, now))
        live = Live(room, EventRing(0), {owner.id: owner}, room.kept)
        self.lives.append(live)
        return live


@dataclass
class VirtualTime(Clock):
    """`seconds` of a virtual clock, as the time of day."""

    seconds: Callable[[], float] = field(kw_only=True)
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.seconds()

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.seconds() - self.begun)


@dataclass
class Watch:
    world: World
    reach: Reach
    house: House
    door: Door


@asynccontextmanager
async def watched(seconds: Callable[[], float]) -> AsyncIterator[Watch]:
    """The watch runs meanwhile, with the settings that a server has by default."""
    engine = InPlaceEngine()
    known = engine.sync_engine.get_execution_options()[WORKERS]
    reach = Reach(known.reader)
    engine.sync_engine.update_execution_options(**{WORKERS: Workers(reach, reach)})
    now = VirtualTime(seconds=seconds)
    money = EmbeddedTestMoney(engine, lambda: "http://127.0.0.1:1")
    access = Access(engine, provider=money, join_token_key=b"j" * 32, now=now)
    await access.ensure_key(KEY, SECRET)
    house, stop = House(seconds), Stop()
    rooms = cast(Rooms, house)
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        stack.push_async_callback(engine.dispose)
        door = Door(access, rooms, Metrics(), Background(group), stop, lambda: "http://127.0.0.1:1", now)
        rights = Rights(Config(), access, rooms, door, stop, now, seconds, now)
        group.create_task(rights.follow_changes())
        group.create_task(rights.expire())
        await asyncio.sleep(0)
        yield Watch(World(engine, access, now), reach, house, door)
        reach.state = "here"
        stop.tell()
        rights.nudge()
