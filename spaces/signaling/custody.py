"""Which Spaces this node has, of several: taken, kept by lease or row, taken over from nodes that died, given back.

A node that is alone has none of this. The order in which a Space is taken: lease, number committed to the database, a wait
unless the one before has said that he is gone, and only then what is stored is read and the Space is on air.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from spaces.db.owners import SPACE_ID, FencedError, Owners, Standing
from spaces.directory import Audience, Card, Directory, DirectoryAwayError, ForgottenError, Lease, Place, TakenError
from spaces.errors import RequestError
from spaces.tasks import Stop
from spaces.tenure import HANDOVER_SECONDS, RENEW_SECONDS, ROW_ASKED_SECONDS, Tenure

WATCH_SECONDS = 0.25
VACANT_SECONDS = 0.6
"""How long a Space's node must have been gone where Redis does not remember it: one that has lost everything is told
everything again before."""
SLOW_SECONDS = 0.5
BLIND_SECONDS = 2.5
"""After the directory was away, or slow: by then whoever lives has renewed what is his."""
RENEW_SECONDS_MAX = 0.6
"""Found out so soon that the directory does not answer, an owner has asked the database before its lease ends."""
ROW_SECONDS_MAX = 0.45
HOPELESS_SECONDS = 30.0
PASSED_OVER_SECONDS = 1.0
"""For another node to have what the database did not give this one in time."""
BRING_IN_SECONDS_MAX = 8.0
"""How long reading what is stored of one Space may take: a thousand at once are read by then."""
MEMORY_SECONDS = 0.5
"""How long it is remembered where a Space lives."""
NOWHERE_SECONDS = 0.1
"""And that it lives nowhere: whoever comes in waits for it."""
REMEMBERED_MAX = 10_000

DATABASE_AWAY = (SQLAlchemyError, OSError, TimeoutError)
BETWEEN_NODES = frozenset({"owner_unknown", "elsewhere", "starting", "draining"})
"""What a node says that does not have the Space, or not yet, or no more."""

log = structlog.get_logger()


class ElsewhereError(RequestError):
    """The Space lives on another node."""

    def __init__(self, place: Place) -> None:
        super().__init__(503, "elsewhere", "this Space lives on another node", retry_after_seconds=1)
        self.place = place


class Custody:
    def __init__(
        self, directory: Directory, owners: Owners, place: Place, stop: Stop,
        now: Callable[[], datetime], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.place = place
        self._directory = directory
        self._owners = owners
        self._stop = stop
        self._now = now
        self._clock = clock
        self._tenures: dict[str, Tenure] = {}
        self._taking: dict[str, asyncio.Task[None]] = {}
        self._remembered: dict[str, tuple[Place | None, float]] = {}
        self._looks: dict[str, tuple[asyncio.Task[Standing | None], float]] = {}
        """At the database, and until when what it says is good."""
        self._hopeless: dict[str, float] = {}
        """Which could not be brought in here, and until when that is not tried again."""
        self._renewing = asyncio.Lock()
        self._away_since: float | None = None
        """The directory does not answer, since then."""
        self.draining = False
        self.lost: Callable[[str], None] = lambda space: None
        """Told of each Space that another node has now."""
        self.deadlines: Callable[[dict[str, float]], None] = lambda deadlines: None
        """Told until when each Space of ours is on air."""
        self.audience: Callable[[str], Audience] = lambda space: Audience()
        """Asked how many are in one of ours."""
        self.others: Callable[[frozenset[str]], None] = lambda urls: None
        """Told where the others are reached, when that has changed."""
        self._urls: frozenset[str] = frozenset()
        self.nodes = 0
        """That live, by the last look at the directory."""

    # --- what is asked of it

    def holds(self, space: str) -> bool:
        return space in self._tenures

    def held(self) -> list[str]:
        return list(self._tenures)

    def fence(self, space: str) -> int | None:
        """Our number, while we are on air."""
        tenure = self._tenures.get(space)
        return tenure.fence if tenure is not None and tenure.on_air(self._clock()) else None

    def need(self, space: str) -> int:
        """Our number, for what is to be stored. Raises RequestError(503) while we cannot know whether it is ours."""
        fence = self.fence(space)
        if fence is None or self._tenures[space].yields:
            raise unknown_owner()
        return fence

    def number(self, space: str) -> int:
        """Ours, on air or not yet. Raises RequestError(503)."""
        if (tenure := self._tenures.get(space)) is None:
            raise unknown_owner()
        return tenure.fence

    @property
    def directory_knows(self) -> bool:
        return self._away_since is None

    async def find(self, space: str) -> Place | None:
        """The other node that it lives on; None: here, or nowhere yet. Raises RequestError(503) if nobody can know."""
        if space in self._tenures or not SPACE_ID.fullmatch(space):
            return None
        place, until = self._remembered.get(space, (None, 0.0))
        if until > self._clock():
            return place
        try:
            lease = await self._directory.find(space)
        except DirectoryAwayError:
            if place is not None:
                return place  # as it was known last
            raise unknown_owner() from None
        place = None if lease is None or lease.place == self.place else lease.place
        self._remember(space, place)
        return place

    async def instead(self, space: str) -> Place | None:
        """While this node drains: another, for a Space that nobody has."""
        if not self.draining or self.holds(space):
            return None
        try:
            cards = [card for card in await self._directory.nodes() if card.place != self.place and not card.draining]
        except DirectoryAwayError:
            return None
        return min(cards, key=lambda card: card.seats).place if cards else None

    def forget(self, space: str) -> None:
        """Where it was is not where it is."""
        self._remembered.pop(space, None)

    async def find_many(self, spaces: Iterable[str]) -> dict[str, Lease]:
        """Leases of other nodes, as far as the directory answers."""
        try:
            return await self._directory.find_many([space for space in spaces if space not in self._tenures])
        except DirectoryAwayError:
            return {}

    async def take(self, space: str) -> None:
        """Have it here, or raise ElsewhereError, RequestError(404, or 503 while it is on its way from a node that died)."""
        if space in self._tenures:
            return
        task = self._taking.get(space)
        if task is None:
            standing = await self._owners.standing(space)
            if standing is None:
                raise RequestError(404, "unknown_space", "there is no such Space")
            if (place := await self.find(space)) is not None:
                raise ElsewhereError(place)
            if space in self._tenures:
                return  # somebody else here was quicker
            if standing.state == "live" and not standing.clean and space not in self._taking:
                raise unknown_owner()  # `watch` sees to it
            task = self._begin(standing)
        await asyncio.shield(task)

    async def between(self, space: str) -> bool:
        """Whether it is live and its node has gone without a word: another, or this one, is about to have it.

        All who come in at once ask the database together, every MEMORY_SECONDS.
        """
        if (tenure := self._tenures.get(space)) is not None:
            return tenure.waits
        if space in self._taking or not SPACE_ID.fullmatch(space):
            return False
        looking, until = self._looks.get(space, (None, 0.0))
        if looking is None or until < self._clock():
            if len(self._looks) >= REMEMBERED_MAX:
                self._looks.clear()
            looking = asyncio.create_task(self._owners.standing(space), name=f"look at {space}")
            self._looks[space] = looking, self._clock() + MEMORY_SECONDS
        standing = await asyncio.shield(looking)
        return standing is not None and standing.state == "live" and not standing.clean

    def _begin(self, standing: Standing) -> asyncio.Task[None]:
        task = self._taking.get(standing.space)
        if task is None:
            task = asyncio.create_task(self._take(standing), name=f"take {standing.space}")
            self._taking[standing.space] = task
            task.add_done_callback(lambda done: self._taken(standing.space, done))
        return task

    def _taken(self, space: str, task: asyncio.Task[None]) -> None:
        self._taking.pop(space, None)
        if not task.cancelled():
            task.exception()  # whoever still waits hears of it

    async def _take(self, standing: Standing) -> None:
        space, asked_at = standing.space, self._clock()
        lease, clean = await self._claim(standing)
        if not clean:
            deadline = self._clock() + HANDOVER_SECONDS
            while (left := deadline - self._clock()) > 0:
                await asyncio.sleep(min(left, RENEW_SECONDS))
                asked_again_at = self._clock()
                if not await self._renewed(space, lease):
                    raise unknown_owner()
                asked_at = asked_again_at
        self._tenures[space] = Tenure.begun(lease, asked_at)
        self._remembered.pop(space, None)
        self._tell_deadlines()
        log.info("space taken", space=space, fence=lease.fence, clean=clean)

    async def _claim(self, standing: Standing, instead_of: str = "") -> tuple[Lease, bool]:
        """Lease and number; whether nobody can be on air by an older one. Raises RequestError(503), ElsewhereError."""
        space = standing.space
        if self.draining:
            raise unknown_owner()
        try:
            lease = await self._directory.claim(space, self.place, standing.fence + 1, instead_of=instead_of)
        except DirectoryAwayError:
            raise unknown_owner() from None
        if lease.place != self.place:
            self._remember(space, lease.place)
            raise ElsewhereError(lease.place)
        try:
            return lease, await self._owners.take(space, lease.fence, self.place.node, self._now())
        except BaseException as error:
            with contextlib.suppress(DirectoryAwayError):
                await self._directory.release(space, lease)
            if isinstance(error, FencedError):
                raise unknown_owner() from None
            raise

    async def _renewed(self, space: str, lease: Lease) -> bool:
        try:
            return await self._held_still(space, lease)
        except (*DATABASE_AWAY, DirectoryAwayError):
            return False

    async def _held_still(self, space: str, lease: Lease) -> bool:
        """By the directory's word; where it has forgotten, by the database's: a node that slept meanwhile is not the owner
        only because it is the first to speak. Raises DirectoryAwayError, and what the database raises."""
        try:
            return await self._directory.renew(space, lease)
        except ForgottenError:
            newest = (await self._owners.newest([space])).get(space, 0)
            return newest <= lease.fence and await self._directory.restore(space, lease)

    async def give_back(self, space: str) -> None:
        """It is nobody's here any more, and others are told: none of its sound leaves, nothing of it is stored after this."""
        tenure = self._tenures.pop(space, None)
        self._tell_deadlines()
        if tenure is None or tenure.lost:
            return
        try:
            await self._owners.release(space, tenure.fence, self._now())
            async with self._renewing:  # or a renewal that is under way would have it ours again
                await self._directory.release(space, tenure.lease)
        except (*DATABASE_AWAY, DirectoryAwayError) as error:
            log.warning("space not given back", space=space, error=type(error).__name__)  # its lease ends by itself

    # --- from one node to another, at the one's word (`handover`)

    def yield_up(self, space: str) -> None:
        """Another is to have it: we are on air until it has, and as long as our lease lasts then. Raises RequestError(503)."""
        self.need(space)
        self._tenures[space].yields = True

    def resume(self, space: str) -> None:
        """The other does not have it, or is not ready: the next renewal tells whose it is."""
        if (tenure := self._tenures.get(space)) is not None:
            tenure.yields = False

    def part(self, space: str) -> None:
        """The other has it."""
        self._tenures.pop(space, None)
        self.forget(space)
        self._tell_deadlines()

    async def receive(self, space: str, node: str) -> None:
        """From that node, which is on air until it says that it is not: then `go_on_air`. Raises RequestError(503)."""
        standing = await self._owners.standing(space)
        if standing is None or space in self._tenures or space in self._taking:
            raise unknown_owner()
        asked_at = self._clock()
        lease, _ = await self._claim(standing, node)
        tenure = self._tenures[space] = Tenure.begun(lease, asked_at)
        tenure.waits = True
        self.forget(space)
        self._tell_deadlines()

    async def decline(self, space: str) -> None:
        """What was received cannot be had here after all; what is ours otherwise stays."""
        if (tenure := self._tenures.get(space)) is not None and tenure.waits:
            await self.give_back(space)

    def go_on_air(self, space: str) -> None:
        """Nobody else is."""
        tenure = self._tenures.get(space)
        if tenure is not None and tenure.waits:
            tenure.waits = False
            self._tell_deadlines()
            log.info("space received", space=space, fence=tenure.fence)

    # --- what time brings

    async def keep(self) -> None:
        """Runs until it is told to stop: renews leases."""
        while not await self._stop.within(RENEW_SECONDS):
            await self.renew()

    async def renew(self) -> None:
        async with self._renewing:
            await self._renew_all()

    async def _renew_all(self) -> None:
        asked_at = self._clock()
        tenures = dict(self._tenures)
        answers = await asyncio.gather(*(self._renew(space, tenure) for space, tenure in tenures.items()))
        if any(answer is None for answer in answers):
            self._directory_away(asked_at)
        elif answers:
            self._directory_back(asked_at)
        for (space, tenure), held in zip(tenures.items(), answers, strict=True):
            if held is not None:
                tenure.renewed(held, asked_at)
            self._settle(space, tenure)
        self._tell_deadlines()

    async def _renew(self, space: str, tenure: Tenure) -> bool | None:
        lease = Lease(self.place, tenure.fence, *self.audience(space))
        try:
            async with asyncio.timeout(RENEW_SECONDS_MAX):
                return await self._held_still(space, lease)
        except (*DATABASE_AWAY, DirectoryAwayError):
            return None

    def outdone(self, space: str) -> None:
        """The database has a newer number than ours."""
        if (tenure := self._tenures.get(space)) is not None:
            tenure.lost = True
            self._settle(space, tenure)
            self._tell_deadlines()

    async def read_rows(self) -> None:
        """Runs until it is told to stop: what the database says of our Spaces. Also while the directory answers: it may be a
        Redis that was cut off together with this node, or have lost in its failover what it had said."""
        while not await self._stop.within(ROW_ASKED_SECONDS):
            if self._tenures:
                await self.read_rows_once()

    async def read_rows_once(self) -> None:
        asked_at = self._clock()
        tenures = dict(self._tenures)
        try:
            async with asyncio.timeout(ROW_SECONDS_MAX):
                newest = await self._owners.newest(tenures)
        except DATABASE_AWAY:
            return
        for space, tenure in tenures.items():
            tenure.row_read(newest.get(space, 0), asked_at)
            self._settle(space, tenure)
        self._tell_deadlines()

    def _settle(self, space: str, tenure: Tenure) -> None:
        if tenure.lost and self._tenures.get(space) is tenure:
            del self._tenures[space]
            log.warning("space lost", space=space, fence=tenure.fence)
            self.lost(space)

    async def watch(self, bring_in: Callable[[str], Awaitable[None]]) -> None:
        """Runs until it is told to stop: live Spaces whose node has died are brought in here, or on another that was faster.

        Each by itself: what goes slowly or wrong with one holds up no other, nor the next look.
        """
        bringing: dict[str, asyncio.Task[None]] = {}
        try:
            await self._watch(bring_in, bringing)
        finally:
            for task in bringing.values():
                task.cancel()
            await asyncio.gather(*bringing.values(), return_exceptions=True)

    async def _watch(self, bring_in: Callable[[str], Awaitable[None]], bringing: dict[str, asyncio.Task[None]]) -> None:
        seen: dict[str, float] = {}
        blind_until = 0.0
        while not await self._stop.within(WATCH_SECONDS):
            if self.draining:
                continue
            asked_at = answered_at = self._clock()
            alive: list[str] = []
            found: list[Standing] = []
            with contextlib.suppress(*DATABASE_AWAY, DirectoryAwayError):
                cards = await self._directory.nodes()
                answered_at = self._clock()
                alive = [card.place.node for card in cards]
                others = [node for node in alive if node != self.place.node]
                self._tell_others(frozenset(card.place.url for card in cards))
                self.nodes = len(alive)
                found = await self._owners.abandoned(others)
            now = self._clock()
            if self.place.node not in alive or answered_at - asked_at > SLOW_SECONDS:
                # It may have forgotten others as well: they are to say first that they live.
                blind_until = now + BLIND_SECONDS
            if now < blind_until:
                seen.clear()
                continue
            self._hopeless = {space: until for space, until in self._hopeless.items() if until > now}
            busy = self._tenures.keys() | self._taking.keys() | self._hopeless.keys()
            standings = [one for one in found if one.space not in busy]
            seen = {one.space: seen.get(one.space, now) for one in standings}
            for one in standings:
                if one.space in bringing:
                    continue
                work = self._take_over(one, now - seen[one.space], bring_in)
                task = bringing[one.space] = asyncio.create_task(work, name=f"take {one.space} over")
                task.add_done_callback(partial(_over, bringing, one.space))

    def _tell_others(self, urls: frozenset[str]) -> None:
        if urls != self._urls:
            self._urls = urls
            self.others(urls)

    async def _is_free(self, standing: Standing, seconds: float) -> bool:
        """`seconds`: for how long its node has been seen to be gone."""
        if standing.clean or seconds >= VACANT_SECONDS:
            return True
        try:
            return await self._directory.lapsed(standing.space, standing.fence)
        except DirectoryAwayError:
            return False

    async def _take_over(
        self, standing: Standing, gone_seconds: float, bring_in: Callable[[str], Awaitable[None]]
    ) -> None:
        try:
            if not await self._is_free(standing, gone_seconds):
                return
            await asyncio.shield(self._begin(standing))
            async with asyncio.timeout(BRING_IN_SECONDS_MAX):  # or another node is to have it
                await bring_in(standing.space)
        except RequestError as elsewhere:
            log.info("space not taken over", space=standing.space, reason=elsewhere.code)
        except DATABASE_AWAY as error:
            log.warning("space not taken over", space=standing.space, error=type(error).__name__)
            self._hopeless[standing.space] = self._clock() + PASSED_OVER_SECONDS
            await self.give_back(standing.space)
        except Exception:  # one that cannot be brought in takes no node with it, and not one after the other
            log.exception("space not taken over", space=standing.space)
            self._hopeless[standing.space] = self._clock() + HOPELESS_SECONDS
            await self.give_back(standing.space)

    async def beat(self, card: Callable[[], Card], drain: Callable[[], None]) -> None:
        """Runs until it is told to stop: this node lives."""
        while not await self._stop.within(RENEW_SECONDS):
            try:
                async with asyncio.timeout(RENEW_SECONDS_MAX):
                    if await self._directory.enter(card()):
                        drain()
                if not self._tenures:
                    self._directory_back(self._clock())
            except TakenError as error:
                log.error("node name lost", reason=str(error))
            except (DirectoryAwayError, TimeoutError):
                self._directory_away(self._clock())

    def _directory_away(self, asked_at: float) -> None:
        if self._away_since is None:
            self._away_since = asked_at
            log.warning("directory away")

    def _directory_back(self, asked_at: float) -> None:
        if self._away_since is not None and asked_at >= self._away_since:  # what was asked before says nothing of now
            log.info("directory back", seconds=round(asked_at - self._away_since, 1))
            self._away_since = None

    def _tell_deadlines(self) -> None:
        self.deadlines({space: tenure.on_air_until for space, tenure in self._tenures.items()})

    def _remember(self, space: str, place: Place | None) -> None:
        if len(self._remembered) >= REMEMBERED_MAX:
            self._remembered.clear()
        seconds = NOWHERE_SECONDS if place is None else MEMORY_SECONDS
        self._remembered[space] = (place, self._clock() + seconds)


def _over(bringing: dict[str, asyncio.Task[None]], space: str, task: asyncio.Task[None]) -> None:
    bringing.pop(space, None)


def unknown_owner() -> RequestError:
    return RequestError(503, "owner_unknown", "this Space is between two nodes for a moment", retry_after_seconds=1)
