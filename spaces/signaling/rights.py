"""Rights end while people are inside: this finds out within a second and puts them out.

Three ways: changes that access tells of, looked for every `rights_poll_seconds`; the moment that a decision itself
named as its end; and the lease, when the database has not answered for so long that nobody can know.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.model import RightsChanged
from access.outbox import EVERYBODY
from access.service import Access
from spaces.config import Config
from spaces.errors import RequestError
from spaces.room_commands import EndSuspended
from spaces.room_rules import State
from spaces.signaling.door import Door
from spaces.signaling.live import Entry, Live
from spaces.signaling.rooms import Rooms
from spaces.tasks import Stop

log = structlog.get_logger()

EXPIRY_SECONDS = 0.1
"""How often ended decisions and leases are looked for."""
DECIDE_SECONDS_MAX = 0.6
"""A decision at the end of a right is waited for this long; without it the right has ended, within the second promised."""
POLL_SECONDS_MAX = 5.0
LEASE_MARGIN_SECONDS = 0.3
"""Leases end this much before their time: it takes EXPIRY_SECONDS to notice, and a tick until the last datagram is out."""
OWED_AT_ONCE_MAX = 100
"""Decisions made up for in one look, so that those who wait do not hold up rights that end now."""
ENDS_KEPT_MIN = 1_024
"""Ends of decisions are looked through for stale ones when they are more than this and have doubled."""


class Rights:
    def __init__(
        self,
        config: Config,
        access: Access,
        rooms: Rooms,
        door: Door,
        stop: Stop,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        wall: Callable[[], datetime],
    ) -> None:
        """`now`: the time that rights go by; `wall`: that of Spaces."""
        self._poll_seconds = config.rights_poll_seconds
        self._lease_seconds = config.seat_lease_seconds
        self._access = access
        self._rooms = rooms
        self._door = door
        self._stop = stop
        self._now = now
        self._clock = clock
        self._wall = wall
        self._nudged = asyncio.Event()
        self._ends: list[tuple[datetime, int, Entry]] = []
        self._ends_max = ENDS_KEPT_MIN
        self._order = itertools.count()
        self._renewed_at = clock()
        self._database_away = False
        self.elsewhere: Callable[[list[RightsChanged]], None] = lambda changes: None
        """Told of all changes, for people who are here in Spaces of other nodes."""
        door.allowed = self._allowed

    def nudge(self) -> None:
        """Somebody here has just changed rights: look now."""
        self._nudged.set()

    @property
    def knows(self) -> bool:
        """Whether the last look at the database succeeded."""
        return not self._database_away

    async def follow_changes(self) -> None:
        """Runs until it is told to stop (and nudged)."""
        cursor: int | None = None
        while not self._stop.told:
            self._nudged.clear()
            looked_at = self._clock()
            try:
                async with asyncio.timeout(POLL_SECONDS_MAX):
                    if cursor is None:
                        cursor = await self._access.cursor()
                        await self._door.recheck(
                            entry for live in self._rooms.alive() for entry in live.entries.values()
                        )
                        await self._end_suspended(self._rooms.alive())
                    changes, newest = await self._access.changes(cursor)
                    if changes:
                        self.elsewhere(changes)
                    await self._door.recheck(self._concerned(changes))
                    houses = {change.creator for change in changes if change.account == EVERYBODY}
                    await self._end_suspended([e for e in self._rooms.alive() if e.room.record.creator in houses])
                    await self._door.recheck(list(itertools.islice(self._door.owed, OWED_AT_ONCE_MAX)))
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                if not self._database_away:
                    log.warning("database away", error=type(error).__name__)
                self._database_away = True
            else:
                cursor = newest
                self._renewed_at = looked_at
                if self._database_away:
                    log.info("database back")
                self._database_away = False
                if changes:
                    continue
            await self._wait()

    async def expire(self) -> None:
        """Runs until it is told to stop."""
        while not await self._stop.within(EXPIRY_SECONDS):
            if due := self._take_due():
                await asyncio.gather(*(self._decide_at_end(entry) for entry in due))
            if self._clock() - self._renewed_at > self._lease_seconds - LEASE_MARGIN_SECONDS:
                self._end_leases()

    async def _end_suspended(self, lives: list[Live]) -> None:
        """Spaces that an operator has suspended, or whose creator: everybody is out already."""
        for live in lives:
            record = live.room.record
            if record.state is State.LIVE and await self._access.operators.house_suspended(record.creator, record.id):
                with contextlib.suppress(RequestError):  # it has ended meanwhile
                    await self._rooms.change(live, EndSuspended(self._wall()))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._nudged.wait()
        except TimeoutError:
            return

    def _allowed(self, entry: Entry) -> None:
        if entry.allow.not_after is None:
            return
        heapq.heappush(self._ends, (entry.allow.not_after, next(self._order), entry))
        if len(self._ends) > self._ends_max:  # most have left long before their right would have ended
            self._ends = [end for end in self._ends if _stands(end[2], end[0])]
            heapq.heapify(self._ends)
            self._ends_max = max(ENDS_KEPT_MIN, 2 * len(self._ends))

    def _concerned(self, changes: list[RightsChanged]) -> list[Entry]:
        """Those seated whose rights these changes are about, each once."""
        found: dict[Entry, None] = {}
        for change in dict.fromkeys(changes):
            for live in self._rooms.alive():
                if change.creator not in (0, live.room.record.creator):
                    continue
                everybody = change.account == EVERYBODY
                found |= dict.fromkeys(live.entries.values() if everybody else live.entries_of(change.account))
        return list(found)

    def _take_due(self) -> list[Entry]:
        """Entries whose decision's end has come; older decisions of theirs, and those who left, are dropped."""
        due: dict[Entry, None] = {}
        now = self._now()
        while self._ends and self._ends[0][0] <= now:
            end, _, entry = heapq.heappop(self._ends)
            if _stands(entry, end):
                due[entry] = None
        return list(due)

    async def _decide_at_end(self, entry: Entry) -> None:
        try:
            async with asyncio.timeout(DECIDE_SECONDS_MAX):
                await self._door.recheck([entry])
        except (SQLAlchemyError, OSError, TimeoutError):
            self._door.evict(entry, rights_unknown())

    def _end_leases(self) -> None:
        for live in self._rooms.alive():
            for entry in list(live.entries.values()):
                if entry.allow.revocable or entry in self._door.owed:
                    self._door.evict(entry, rights_unknown())


def _stands(entry: Entry, end: datetime) -> bool:
    """Whether this end is still the one of somebody who is still here."""
    return entry.id in entry.live.entries and entry.allow.not_after == end


def rights_unknown() -> RequestError:
    return RequestError(503, "rights_unknown", "your right to be here cannot be checked now", retry_after_seconds=5)
