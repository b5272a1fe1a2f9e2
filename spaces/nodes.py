"""What a node has beside its own Spaces when there are several: the directory, the relay, links, requests passed on.

Without `redis_url` nothing of this is built.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.decide import Action, Deny
from access.model import RightsChanged
from access.service import Access
from spaces.config import Config, ConfigError
from spaces.db.owners import Owners
from spaces.directory import NODE_SECONDS, Audience, Card, DirectoryAwayError, Place, TakenError, sealed
from spaces.errors import RequestError
from spaces.metrics import Metrics
from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.redis_client import AWAY, connect
from spaces.redis_directory import RedisDirectory
from spaces.room_rules import State
from spaces.sfu.media import Media
from spaces.sfu.relay import Relay
from spaces.signaling.custody import Custody
from spaces.signaling.door import Door, resource_of, stage_role
from spaces.signaling.edge_links import EdgeLinks
from spaces.signaling.elsewhere import Elsewhere, make_http
from spaces.signaling.handover import Handover
from spaces.signaling.limits import Concurrency
from spaces.signaling.link_messages import Adopt
from spaces.signaling.live import Live
from spaces.signaling.node_stamp import HEADER, Stamp, make_stamp
from spaces.signaling.remote_media import Planes, RemotePlane, identity
from spaces.signaling.rooms import Rooms
from spaces.signaling.talks import Talks
from spaces.signaling.whip_sessions import WhipSessions
from spaces.tasks import Stop

AGAIN_SECONDS = 0.2
MEASURE_SECONDS = 1.0
MOVES_AT_ONCE_MAX = 8
MOVE_TRIES = 2
"""A node that does not take one Space in time, because it stands still, is asked last for the others, and for this one."""
MOVES_SECONDS_MAX = 12.0
"""For all Spaces that somebody is in to go to other nodes: some hundreds, or a few although one of the nodes stands still."""
PAGES_SECONDS_MAX = 4.0
"""For pages that have media here to have it elsewhere."""
GOODBYE_SECONDS_MAX = 3.0

log = structlog.get_logger()


class Nodes:
    """Of this node. `prepare`, then what it is asked to build, then `begin`; `end` when the node stops."""

    def __init__(
        self, config: Config, media: Media, metrics: Metrics, owners: Owners, key: bytes, listening: socket.socket, stop: Stop,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        """`listening`: where other nodes' requests come in. Raises ConfigError."""
        self._config = config
        self._media = media
        self._metrics = metrics
        self._key = key
        try:
            self._client, self._hearing = connect(config.redis_url), connect(config.redis_url)
        except ValueError as error:
            raise ConfigError(f"redis_url: {error}") from error
        http_port = listening.getsockname()[1]
        self.name = config.node_name or f"{socket.gethostname()}-{http_port}"[:64]
        url = config.node_url.rstrip("/") or own_url(config, listening)
        self.place = sealed(Place(f"{self.name}.{secrets.token_hex(4)}", url), key)
        self._directory = RedisDirectory(self._client, key, lambda cause: metrics.drops.labels(cause).inc())
        self._stop = stop
        self.custody = Custody(self._directory, owners, self.place, stop, now, time.monotonic)
        self._relay = Relay(self._client, self._hearing, key, self.custody.fence, metrics)
        self._http = make_http()
        frames = config.audience_packet_milliseconds * SAMPLE_RATE // (1_000 * FRAME)
        self._links = EdgeLinks(
            media, self._relay, self.custody, self._http, self._stamp, frames, metrics, time.monotonic
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._rooms: Rooms | None = None
        self._planes: Planes | None = None
        self._handover: Handover | None = None

    def elsewhere(self, rooms: Rooms, sockets: Concurrency) -> Elsewhere:
        return Elsewhere(
            self.custody, rooms, self._key, self._http, self._links, self._metrics, sockets, time.time
        )  # fmt: skip

    def connect_rooms(
        self, rooms: Rooms, planes: Planes, door: Door, sessions: WhipSessions, access: Access, talks: Talks
    ) -> None:
        """Who tells whom of what."""
        self._rooms, self._planes = rooms, planes
        custody = self.custody
        custody.deadlines = self._media.set_deadlines

        def lost(space: str) -> None:
            self._metrics.moves.labels("lost").inc()
            rooms.lose(space)

        custody.lost = lost
        custody.audience = lambda space: _audience(rooms, space)
        self._media.identity = lambda space: identity(self.place.node, space)
        self._handover = planes.successor = Handover(
            custody, rooms, planes, self._links, self._media, self._metrics, talks.store_captions_of
        )

        def came(space: str) -> None:
            planes.give_out(space)
            if (live := rooms.get(space)) is not None:
                live.tell_edges = partial(planes.tell, space)

        rooms.came = came

        def goes(space: str) -> None:
            planes.abandon(space)
            self._relay.forget(space)

        rooms.goes = goes

        async def adopt(plane: RemotePlane, adopted: Adopt) -> None:
            terms = adopted.session
            account = None
            if terms.account is not None:
                account = (await access.accounts([terms.account])).get(terms.account)
                if account is None:
                    raise RequestError(401, "no_account", "there is no such account any more")
            async with rooms.hold(terms.space) as live:
                entry = await door.enter(
                    live, account, terms.kind, terms.client, terms.address, edge=plane.edge, id=terms.entry
                )
                entry.anonymous = terms.anonymous
                sessions.adopt(entry, plane, adopted)

        planes.adopt = adopt

        async def may_listen(space: str, account: int | None) -> bool:
            record = await rooms.record(space)
            known = None if account is None else (await access.accounts([account])).get(account)
            role = stage_role(record.role_of(account))
            verdict = await access.decide(known, Action.REFRESH, resource_of(record), role=role)
            return not isinstance(verdict, Deny)

        self._links.may_listen = may_listen

    async def begin(self) -> None:
        """Be among the nodes, once media is up. Raises ConfigError: no Redis, or another has this one's name or address."""
        try:
            await self._enter()
            await self._relay.begin(self._media.join_others(self._relay.made))
        except DirectoryAwayError as error:
            raise ConfigError(f"redis_url: {error}") from error
        except AWAY as error:
            raise ConfigError(f"redis_url: Redis does not answer: {type(error).__name__}") from error
        log.info("among nodes", name=self.name, node=self.place.node, url=self.place.url)

    async def _enter(self) -> None:
        """A node of that name that has just died holds it for a moment more."""
        deadline = time.monotonic() + NODE_SECONDS + 1.0
        while True:
            try:
                await self._directory.enter(self.card())
                return
            except TakenError as error:
                if time.monotonic() > deadline:
                    raise ConfigError(str(error)) from error
            await asyncio.sleep(AGAIN_SECONDS)

    def rights_changed(self, changes: list[RightsChanged]) -> None:
        """Told of every change of rights anywhere."""
        self._links.rights_changed({change.account for change in changes})

    def run(self, tasks: asyncio.TaskGroup, drain: Callable[[], None]) -> None:
        """`drain`: called when this node has been asked to."""

        async def bring_in(space: str) -> None:
            assert self._rooms is not None
            async with self._rooms.hold(space) as live:
                log.info("space is live again", space=live.id, stage=len(live.room.record.stage))

        custody = self.custody
        for loop in (
            custody.keep(), custody.read_rows(), custody.watch(bring_in), custody.beat(self.card, drain),
            self._relay.publish(), self._relay.listen(), self._links.run(), self._measure(),
        ):  # fmt: skip
            self._tasks.append(tasks.create_task(loop))

    async def _measure(self) -> None:
        """Runs until it is told to stop."""
        self._metrics.node.labels(self.name).set(1)
        while not await self._stop.within(MEASURE_SECONDS):
            self._metrics.nodes.set(self.custody.nodes)
            self._metrics.owned.set(len(self.custody.held()))
            self._metrics.edge_sessions.set(self._links.sessions)

    async def leave(self) -> None:
        """Before this node ends: its Spaces to other nodes without a gap, and everybody who is here too.

        Returns when nobody who could go is left, or has had time enough.
        """
        self.custody.draining = True
        try:
            others = [card for card in await self._directory.nodes() if card.place != self.place and not card.draining]
        except DirectoryAwayError:
            return
        if not others:
            return
        noticed = asyncio.create_task(asyncio.sleep(self._config.drain_notice_seconds), name="noticed")
        assert self._rooms is not None
        busy = [live for live in self._rooms.alive() if _is_used(live)]
        busy.sort(key=lambda live: len(live.room.seats), reverse=True)
        takers, at_once = Takers(others), asyncio.Semaphore(MOVES_AT_ONCE_MAX)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOVES_SECONDS_MAX):
                await asyncio.gather(*(self._move(live, takers, at_once) for live in busy))
        self._links.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAGES_SECONDS_MAX):
                while self._links.pages:  # noqa: ASYNC110 - they go one by one
                    await asyncio.sleep(AGAIN_SECONDS)
        await noticed
        self._links.send_away()

    async def _move(self, live: Live, takers: Takers, at_once: asyncio.Semaphore) -> None:
        assert self._handover is not None
        assert self._rooms is not None
        async with at_once:
            for _ in range(MOVE_TRIES):
                place = takers.next(len(live.room.seats))
                try:
                    if await self._handover.give(live, place):
                        return
                except Exception:  # a bug met at one Space does not keep the node from ending as it should
                    log.exception("space not moved", space=live.id)
                takers.failed(place)
                if self._rooms.get(live.id) is not live:
                    return  # it has it all the same, or is about to

    async def hand_over(self) -> None:
        """Every Space that is still here to whichever node is first."""
        self.custody.draining = True
        assert self._rooms is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS_MAX):
                await asyncio.gather(*(self._give(space) for space in self.custody.held()))

    async def _give(self, space: str) -> None:
        assert self._rooms is not None
        try:
            if (live := self._rooms.get(space)) is not None:
                await self._rooms.hand_over(live)
            else:
                await self.custody.give_back(space)
        except (RequestError, SQLAlchemyError, OSError) as error:
            log.warning("space not handed over", space=space, error=type(error).__name__)

    async def end(self) -> None:
        with contextlib.suppress(DirectoryAwayError):
            await self._directory.leave(self.card())
        pending = set(self._tasks)
        while pending:  # one that is cancelled while it gives up a connection may go on all the same
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
        if self._planes is not None:
            await self._planes.close()

    async def close(self) -> None:
        await self._http.close()
        for client in (self._client, self._hearing):
            with contextlib.suppress(*AWAY):
                await client.aclose()

    def card(self) -> Card:
        addresses = self._config.public_addresses
        if addresses:
            udp = tuple(f"{one.address}:{one.port}" for one in self._media.candidates)
        else:
            udp = (f"{urlsplit(self.place.url).hostname}:{self._media.udp_port}",)
        seats = 0 if self._rooms is None else sum(len(live.room.seats) for live in self._rooms.alive())
        return Card(self.name, self.place, udp, seats, self.custody.draining)

    def _stamp(self, method: str, path: str) -> dict[str, str]:
        return {HEADER: make_stamp(Stamp(self.place.node, ""), self._key, method, path, time.time())}


class Takers:
    """The other nodes, as those that are to get Spaces of this one."""

    def __init__(self, cards: list[Card]) -> None:
        """There is one at least."""
        self._places = {card.place.node: card.place for card in cards}
        self._seats = {card.place.node: card.seats for card in cards}
        self._failures = dict.fromkeys(self._places, 0)

    def next(self, seats: int) -> Place:
        """For a Space of so many seats: of those that have failed least the one with the fewest people by then."""
        node = min(self._places, key=lambda one: (self._failures[one], self._seats[one]))
        self._seats[node] += seats + 1
        return self._places[node]

    def failed(self, place: Place) -> None:
        self._failures[place.node] += 1


def _is_used(live: Live) -> bool:
    state = live.room.record.state
    return state is State.LIVE or (state is State.SCHEDULED and bool(live.entries))


def _audience(rooms: Rooms, space: str) -> Audience:
    live = rooms.get(space)
    return Audience() if live is None else Audience(live.room.listeners, live.room.peak, len(live.room.seats))


def own_url(config: Config, listening: socket.socket) -> str:
    """Where other nodes reach this one if nothing is set: where it listens, or this machine's address towards Redis."""
    host, port = listening.getsockname()[:2]
    scheme = "https" if config.tls_cert and config.node_port < 0 else "http"
    if host in ("", "::", "0.0.0.0"):  # noqa: S104 – compared with, not bound to
        host = towards((urlsplit(config.redis_url).hostname or "127.0.0.1").split(",")[0])
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def towards(host: str) -> str:
    """This machine's address on the way to that one; nothing is sent."""
    try:
        family, _, _, _, target = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)
            return str(probe.getsockname()[0])
    except OSError:
        return "127.0.0.1"
