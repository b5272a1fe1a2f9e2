"""Media sessions of this node's Spaces that other nodes have: whoever listens hears from the node that he has reached.

An edge opens one WebSocket to each owner it passes clients on to. What the room wants of a session goes to the edge, in
order; what becomes of it comes back. An edge that is away has no sessions any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import structlog
from aiohttp import WSMsgType, web

from spaces.directory import Place
from spaces.errors import RequestError
from spaces.metrics import Metrics
from spaces.room_rules import Kind, Role
from spaces.sfu.session import Candidate, MediaPlane, MediaSession, Plan, Reach, Remote, SessionStats
from spaces.sfu.session import Closed as Why
from spaces.signaling.custody import BETWEEN_NODES, DATABASE_AWAY
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
    Speech,
    Start,
    Take,
    Told,
    Want,
)
from spaces.signaling.live import Entry
from spaces.tasks import Background

LINK_HEARTBEAT_SECONDS = 4.0
LINK_BYTES_MAX = 65_536
WAITING_MAX = 10_000
"""Messages that an edge has not taken: it is as good as away then."""
HELLO_SECONDS_MAX = 3.0

_decode = msgspec.msgpack.Decoder(FromEdge)
_encode = msgspec.msgpack.Encoder()

log = structlog.get_logger()


def identity(edge: str, space: str) -> tuple[int, str]:
    """SSRC and CNAME of a Space's mix as an edge sends it: the same whoever the owner is."""
    digest = hashlib.sha256(f"{edge}/{space}".encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big") % 0xFFFFFFFE, digest[4:12].hex()


class RelayingPlane(MediaPlane, Protocol):
    """Media that can be given out to other nodes."""

    def relay(self, space: str, frames: set[int]) -> None: ...


class RemoteSession:
    """Implements session.MediaSession."""

    def __init__(self, plane: RemotePlane, entry: Entry, terms: Open, slots: int) -> None:
        self.id = terms.session
        self.owner = terms.owner
        self.ufrag = terms.ufrag
        self.pwd = terms.pwd
        self.mix_ssrc, self.cname = identity(plane.edge, terms.space)
        self.slot_ssrcs = tuple(1 + secrets.randbelow(0xFFFFFFFE) for _ in range(slots))
        self.space = terms.space
        self.entry = entry
        self.connected = False
        self.confirm: Callable[[], Awaitable[bool]]
        self.on_connected: Callable[[], None]
        self.on_closed: Callable[[Why], None]
        self._plane = plane

    def start(self, remote: Remote) -> None:
        self._plane.say(Start(self.id, list(remote.fingerprints), remote.we_are_dtls_client))

    def set_plan(self, plan: Plan) -> None:
        mix = plan.mix
        said = None if mix is None else Mix(mix.opus_payload_type, mix.red_payload_type, mix.packet_milliseconds_max)
        self._plane.say(Flow(self.id, said))

    def set_muted(self, muted: bool) -> None:
        """It brings no sound."""

    def close(self) -> None:
        if self._plane.forget(self):
            self._plane.say(Close(self.id))

    def stats(self) -> SessionStats:
        return SessionStats(None, None, None, None, None)


@dataclass(eq=False)
class RemotePlane:
    """An edge's media, for listeners. Implements session.Reach."""

    edge: str
    slots: int
    background: Background
    fingerprint: tuple[str, str] = ("", "")
    candidates: tuple[Candidate, ...] = ()
    tells: bool = False
    """It tells its sockets what is said to it once."""
    wants: dict[str, set[int]] = field(default_factory=dict)
    leaving: bool = False
    """It will end soon: nobody new has his media there."""
    _sessions: dict[str, RemoteSession] = field(default_factory=dict)
    _waiting: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))

    def open_session(
        self,
        space: str,
        owner: str,
        *,
        entry: Entry,
        confirm: Callable[[], Awaitable[bool]],
        on_connected: Callable[[], None],
        on_closed: Callable[[Why], None],
    ) -> RemoteSession:
        terms = Open(
            session=secrets.token_urlsafe(18),
            space=space,
            owner=owner,
            ufrag=secrets.token_hex(6),
            pwd=secrets.token_hex(16),
            entry=entry.id,
            account=entry.seat.account,
            client=entry.seat.client,
            kind=entry.kind,
            anonymous=entry.anonymous,
            address=entry.address,
        )
        session = self.adopt(terms, entry, confirm, on_connected, on_closed)
        self.say(terms)
        return session

    def adopt(
        self,
        terms: Open,
        entry: Entry,
        confirm: Callable[[], Awaitable[bool]],
        on_connected: Callable[[], None],
        on_closed: Callable[[Why], None],
    ) -> RemoteSession:
        """A session that the edge has already."""
        session = RemoteSession(self, entry, terms, self.slots)
        session.confirm, session.on_connected, session.on_closed = confirm, on_connected, on_closed
        self._sessions[session.id] = session
        return session

    def say(self, message: FromOwner) -> None:
        with contextlib.suppress(asyncio.QueueFull):  # `write` ends the link
            self._waiting.put_nowait(_encode.encode(message))

    def forget(self, session: RemoteSession) -> bool:
        return self._sessions.pop(session.id, None) is not None

    def abandon(self, space: str) -> None:
        """Another node has the Space: its sessions are left to their edge, and to him."""
        found = [session for session in self._sessions.values() if session.space == space]
        for session in found:
            del self._sessions[session.id]
        if found or space in self.wants:
            self.say(Moved(space))
        self.wants.pop(space, None)

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Runs until it is cancelled, or the edge takes nothing any more."""
        while not self._waiting.full():
            await socket.send_bytes(await self._waiting.get())
        await socket.close(code=4408, message=b"slow")

    def hear(self, message: FromEdge) -> None:
        match message:
            case Confirm(session):
                if (found := self._sessions.get(session)) is not None:
                    self.background.spawn(self._confirm(found), "confirm elsewhere")
                else:
                    self.say(Confirmed(session, False))
            case Connected(session):
                if (found := self._sessions.get(session)) is not None:
                    found.connected = True
                    found.on_connected()
            case Closed(session, why):
                if (found := self._sessions.pop(session, None)) is not None:
                    found.on_closed(why)
            case _:
                log.warning("link message out of place", edge=self.edge, kind=type(message).__name__)

    async def _confirm(self, session: RemoteSession) -> None:
        self.say(Confirmed(session.id, await session.confirm()))

    def down(self) -> None:
        """The edge is away, and what it had."""
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            session.on_closed(Why.SILENT)


async def _hello(socket: web.WebSocketResponse) -> Hello | None:
    """None: it does not come, is broken, or of another version."""
    try:
        message = await socket.receive(timeout=HELLO_SECONDS_MAX)
        hello = _decode.decode(message.data) if message.type is WSMsgType.BINARY else None
    except (TimeoutError, msgspec.MsgspecError):
        return None
    return hello if isinstance(hello, Hello) and hello.version == VERSION else None


async def _nobody(plane: RemotePlane, adopt: Adopt) -> None:
    raise RequestError(503, "starting", "nobody is let in yet")


class Successor(Protocol):
    """What becomes of Spaces that an edge has, and gives up to this node (handover.Handover)."""

    async def take(self, plane: RemotePlane, space: str) -> None: ...
    def gone(self, plane: RemotePlane, gone: Gone) -> None: ...
    def speech(self, plane: RemotePlane, speech: Speech) -> None: ...
    def down(self, plane: RemotePlane) -> None: ...


class Planes:
    """This node's own media, and other nodes' for it."""

    def __init__(self, local: RelayingPlane, slots: int, background: Background, metrics: Metrics) -> None:
        self.local = local
        self._drops = metrics.drops
        self._slots = slots
        self._background = background
        self._edges: dict[str, RemotePlane] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self.adopt: Callable[[RemotePlane, Adopt], Awaitable[None]] = _nobody
        """Lets a session in that an edge has of an owner before. Raises RequestError."""
        self.successor: Successor | None = None

    def edge_of(self, entry: Entry) -> RemotePlane | None:
        """Whose media is this one's, if not this node's: who listens only has it where he came in."""
        if not entry.edge or entry.kind is Kind.WHIP or entry.role is not Role.LISTENER:
            return None
        edge = self._edges.get(entry.edge)
        return None if edge is None or edge.leaving else edge

    def open_session(
        self,
        entry: Entry,
        *,
        confirm: Callable[[], Awaitable[bool]],
        on_connected: Callable[[], None],
        on_closed: Callable[[Why], None],
    ) -> tuple[MediaSession, Reach]:
        """Where it suits the entry. Raises RequestError(429 | 503)."""
        space = entry.live.id
        if (edge := self.edge_of(entry)) is not None:
            session = edge.open_session(
                space, entry.owner, entry=entry, confirm=confirm, on_connected=on_connected, on_closed=on_closed
            )
            return session, edge
        opened = self.local.open_session(
            space, entry.owner, confirm=confirm, on_connected=on_connected, on_closed=on_closed,
            client_address=entry.address,
        )  # fmt: skip
        return opened, self.local

    def abandon(self, space: str) -> None:
        for edge in self._edges.values():
            edge.abandon(space)

    def tell(self, space: str, edges: Iterable[str], frame: bytes) -> frozenset[str]:
        """Something of the moment, to those of these nodes that tell it to all their sockets; which these are."""
        told = {name: plane for name in edges if (plane := self._edges.get(name)) is not None and plane.tells}
        for plane in told.values():
            plane.say(Told(space, frame))
        return frozenset(told)

    def moving(self, space: str, place: Place) -> None:
        """That node will have it in a moment: edges are to say there what they want."""
        for edge in self._edges.values():
            if edge.wants.get(space):
                edge.say(Moving(space, place.node, place.url))

    def give_out(self, space: str) -> None:
        """What edges want of a Space's mix, now that it is here, or that they want something else."""
        self.local.relay(space, set().union(*(edge.wants.get(space, set()) for edge in self._edges.values())))

    async def serve(self, name: str, socket: web.WebSocketResponse) -> None:
        """The edge of that name, until its socket is closed."""
        plane = RemotePlane(name, self._slots, self._background)
        hello = await _hello(socket)
        if hello is None:
            self._drops.labels("link_version").inc()
            await socket.close(code=4409, message=b"version")
            return
        plane.fingerprint = (hello.algorithm, hello.fingerprint)
        plane.tells = hello.tells
        plane.candidates = tuple(Candidate(*candidate) for candidate in hello.candidates)
        if (before := self._edges.get(name)) is not None:
            before.down()
        self._edges[name] = plane
        self._sockets.add(socket)
        log.info("edge connected", edge=name)
        writing = asyncio.create_task(plane.write(socket), name=f"to edge {name}")
        try:
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    break
                await self._hear(plane, _decode.decode(message.data))
        except msgspec.MsgspecError as error:
            self._drops.labels("link_malformed").inc()
            log.warning("link message broken", edge=name, reason=str(error))
        finally:
            writing.cancel()
            self._sockets.discard(socket)
            if self._edges.get(name) is plane:
                del self._edges[name]
            wanted, plane.wants = plane.wants, {}
            for space in wanted:
                self.give_out(space)
            plane.down()
            if self.successor is not None:
                self.successor.down(plane)
            log.info("edge gone", edge=name)

    async def close(self) -> None:
        """This node is going."""
        await asyncio.gather(*(socket.close(code=1001, message=b"draining") for socket in self._sockets))

    async def _hear(self, plane: RemotePlane, message: FromEdge) -> None:
        match message:
            case Want(space, frames):
                plane.wants[space] = set(frames)
                if not frames:
                    del plane.wants[space]
                self.give_out(space)
            case Adopt():
                self._background.spawn(self._adopt(plane, message), "adopt")
            case Leaving():
                plane.leaving = True
            case Take(space):
                assert self.successor is not None
                self._background.spawn(self.successor.take(plane, space), "take")
            case Gone():
                assert self.successor is not None
                self.successor.gone(plane, message)
            case Speech():
                assert self.successor is not None
                self.successor.speech(plane, message)
            case _:
                plane.hear(message)

    async def _adopt(self, plane: RemotePlane, adopt: Adopt) -> None:
        terms = adopt.session
        try:
            await self.adopt(plane, adopt)
        except RequestError as refused:
            log.info("session not adopted", space=terms.space, edge=plane.edge, reason=refused.code)
            plane.say(Moved(terms.space) if refused.code in BETWEEN_NODES else Close(terms.session))
        except DATABASE_AWAY as error:
            log.warning("session not adopted", space=terms.space, edge=plane.edge, error=type(error).__name__)
            plane.say(Moved(terms.space))  # the edge asks again, for as long as it keeps whoever has no owner
        except Exception:
            log.exception("session not adopted", space=terms.space, edge=plane.edge)
            plane.say(Close(terms.session))  # or it would be heard for good, by nobody's leave
