"""The Spaces that live on this node: brought in from the database, changed, put away again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.model import Account
from access.service import Access
from spaces.config import Config
from spaces.db.store import Deed, Note, SpaceStore
from spaces.directory import Directory, Place
from spaces.errors import RequestError
from spaces.room import Limits, Room
from spaces.room_commands import Block, EndAbandoned, Lasting, Passing, Remove, StoredAfter, Tick, Unblock
from spaces.room_events import Event
from spaces.room_record import Kept, Record
from spaces.room_rules import State
from spaces.sfu.session import MediaPlane
from spaces.signaling.audit_notes import note_of
from spaces.signaling.live import Ending, Entry, Live
from spaces.signaling.ring import EventRing
from spaces.signaling.views import accounts_of
from spaces.tasks import Background

log = structlog.get_logger()

IDLE_SECONDS_MAX = 60.0
"""An empty Space that is not live stays in memory this long, so that a lone listener's reconnection finds its events."""

INSIDE_LATELY = timedelta(minutes=10)
"""Who was in a locked Space this long before it is brought into memory may come back: its node was started again."""

STORE_SECONDS_MAX = 2.0
"""A mute that has had its effect is answered after this, stored or not: a page takes a socket that says nothing for 5 s for
dead."""


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
    ) -> None:
        self._store = store
        self._access = access
        self._directory = directory
        self._place = place
        self._media = media
        self._background = background
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
            hands_max=config.hands_max,
            invitations_max=config.invitations_max,
            host_absence=timedelta(minutes=config.host_absence_minutes_max),
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
        """Hands and mutes: done at once, then stored; if the database is away, later. Raises RequestError."""
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
            except (SQLAlchemyError, OSError, TimeoutError) as error:
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
            if not live.entries and not live.holds and not waits and live.idle_since < due:
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
            kept = await self._store.load_kept(space)
            if kept is None:
                raise unknown_space()
            place = await self._directory.claim(space, self._place)
            if place != self._place:
                raise RequestError(503, "elsewhere", "this Space lives on another node", retry_after_seconds=1)
            record, now = kept.record, self._now()
            accounts = await self._access.accounts(accounts_of(record) | {account for account, _ in kept.hands})
            inside = await self._access.lately_inside(space, now - INSIDE_LATELY) if record.locked else set()
            seq = int(now.timestamp() * 1_000)  # beyond any number that an earlier life has given
            room = Room.restored(kept, self._limits, inside)
            live = Live(room, EventRing(seq), dict(accounts), kept, idle_since=self.clock())
            self._alive[space] = live
            if record.state in (State.SCHEDULED, State.LIVE):
                self._media.open_space(space)
            return live

    async def _save(self, live: Live, kept: Kept, notes: Sequence[Note] = (), deeds: Sequence[Deed] = ()) -> None:
        """With the notes that are still owed. The caller has the lock."""
        owed, live.notes = live.notes, []
        try:
            await self._store.save(live.stored, kept, self._now(), [*owed, *notes], deeds)
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
