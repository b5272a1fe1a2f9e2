"""The Spaces that live on this node: brought in from the database, changed, put away again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from access.model import Account
from access.service import Access
from spaces.config import Config
from spaces.db.store import SpaceStore
from spaces.directory import Directory, Place
from spaces.errors import RequestError
from spaces.room import Limits, Room
from spaces.room_commands import Event, Lasting, Passing
from spaces.room_record import Record
from spaces.room_rules import State
from spaces.sfu.session import MediaPlane
from spaces.signaling.live import Ending, Entry, Live
from spaces.signaling.ring import EventRing
from spaces.signaling.views import accounts_of

log = structlog.get_logger()

IDLE_SECONDS_MAX = 60.0
"""An empty Space stays in memory this long, so that a lone listener's reconnection finds its events."""


class Rooms:
    def __init__(
        self,
        config: Config,
        store: SpaceStore,
        access: Access,
        directory: Directory,
        place: Place,
        media: MediaPlane,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._access = access
        self._directory = directory
        self._place = place
        self._media = media
        self._now = now
        self.clock = clock
        self._alive: dict[str, Live] = {}
        self._loading = asyncio.Lock()
        self._limits = Limits(
            speakers_max=config.speakers_max,
            cohosts_max=config.cohosts_max,
            seats_per_account_max=config.seats_per_account_max,
            displace=config.seats_policy == "displace",
            capacity_max=config.capacity_max,
            green_room=timedelta(minutes=config.green_room_minutes_before_start),
        )
        self.ended: Callable[[Entry, Ending], None] = lambda entry, ending: None
        """Told of every entry that the room itself ended."""

    def alive(self) -> list[Live]:
        return list(self._alive.values())

    def get(self, space: str) -> Live | None:
        return self._alive.get(space)

    async def record(self, space: str) -> Record:
        """As it is now, without bringing it to life. Raises RequestError(404)."""
        if (live := self._alive.get(space)) is not None:
            return live.room.record
        if (record := await self._store.load(space)) is not None:
            return record
        raise unknown_space()

    async def create(self, record: Record) -> None:
        await self._store.insert(record)
        log.info("space created", space=record.id, creator=record.creator)

    async def listed(self, states: Iterable[State], *, creator: int | None = None) -> list[Record]:
        return await self._store.listed(states, creator=creator)

    @asynccontextmanager
    async def hold(self, space: str) -> AsyncIterator[Live]:
        """The Space, alive, while the block runs. Raises RequestError(404, or 503 if another node has it)."""
        live = self._alive.get(space) or await self._bring_in(space)
        live.holds += 1
        try:
            yield live
        finally:
            live.holds -= 1
            live.idle_since = self.clock()

    async def change(self, live: Live, command: Lasting) -> list[Event]:
        """A lasting change: checked, stored, then told. Raises RequestError, and whatever the database raises."""
        async with live.lock:
            record = live.room.propose(command)
            if record == live.room.record:
                return []
            known = await self._known(live, accounts_of(record))
            await self._store.save(record)
            live.accounts.update(known)  # only now: whoever left meanwhile has been forgotten
            events = live.room.commit(record)
            self.publish(live, events)
            if record.state in (State.ENDED, State.CANCELLED):
                self._media.close_space(live.id)
        log.info("space changed", space=live.id, change=type(command).__name__, by=command.by, state=record.state)
        return events

    def apply(self, live: Live, command: Passing) -> None:
        """A change that lives in memory only. Raises RequestError."""
        self.publish(live, live.room.apply(command))

    async def put_away_idle(self) -> None:
        """Forget the Spaces that nobody has been in for a while."""
        due = self.clock() - IDLE_SECONDS_MAX
        for live in self.alive():
            if not live.entries and not live.holds and live.idle_since < due:
                del self._alive[live.id]
                self._media.close_space(live.id)
                await self._directory.release(live.id, self._place)

    def publish(self, live: Live, events: list[Event]) -> None:
        """Tell everybody in the Space, and whoever looks after entries that ended."""
        for entry, ending in live.publish(events):
            self.ended(entry, ending)

    async def _bring_in(self, space: str) -> Live:
        async with self._loading:
            if (live := self._alive.get(space)) is not None:
                return live
            record = await self._store.load(space)
            if record is None:
                raise unknown_space()
            place = await self._directory.claim(space, self._place)
            if place != self._place:
                raise RequestError(503, "elsewhere", "this Space lives on another node", retry_after_seconds=1)
            accounts = await self._access.accounts(accounts_of(record))
            seq = int(self._now().timestamp() * 1_000)  # beyond any number that an earlier life has given
            live = Live(Room(record, self._limits), EventRing(seq), dict(accounts), idle_since=self.clock())
            self._alive[space] = live
            if record.state in (State.SCHEDULED, State.LIVE):
                self._media.open_space(space)
            return live

    async def _known(self, live: Live, accounts: set[int]) -> dict[int, Account]:
        known = {account: live.accounts[account] for account in accounts & live.accounts.keys()}
        if missing := accounts - known.keys():
            known |= await self._access.accounts(missing)
        return known


def unknown_space() -> RequestError:
    return RequestError(404, "unknown_space", "there is no such Space")
