"""Listeners whom other nodes' Spaces have here: one WebSocket to each owner, and what becomes of them when an owner is gone.

Their media goes on without the owner for ORPHAN_SECONDS_MAX: what the next owner relays is heard as it was. A WHEP session,
whose client can do nothing, is handed to him; a page comes again by itself meanwhile, and takes its sound along.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import aiohttp
import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.outbox import EVERYBODY
from spaces.directory import Place
from spaces.errors import RequestError
from spaces.metrics import Metrics
from spaces.room_rules import Kind
from spaces.sfu.media import Media
from spaces.sfu.peer import Peer
from spaces.sfu.relay import Relay
from spaces.sfu.relayed import frames_for
from spaces.sfu.session import Closed as Why
from spaces.sfu.session import MediaSession, Plan, Remote, Send, Spoken, Terms
from spaces.signaling.custody import Custody
from spaces.signaling.link_messages import (
    VERSION,
    Adopt,
    Close,
    Closed,
    Confirm,
    Confirmed,
    Connected,
    Flow,
    FromEdge,
    FromOwner,
    Gone,
    Hello,
    Leaving,
    Mix,
    Moved,
    Moving,
    Open,
    Quiet,
    Speech,
    Start,
    Take,
    Taken,
    Told,
    Want,
)
from spaces.signaling.live import Entry
from spaces.signaling.moments import Moments
from spaces.signaling.owner_link import LINK_PATH, OwnerLink
from spaces.signaling.remote_media import identity

CONFIRM_SECONDS_MAX = 3.0
TAKE_SECONDS_MAX = 5.0
"""Longer than a lease: who gives a Space up falls silent with it, and still hands over everybody as he should."""
READY_SECONDS_MAX = 1.0
"""How long a request waits for its link: without one the client's media is the owner's."""
ORPHAN_SECONDS_MAX = 10.0
"""A third of what a seat may outlive the last look at the database."""
ORPHANS_SECONDS = 0.2
MOVES_SECONDS = 0.5
RIGHTS_SECONDS = 0.5
OWNER_SECONDS = 0.3
"""An owner who can be reached has closed by then whom he must; who is here still is asked after here. The bound is a second."""
RIGHTS_AT_ONCE_MAX = 8

log = structlog.get_logger()


@dataclass(eq=False)
class Held:
    """A session here of a Space elsewhere."""

    terms: Open
    session: MediaSession
    owner: str
    """The node that speaks for it."""
    mix: Mix | None = None
    connected: bool = False
    orphan_since: float | None = None
    handed_on: bool = False
    """To the next owner."""
    asked_at: float = 0.0
    """When its right was looked at last, while it has no owner."""


class EdgeLinks:
    def __init__(
        self,
        media: Media,
        relay: Relay,
        custody: Custody,
        http: aiohttp.ClientSession,
        stamp: Callable[[str, str], dict[str, str]],
        frames: int,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        """`stamp`: the headers by which a node knows another, of a method and a path."""
        self._media = media
        self._relay = relay
        self._custody = custody
        self._http = http
        self._stamp = stamp
        self._frames = frames
        self._drops = metrics.drops
        self._clock = clock
        self._links: dict[str, OwnerLink] = {}
        self._held: dict[str, Held] = {}
        self._demand: dict[str, Counter[int]] = {}
        """Of each Space that is listened to here: how many want packets of how many frames; 0: none at all for now."""
        self._wants: dict[str, tuple[str, list[int]]] = {}
        """Of each Space: whom we have told, and what."""
        self._owners: dict[str, str] = {}
        """Of each Space that is listened to here: the newest that we know."""
        self._sockets: dict[tuple[str, str], asyncio.Event] = {}
        self._socket_counts: Counter[tuple[str, str]] = Counter()
        self.moments = Moments()
        self._looked_at = 0.0
        self._tasks: asyncio.TaskGroup | None = None
        self.may_listen: Callable[[str, int | None], Awaitable[bool]] = _nobody_knows
        """Whether this account, or nobody in particular, may be in that Space now."""
        media.relayed_space_left = relay.leave

    async def run(self) -> None:
        """Runs until it is cancelled: the links, and whoever has lost his owner."""
        async with asyncio.TaskGroup() as self._tasks:
            while True:
                await asyncio.sleep(ORPHANS_SECONDS)
                try:
                    await self._look_for_moves()
                    await self._find_owners()
                except Exception:  # a bug met at one Space does not end the links of all
                    log.exception("owners not found")

    async def ready(self, place: Place) -> None:
        """The link to that node is up, or it was waited for in vain."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS_MAX):
                await self._link(place).ready.wait()

    # --- links

    def _link(self, place: Place) -> OwnerLink:
        link = self._links.get(place.node)
        if link is None:
            assert self._tasks is not None
            algorithm, fingerprint = self._media.fingerprint
            candidates = [(one.address, one.port) for one in self._media.candidates]
            hello = Hello(VERSION, algorithm, fingerprint, candidates, tells=True)
            link = self._links[place.node] = OwnerLink(place, hello, self._hear, self._ended, self._drops)
            headers = self._stamp("GET", LINK_PATH)
            self._tasks.create_task(link.run(self._http, headers), name=f"link to {place.node}")
        return link

    def _ended(self, link: OwnerLink) -> None:
        if self._links.get(link.place.node) is link:
            del self._links[link.place.node]
        for held in self._held.values():
            if held.owner == link.place.node:
                self._orphan(held)

    def _say(self, owner: str, message: FromEdge) -> None:
        if (link := self._links.get(owner)) is not None:
            link.say(message)

    # --- what an owner says

    def _hear(self, link: OwnerLink, message: FromOwner) -> None:
        match message:
            case Open():
                self._open(link, message)
            case Start(session, fingerprints, client):
                if (held := self._held.get(session)) is not None:
                    held.session.start(Remote(tuple(fingerprints), client))
            case Flow(session, mix):
                if (held := self._held.get(session)) is not None:
                    self._count(held, -1)
                    held.mix = mix
                    self._count(held, 1)
                    send = None if mix is None else Send(mix.opus, mix.red, mix.milliseconds)
                    held.session.set_plan(Plan(mix=send))
                    self._want(held.terms.space)
            case Close(session):
                self._close(session)
            case Moved(space):
                self._custody.forget(space)
                self._wants.pop(space, None)
                for held in self._held.values():
                    if held.terms.space == space and held.owner == link.place.node:
                        self._orphan(held)
            case Told(space, frame):
                self.moments.tell(space, link.place.node, frame)
            case Confirmed(session, holds):
                link.answered(session, holds)
            case Moving(space, node, url):
                assert self._tasks is not None
                self._tasks.create_task(self._want_of(space, Place(node, url)), name=f"want {space} of {node}")
            case Taken(space, ready):
                link.answered(f"take {space}", ready)
            case Speech(space, spoken):
                self._media.hear_speech(space, spoken)
            case Quiet(space, owner):
                for held in self._held.values():
                    if (held.terms.space, held.terms.owner) == (space, owner):
                        held.session.set_muted(True)

    def _open(self, link: OwnerLink, terms: Open) -> None:
        ssrc, cname = identity(self._custody.place.node, terms.space)
        id = terms.session
        try:
            session = self._media.open_relayed_session(
                terms.space,
                terms.owner,
                Terms(id, terms.ufrag, terms.pwd, ssrc, cname),
                confirm=lambda: self._confirm(id),
                on_connected=lambda: self._connected(id),
                on_closed=lambda why: self._closed(id, why),
                client_address=terms.address,
            )
        except RequestError:
            link.say(Closed(id, Why.CROWDED_OUT))
            return
        held = self._held[id] = Held(terms, session, link.place.node)
        self._count(held, 1)
        self._owners[terms.space] = link.place.node
        self._relay.want(terms.space)

    def _close(self, session: str) -> None:
        if (held := self._held.pop(session, None)) is not None:
            held.session.close()
            self._count(held, -1)
            self._want(held.terms.space)

    # --- what becomes of a session

    async def _confirm(self, session: str) -> bool:
        held = self._held.get(session)
        link = None if held is None else self._links.get(held.owner)
        return link is not None and await link.ask(Confirm(session), session, CONFIRM_SECONDS_MAX)

    def _connected(self, session: str) -> None:
        if (held := self._held.get(session)) is not None:
            held.connected = True
            self._say(held.owner, Connected(session))

    def _closed(self, session: str, why: Why) -> None:
        if (held := self._held.pop(session, None)) is not None:
            self._say(held.owner, Closed(session, why))
            self._count(held, -1)
            self._want(held.terms.space)

    def _count(self, held: Held, by: int) -> None:
        frames = 0 if held.mix is None else frames_for(held.mix.milliseconds, self._frames)
        demand = self._demand.setdefault(held.terms.space, Counter())
        demand[frames] += by
        if not demand[frames]:
            del demand[frames]

    def _want(self, space: str) -> None:
        """Tell the owner which packets are wanted of him, if he does not know."""
        demand = self._demand.get(space, Counter())
        frames = sorted(count for count in demand if count)
        owner = self._owners.get(space, "")
        if owner in self._links and self._wants.get(space, (owner, [])) != (owner, frames):
            self._say(owner, Want(space, frames))
            self._wants[space] = (owner, frames)
        if not demand:
            self._demand.pop(space, None)
            self._owners.pop(space, None)
            self._wants.pop(space, None)

    # --- a Space of ours that goes to another node (handover.py), and this node's own end

    def expect(self, space: str) -> None:
        """Its mix will come from elsewhere in a moment."""
        self._relay.want(space)

    async def offer(self, space: str, place: Place) -> bool:
        """Ask that node to have it ready. Whether it has."""
        link = self._links.get(place.node)
        return link is not None and await link.ask(Take(space), f"take {space}", TAKE_SECONDS_MAX)

    def hold_on(self, space: str, place: Place, left: list[tuple[Entry, MediaSession]]) -> None:
        """Media here, of a Space that was ours until now, goes on as an edge's of that node."""
        now = self._clock()
        self._owners[space] = place.node
        for entry, session in left:
            if not isinstance(session, Peer) or session.closed:
                continue
            id, send = session.id, session.mix
            terms = Open(
                id, space, session.owner, session.ufrag, session.pwd, entry.id, entry.seat.account, entry.seat.client,
                entry.kind, entry.anonymous, entry.address,
            )  # fmt: skip
            mix = None
            if send is not None:
                mix = Mix(send.opus_payload_type, send.red_payload_type, send.packet_milliseconds_max)
            held = Held(terms, session, place.node, mix, session.connected, orphan_since=now, asked_at=now)
            session.on_closed = partial(self._closed, id)
            self._held[id] = held
            self._count(held, 1)
        self.settle(space)
        self._want(space)

    def settle(self, space: str) -> None:
        """Nothing is expected any more, unless somebody here listens to it."""
        if not any(self._demand.get(space, ())):
            self._relay.leave(space)

    def gone(self, space: str, place: Place, muted: Iterable[int]) -> None:
        """It is silent here from now on, but for what that node sends; speakers here are heard there."""
        self._say(place.node, Gone(space, sorted(muted)))
        self._media.give_speech(space, partial(self._speech, space, place.node))

    def _speech(self, space: str, node: str, spoken: Spoken) -> None:
        self._say(node, Speech(space, spoken))

    async def _want_of(self, space: str, place: Place) -> None:
        await self.ready(place)
        if frames := sorted(count for count in self._demand.get(space, ()) if count):
            self._say(place.node, Want(space, frames))

    def leave(self) -> None:
        """This node will end soon: owners are to know, and pages to come again elsewhere, each with a new connection first."""
        for link in self._links.values():
            link.say(Leaving())
        self.send_away()

    def send_away(self) -> None:
        """Every socket that is passed on is closed: its client is to come again."""
        for moved in self._sockets.values():
            moved.set()

    @property
    def sessions(self) -> int:
        """Media here of Spaces that other nodes have."""
        return len(self._held)

    @property
    def pages(self) -> int:
        """Media here that a page will replace by other media elsewhere."""
        return sum(held.connected and held.terms.kind == Kind.SOCKET for held in self._held.values())

    # --- without an owner

    def _orphan(self, held: Held) -> None:
        if held.orphan_since is None:
            held.orphan_since = held.asked_at = self._clock()
        held.handed_on = False
        self._custody.forget(held.terms.space)
        self._wants.pop(held.terms.space, None)

    async def _look_for_moves(self) -> None:
        """An owner that has been stopped, or cut off, does not say that another node has his Space."""
        now = self._clock()
        if now - self._looked_at < MOVES_SECONDS:
            return
        self._looked_at = now
        spaces = self._demand.keys() | {space for space, _ in self._sockets}
        leases = await self._custody.find_many(spaces)
        found = {space: lease.place.node for space, lease in leases.items()}
        found |= {space: self._custody.place.node for space in spaces if self._custody.holds(space)}
        for held in list(self._held.values()):
            if held.orphan_since is None and found.get(held.terms.space, held.owner) != held.owner:
                self._orphan(held)
        for (space, node), moved in list(self._sockets.items()):
            if found.get(space, node) != node:
                moved.set()

    @contextlib.contextmanager
    def socket(self, space: str, place: Place) -> Iterator[asyncio.Event]:
        """While a socket of this Space is passed on to that node: set when another has the Space."""
        key = (space, place.node)
        moved = self._sockets.setdefault(key, asyncio.Event())
        self._socket_counts[key] += 1
        try:
            yield moved
        finally:
            self._socket_counts[key] -= 1
            if not self._socket_counts[key]:
                del self._socket_counts[key], self._sockets[key]

    async def _find_owners(self) -> None:
        orphans: dict[str, list[Held]] = {}
        for held in list(self._held.values()):
            if held.orphan_since is None:
                continue
            if not held.connected or self._clock() - held.orphan_since > ORPHAN_SECONDS_MAX:
                self._close(held.terms.session)
            else:
                orphans.setdefault(held.terms.space, []).append(held)
        await asyncio.gather(*(self._find_owner(space, found) for space, found in orphans.items()))

    async def _find_owner(self, space: str, orphans: list[Held]) -> None:
        await self._look_at_rights(orphans)
        self._custody.forget(space)
        try:
            place = await self._custody.find(space)
        except RequestError:
            return
        if place is None:
            if not self._custody.holds(space):
                return
            place = self._custody.place  # it is ours now: our listeners of before go on as they are
        link = self._link(place)
        if not link.ready.is_set():
            return
        for held in orphans:
            if held.terms.session not in self._held or held.handed_on:
                continue
            held.owner, held.handed_on = place.node, True
            if held.terms.kind == Kind.WHEP:
                held.orphan_since = None
                link.say(Adopt(held.terms, held.mix))
        self._owners[space] = place.node
        self._want(space)

    async def _look_at_rights(self, orphans: list[Held]) -> None:
        now = self._clock()
        for held in orphans:
            if now - held.asked_at < RIGHTS_SECONDS:
                continue
            held.asked_at = now
            await self._look_at_right(held)

    async def _look_at_right(self, held: Held) -> None:
        """It ends if there is none; it is left if nobody can say."""
        with contextlib.suppress(SQLAlchemyError, OSError, TimeoutError, RequestError):
            if not await self.may_listen(held.terms.space, held.terms.account):
                self._close(held.terms.session)

    def rights_changed(self, accounts: set[int]) -> None:
        """Of these accounts; 0: of everybody. Their owners see to it, unless they cannot be reached from here."""
        if self._tasks is not None and self._held:
            self._tasks.create_task(self._look_at_those(accounts), name="rights of listeners here")

    async def _look_at_those(self, accounts: set[int]) -> None:
        await asyncio.sleep(OWNER_SECONDS)
        everybody = EVERYBODY in accounts
        concerned = [held for held in self._held.values() if everybody or held.terms.account in accounts]
        for first in range(0, len(concerned), RIGHTS_AT_ONCE_MAX):
            some = concerned[first : first + RIGHTS_AT_ONCE_MAX]
            for failure in await asyncio.gather(*map(self._look_at_right, some), return_exceptions=True):
                if isinstance(failure, Exception):  # a bug met at one listener does not end the links of all
                    log.error("right not looked at", exc_info=failure)


async def _nobody_knows(space: str, account: int | None) -> bool:
    return True
