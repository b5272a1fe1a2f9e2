"""The Spaces that live on this node: brought in from the database, changed, put away again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.model import Account
from access.platform_settings import Value
from access.service import Access
from spaces.config import Config
from spaces.db.listing import Cursor, SpaceQuery
from spaces.db.owners import FencedError
from spaces.db.store import Deed, Note, SpaceStore
from spaces.directory import Audience, Directory, Lease, Place
from spaces.errors import RequestError
from spaces.room import Limits, Room
from spaces.room_commands import (
    Block,
    EndAbandoned,
    Lasting,
    MuteAll,
    MuteOther,
    MuteSelf,
    Passing,
    Remove,
    SeatKey,
    StoredAfter,
    Tick,
    Unblock,
)
from spaces.room_events import Event
from spaces.room_kept import Inside, KeptSeats
from spaces.room_record import Kept, Record
from spaces.room_rules import State
from spaces.sfu.session import MediaPlane, MediaSession
from spaces.signaling.audit_notes import note_of
from spaces.signaling.custody import Custody, unknown_owner
from spaces.signaling.live import Ending, Entry, Live
from spaces.signaling.ring import EventRing, first_number
from spaces.signaling.views import accounts_of
from spaces.talk.chat import TAIL_MAX, Line
from spaces.tasks import Background

log = structlog.get_logger()

IDLE_SECONDS_MAX = 60.0
"""An empty Space that is not live stays in memory this long, so that a lone listener's reconnection finds its events."""

INSIDE_LATELY = timedelta(minutes=10)
"""Who was in a locked Space this long before it is brought into memory may come back: its node was started again."""

STORE_SECONDS_MAX = 2.0
"""A mute that has had its effect is answered after this, stored or not: a page takes a socket that says nothing for 5 s for
dead."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A Space as the database has it, with whoever is to be shown."""

    kept: Kept
    accounts: Mapping[int, Account]
    inside: set[int]
    lines: Sequence[Line]
    authors: Mapping[int, Account]


class Rooms:
    def __init__(
        self,
        config: Config,
        store: SpaceStore,
        access: Access,
        directory: Directory,
        place: Place,
        media: MediaPlane,
        background: Background,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        custody: Custody | None = None,
    ) -> None:
        """`custody`: with several nodes, which Spaces this one has."""
        self._store = store
        self._access = access
        self._directory = directory
        self._place = place
        self.custody = custody
        self._media = media
        self._background = background
        self._now = now
        self.clock = clock
        self._leases: dict[str, Lease] = {}
        """Of a node that is alone."""
        self._alive: dict[str, Live] = {}
        self._loading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Of each Space that is being brought to life: a node that takes over a hundred reads them side by side."""
        self._limits = Limits(
            speakers_max=config.speakers_max,
            cohosts_max=config.cohosts_max,
            seats_per_account_max=config.seats_per_account_max,
            displace=config.seats_policy == "displace",
            capacity_max=config.capacity_max,
            green_room=timedelta(minutes=config.green_room_minutes_before_start),
            hands_max=config.hands_max,
            invitations_max=config.invitations_max,
            pins_max=config.pins_max,
            host_absence=timedelta(minutes=config.host_absence_minutes_max),
            moves_max=config.moves_max,
        )
        self.guest_link_hours_max = config.guest_link_hours_max
        self._configured = config
        self.ended: Callable[[Entry, Ending], None] = lambda entry, ending: None
        """Told of every entry that the room itself ended."""
        self.came: Callable[[str], None] = lambda space: None
        """Told of each Space that has been brought in and may be heard."""
        self.goes: Callable[[str], None] = lambda space: None
        """Told of each that another node is to have, before it falls silent here."""

    def alive(self) -> list[Live]:
        return list(self._alive.values())

    def apply_settings(self, settings: Mapping[str, Value]) -> None:
        """What operators have set for all rooms, here and now; what they have not is as configured."""
        config = self._configured
        limits = replace(
            self._limits,
            speakers_max=int(settings.get("speakers_max", config.speakers_max)),
            cohosts_max=int(settings.get("cohosts_max", config.cohosts_max)),
            capacity_max=min(int(settings.get("capacity_max", config.capacity_max)), config.capacity_max),
            hands_max=int(settings.get("hands_max", config.hands_max)),
            host_absence=timedelta(
                minutes=float(settings.get("host_absence_minutes_max", config.host_absence_minutes_max))
            ),
        )
        self.guest_link_hours_max = int(settings.get("guest_link_hours_max", config.guest_link_hours_max))
        if limits != self._limits:
            self._limits = limits
            for live in self.alive():
                live.room.limits = limits

    def get(self, space: str) -> Live | None:
        return self._alive.get(space)

    async def audiences(self, spaces: Iterable[str]) -> dict[str, Audience]:
        """How many are in those that live on other nodes, by id."""
        if self.custody is None:
            return {}
        leases = await self.custody.find_many([space for space in spaces if space not in self._alive])
        return {space: lease.audience for space, lease in leases.items()}

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

    async def listed(
        self, states: Iterable[State], *, creator: int | None = None, suspended: bool = True
    ) -> list[Record]:
        return await self._store.listed(states, creator=creator, suspended=suspended)

    async def planned(self, creator: int, cancelled_since: datetime) -> list[Record]:
        return await self._store.planned(creator, cancelled_since)

    async def found(self, query: SpaceQuery, after: Cursor | None, limit: int) -> tuple[list[Record], Cursor | None]:
        """One page, each Space as it is now, and where to go on; None: that was all."""
        return await self._store.found(query, after, limit, self._now())

    async def forget(self) -> None:
        """What was told of Spaces that have long been over. Raises what the database raises."""
        await self._store.reminders.forget(self._now())

    async def records(self, spaces: Sequence[str]) -> dict[str, Record]:
        """As they are now, by id; those that there are not are left out."""
        known = {space: live.room.record for space in spaces if (live := self._alive.get(space)) is not None}
        return known | await self._store.some([space for space in spaces if space not in known])

    async def updated(self, spaces: Iterable[str]) -> dict[str, datetime]:
        """When what is set of them changed last, by id."""
        return await self._store.updated(spaces)

    async def named(self, text: str) -> list[Record]:
        """By id, or with this in the title; the newest first."""
        return await self._store.named(text)

    @asynccontextmanager
    async def hold(self, space: str) -> AsyncIterator[Live]:
        """The Space, alive, while the block runs. Raises RequestError(404, or 503 if another node has it)."""
        live = self._alive.get(space) or await self._bring_in(space)
        if self.custody is not None:
            self.custody.need(space)
        live.holds += 1
        try:
            yield live
        finally:
            live.holds -= 1
            live.idle_since = self.clock()

    async def change(self, live: Live, command: Lasting, deeds: Sequence[Deed] = ()) -> list[Event]:
        """A lasting change: checked, stored together with what goes with it, then told.

        Raises RequestError, and whatever the database raises.
        """
        async with live.lock:
            record = live.room.propose(command)
            if record == live.room.record and not _concerns_others(live, command):
                return []
            known = await self._known(live, accounts_of(record))
            note = note_of(command)
            await self._save(live, live.room.kept_with(record), [] if note is None else [note], deeds)
            live.accounts.update(known)  # only now: whoever left meanwhile has been forgotten
            events = live.room.commit(record, command)
            self.publish(live, events)
            if record.state in (State.ENDED, State.CANCELLED):
                self._media.close_space(live.id)
        log.info("space changed", space=live.id, change=type(command).__name__, by=command.by, state=record.state)
        return events

    async def act(self, live: Live, command: StoredAfter) -> None:
        """Hands and mutes: done at once, then stored; if the database is away, later. Raises RequestError.

        Where another node is reading what is stored, it is told of mutes besides; a hand is to be raised there.
        """
        self.check_here(live)
        if live.frozen and not isinstance(command, MuteSelf | MuteOther | MuteAll):
            raise unknown_owner()
        events = live.room.apply(command)
        self.publish(live, events)
        note = note_of(command)
        if events and note is not None:
            live.notes.append(note)
        stored = asyncio.Event()
        self._background.spawn(self._keep(live, stored), "keep")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STORE_SECONDS_MAX):
                await stored.wait()

    def check_here(self, live: Live) -> None:
        """Raises RequestError(503): another node has got it since the caller began."""
        if self._alive.get(live.id) is not live:
            raise unknown_owner()

    def check_comes_in(self, live: Live) -> None:
        """Raises RequestError(503): another node has got it, or has read who is in, since the caller began."""
        self.check_here(live)
        if live.frozen:
            raise unknown_owner()

    def apply(self, live: Live, command: Passing) -> None:
        """A change that lives in memory only. Raises RequestError."""
        self.publish(live, live.room.apply(command))

    async def keep(self, live: Live) -> None:
        """Store what has not been yet. If the database is away it is tried again with the next change and the next tick."""
        async with live.lock:
            kept = live.room.kept
            if kept == live.stored and not live.notes:
                return
            try:
                await self._save(live, kept)
            except (SQLAlchemyError, OSError, TimeoutError, RequestError) as error:
                log.warning("space not stored", space=live.id, error=type(error).__name__)

    async def _keep(self, live: Live, stored: asyncio.Event) -> None:
        try:
            await self.keep(live)
        finally:
            stored.set()

    async def tick(self, live: Live) -> None:
        """Time has passed. Raises what the database raises."""
        now = self._now()
        self.apply(live, Tick(now))
        if live.room.abandoned(now):
            await self.change(live, EndAbandoned(now))
        await self.keep(live)

    async def recover(self) -> None:
        """Bring back every Space that was live when the last node of this database ended, however that was."""
        for space in await self._store.live():
            try:
                async with self.hold(space) as live:
                    log.info("space is live again", space=live.id, stage=len(live.room.record.stage))
            except RequestError as elsewhere:
                log.info("space not brought back", space=space, reason=elsewhere.code)

    async def put_away_idle(self) -> None:
        """Forget the Spaces that nobody has been in for a while, but for live ones, which end when no host comes back."""
        due = self.clock() - IDLE_SECONDS_MAX
        for live in self.alive():
            waits = live.room.record.state is State.LIVE or live.room.kept != live.stored or bool(live.notes)
            waits = waits or bool(live.talk.captions.unstored)
            if not live.entries and not live.holds and not waits and live.idle_since < due:
                del self._alive[live.id]
                self._media.close_space(live.id)
                await self._release(live.id)

    async def _release(self, space: str) -> None:
        if self.custody is None:
            await self._directory.release(space, self._leases.pop(space))
        else:
            await self.custody.give_back(space)

    def lose(self, space: str, reason: str = "moved") -> None:
        """Another node has it now: silent here at once, everybody told to come again, nothing of it stored any more."""
        live = self._alive.pop(space, None)
        if live is None:
            return
        self.goes(space)
        self._media.close_space(space)
        ending = Ending(reason)
        for entry in list(live.entries.values()):
            live.entries.pop(entry.id, None)
            if entry.peer is not None:
                entry.peer.end(ending)
            self.ended(entry, ending)
        log.info("space given up", space=space, reason=reason)

    @asynccontextmanager
    async def frozen(self, live: Live) -> AsyncIterator[None]:
        """All of it is stored, and while the block runs nothing is that is not.

        Raises RequestError(503), and whatever the database raises.
        """
        async with live.lock:
            live.frozen = True
            try:
                if (kept := live.room.kept) != live.stored or live.notes:
                    await self._save(live, kept)
                yield
            finally:
                live.frozen = False

    def part(self, live: Live) -> list[tuple[Entry, MediaSession]]:
        """Another node has it, and everybody is told to come there; whose media goes on here meanwhile."""
        self._alive.pop(live.id, None)
        self.goes(live.id)
        left = []
        for entry in list(live.entries.values()):
            live.entries.pop(entry.id, None)
            session = None if entry.peer is None else entry.peer.let_go()
            if session is not None:
                left.append((entry, session))
            self.ended(entry, Ending("handed_on"))
        log.info("space moved", space=live.id, media=len(left))
        return left

    async def receive(self, space: str, node: str) -> Live:
        """From that node, which gives it up, with all stored: nobody gets in before it is on air here.

        Raises RequestError, and whatever the database raises.
        """
        assert self.custody is not None
        async with self._loading_of(space):
            await self.custody.receive(space, node)  # first: what is read before could still be changed there
            return await self._bring_over(space)

    async def hand_over(self, live: Live) -> None:
        """To whichever node is first: what is not stored yet is, then it is off the air here, then free."""
        await self.keep(live)
        self.lose(live.id, "draining")
        await self._release(live.id)

    def publish(self, live: Live, events: list[Event]) -> None:
        """Tell everybody in the Space, and whoever looks after entries that ended."""
        for entry, ending in live.publish(events):
            self.ended(entry, ending)

    async def _bring_in(self, space: str) -> Live:
        if self.custody is not None:
            await self.custody.take(space)
        async with self._loading_of(space):
            live = self._alive.get(space) or await self._load(space)
            if self.custody is not None:
                self.custody.need(space)
            return live

    def _loading_of(self, space: str) -> asyncio.Lock:
        lock = self._loading.get(space)
        if lock is None:
            lock = self._loading[space] = asyncio.Lock()
        return lock

    async def _load(self, space: str) -> Live:
        if self.custody is None:
            self._leases[space] = await self._directory.claim(space, self._place)
            return self._bring_to_life(space, await self._read(space))
        return await self._bring_over(space)

    async def _bring_over(self, space: str) -> Live:
        """From a node that has it no more; whoever was in it there keeps his seat until he could be back."""
        read = await self._read(space)
        occupants = await self._access.vacate(space)  # last: who is forgotten there is known here alone
        inside = [Inside(SeatKey(one.account, one.client), one.connected) for one in occupants]
        return self._bring_to_life(
            space, read, KeptSeats.of_those(inside, self._limits.seats_per_account_max, self._now())
        )

    async def _read(self, space: str) -> _Read:
        kept = await self._store.load_kept(space)
        if kept is None:
            raise unknown_space()
        record, now = kept.record, self._now()
        accounts = await self._access.accounts(accounts_of(record) | {account for account, _ in kept.hands})
        inside = await self._access.lately_inside(space, now - INSIDE_LATELY) if record.locked else set()
        lines = await self._store.talk.lines(space, TAIL_MAX)
        authors = await self._access.accounts({line.account for line in lines})
        return _Read(kept, accounts, inside, lines, authors)

    def _bring_to_life(self, space: str, read: _Read, kept_seats: KeptSeats | None = None) -> Live:
        kept = read.kept
        room = Room.restored(kept, self._limits, read.inside, kept_seats)
        # With several nodes by the number of its owner, which grows whatever their clocks say; it may have been lost meanwhile.
        began = self._now()
        if self.custody is not None:
            began = datetime.fromtimestamp(self.custody.number(space) / 1_000, UTC)
        live = Live(room, EventRing(first_number(began)), dict(read.accounts), kept, idle_since=self.clock())
        live.talk.restore(read.lines, read.authors)
        self._alive[space] = live
        if kept.record.state in (State.SCHEDULED, State.LIVE):
            self._media.open_space(space)
            self.came(space)
        return live

    async def _save(self, live: Live, kept: Kept, notes: Sequence[Note] = (), deeds: Sequence[Deed] = ()) -> None:
        """With the notes that are still owed. The caller has the lock."""
        fence = None if self.custody is None else self.custody.need(live.id)
        owed, live.notes = live.notes, []
        try:
            await self._store.save(live.stored, kept, self._now(), [*owed, *notes], deeds, fence)
        except FencedError:
            assert self.custody is not None
            self.custody.outdone(live.id)
            raise unknown_owner() from None
        except BaseException:
            live.notes = owed + live.notes
            raise
        live.stored = kept

    async def _known(self, live: Live, accounts: set[int]) -> dict[int, Account]:
        known = {account: live.accounts[account] for account in accounts & live.accounts.keys()}
        if missing := accounts - known.keys():
            known |= await self._access.accounts(missing)
        return known


def _concerns_others(live: Live, command: Lasting) -> bool:
    """Whether it does something although the record stays as it is."""
    match command:
        case Remove(_, account):
            return bool(live.room.seated(account))
        case Block() | Unblock():
            return True
        case _:
            return False


def unknown_space() -> RequestError:
    return RequestError(404, "unknown_space", "there is no such Space")
