"""The WebSocket of a Space: hello, then requests in and replies and events out. PROTOCOL.md is its description."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import WSMsgType, web
from msgspec import UNSET

from access.model import Account
from spaces.errors import RequestError
from spaces.pace import Pace
from spaces.room_rules import ChatPolicy, Kind, Role
from spaces.sfu.session import MediaSession
from spaces.signaling import room_requests, talk_requests
from spaces.signaling.answers import StageInvitationView
from spaces.signaling.audience import audience
from spaces.signaling.callers import account_of
from spaces.signaling.close_codes import BROKEN, MOVED_ON, RESTARTED
from spaces.signaling.endpoint import Call, edge_of
from spaces.signaling.frames import frame_of
from spaces.signaling.live import Ending, Entry, Live, sees_hands
from spaces.signaling.messages import (
    Answer,
    Audience,
    AudienceOk,
    ClientMessage,
    Evicted,
    Hand,
    Hello,
    Invited,
    LeaveMedia,
    Listen,
    Ok,
    Refused,
    Request,
    ServerMessage,
    SocketYou,
    Welcome,
)
from spaces.signaling.messages_talk import React, TalkRequest
from spaces.signaling.outbox import CLOSE_SECONDS_MAX, Outbox
from spaces.signaling.page_media import PageMedia
from spaces.signaling.problems import as_request_error, problem_of
from spaces.signaling.services import Services
from spaces.signaling.turn import ice_servers
from spaces.signaling.views import account_view, hands_view, invitation_view, invitations_view, pins_view, space_view

log = structlog.get_logger()

MESSAGE_BYTES_MAX = 65_536
HEARTBEAT_SECONDS = 25.0
"""Between pings: often enough for a NAT's or a proxy's idle timeout, and to find out about a dead connection."""
WELCOME_LINES = 50
"""Of the chat: a screenful and some; the others are a request away."""
LINGER_SECONDS = 10.0
"""A connection that broke may be back in its seat before this, and its sound has gone on."""
COMES_BACK = 4100
"""With this code a client closes a connection that it takes for broken."""

MESSAGE_SECONDS = 0.02
MESSAGES_AT_ONCE = 200
"""Of one socket: fifty a second are more than any client has to say; one that goes on is cut."""


DECODER = msgspec.json.Decoder(ClientMessage)


class _Numbered(msgspec.Struct):
    id: int


def check_origin(request: web.Request, url: str, allowed: tuple[str, ...]) -> None:
    """A page of ours, one of an allowed origin, or no page at all (no Origin header). Raises RequestError(403)."""
    origin = request.headers.get("Origin")
    if origin is None or "*" in allowed or origin in allowed or origin == url:
        return
    if _host_of(origin) != request.host:
        raise RequestError(403, "bad_origin", "this origin may not open sockets here")


async def serve_socket(call: Call) -> web.WebSocketResponse:
    services, request = call.services, call.request
    check_origin(request, services.url(), services.config.allowed_origins)
    socket = web.WebSocketResponse(
        timeout=CLOSE_SECONDS_MAX, heartbeat=HEARTBEAT_SECONDS, max_msg_size=MESSAGE_BYTES_MAX, compress=False
    )
    if not socket.can_prepare(request):
        raise RequestError(426, "no_websocket", "this address speaks WebSocket")
    with services.limiters.sockets.one(call.address), services.metrics.sockets.track_inprogress():
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        connection = Connection(services, request, socket, transport, call.match("space"), call.address)
        await connection.run()
    return socket


class Connection:
    """One socket from hello to end. Implements live.Peer."""

    def __init__(
        self,
        services: Services,
        request: web.Request,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        space: str,
        address: str,
    ) -> None:
        self._services = services
        self._request = request
        self._socket = socket
        self._outbox = Outbox(socket, transport, self._stop_reading)
        self._space = space
        self._address = address
        self._busy = False
        """A request is being worked on: its reply comes before a goodbye."""
        self._goodbye: tuple[int, str] | None = None
        self._reading: asyncio.Timeout | None = None
        """While a message is waited for."""
        self._stopped = False
        self._pace = Pace(MESSAGE_SECONDS, MESSAGES_AT_ONCE)

    async def run(self) -> None:
        """Until the socket is closed, whoever closes it."""
        if (entry := await self._hello()) is not None:
            try:
                await self._serve(entry)
            finally:
                self._outbox.leave()
                self._gone(entry)
        await self._outbox.close()

    def _stop_reading(self) -> None:
        """Everything has been said: `run` ends, when it is done with the request that it works on."""
        self._stopped = True
        if self._reading is not None:
            self._reading.reschedule(0.0)  # long ago: now

    # --- live.Peer

    def tell(self, frame: bytes) -> None:
        self._outbox.put(frame)

    def role_changed(self, role: Role) -> None:
        self.media.role_changed()

    def hand_changed(self, raised: bool) -> None:
        self._say(Hand(raised=raised))

    def mute_changed(self, muted: bool) -> None:
        self.media.set_muted(muted)

    def invitation_changed(self, invitation: StageInvitationView | None) -> None:
        self._say(Invited(invitation=invitation))

    def end(self, ending: Ending) -> None:
        match ending.reason:
            case "replaced":  # the new socket takes the media over
                self._evicted(RequestError(409, "replaced", "you have come in from elsewhere with the same seat"))
            case "displaced":
                self.media.close()
                self._evicted(RequestError(409, "displaced", "you have come in on another device"))
            case "removed":
                self.media.close()
                self._evicted(RequestError(403, "removed", "a host has removed you from this Space"))
            case "blocked":
                self.media.close()
                self._evicted(RequestError(403, "blocked", "you have been blocked here"))
            case "ended":
                self.media.close()
                self._part(4410, "ended")
            case "evicted":
                self.media.close()
                assert ending.problem is not None
                self._evicted(ending.problem)
            case _:
                self.media.close()
                self._part(1001, ending.reason)

    def let_go(self) -> MediaSession | None:
        session = self.media.let_go()
        self._part(RESTARTED, "moved")
        return session

    def _evicted(self, problem: RequestError) -> None:
        self._say(Evicted(problem=problem_of(problem)))
        self._part(4000 + problem.status, problem.code)

    def _part(self, code: int, reason: str) -> None:
        self._outbox.leave()
        self._goodbye = (code, reason)
        if not self._busy:
            self._outbox.finish(code, reason)

    def _say(self, message: ServerMessage) -> None:
        self._outbox.put(frame_of(message))

    # --- hello

    async def _hello(self) -> Entry | None:
        """Let in, and told so; None: refused, and the socket is closing."""
        try:
            async with asyncio.timeout(self._services.config.hello_seconds_max):
                text = await self._next()
        except TimeoutError:
            self._outbox.finish(4408, "hello_timeout")
            return None
        if text is None:
            return None
        try:
            hello = DECODER.decode(text)
            if not isinstance(hello, Hello):
                raise RequestError(422, "hello_first", "the first message is hello", field="type")
            return await self._enter(hello)
        except Exception as error:
            problem = self._refuse(_number_of(text), error)
            self._outbox.finish(4000 + problem.status, problem.code)
            return None

    async def _enter(self, hello: Hello) -> Entry:
        services = self._services
        await services.rooms.record(self._space)  # 404 before a token is used up
        if hello.token is None:
            account = await account_of(services, self._request)  # the page's session
        else:
            account = await services.door.account_of(hello.token, self._space)
        async with services.rooms.hold(self._space) as live:
            entry = await services.door.enter(
                live, account, Kind.SOCKET, hello.client, self._address, edge=edge_of(self._request)
            )
        entry.anonymous = hello.anonymous
        config = services.config
        self.media = PageMedia(
            services.planes, services.door, entry, self._say, lambda: ice_servers(config, entry.owner, services.now())
        )
        entry.peer = self
        missed = None if hello.cursor is None else live.missed(entry, hello.cursor)
        self._say(self._welcome(hello.id, live, entry, account, resumed=missed is not None))
        for frame in missed or ():
            self._outbox.put(frame)
        self._outbox.join(live.broadcast, entry.edge)
        before, entry.replaces = entry.replaces, None
        if before is not None and isinstance(before.peer, Connection):
            self.media.take_over(before.peer.media)
        return entry

    def _welcome(self, number: int, live: Live, entry: Entry, account: Account | None, *, resumed: bool) -> Welcome:
        room = live.room
        invitation = None if account is None else room.record.invitation_of(account.id)
        you = SocketYou(
            account=None if account is None else account_view(account, account),
            role=entry.role.value,
            seat=str(entry.seat),
            muted=entry.seat.account in room.muted,
            hand=entry.seat.account in room.hands,
            invitation=None if invitation is None else invitation_view(invitation, live.accounts),
        )
        return Welcome(
            re=number,
            you=you,
            space=space_view(room.record, room, live.accounts, viewer=account),
            hands=hands_view(room, live.accounts) if sees_hands(entry.role) else UNSET,
            invitations=invitations_view(room.record, live.accounts) if sees_hands(entry.role) else UNSET,
            stinger=live.stinger,
            chat=[] if room.record.chat is ChatPolicy.OFF else live.talk.tail()[-WELCOME_LINES:],
            pins=pins_view(room.record),
            seq=live.ring.seq,
            resumed=resumed,
        )

    # --- requests

    async def _serve(self, entry: Entry) -> None:
        while (text := await self._next()) is not None:
            if entry.id not in entry.live.entries:
                continue  # it is over: what still comes in is read until the socket is closed
            if self._pace.wait(None, self._services.clock()):
                self._outbox.finish(4429, "too_many_messages")
                return
            self._busy = True
            try:
                request = self._read(text)
                if isinstance(request, Hello):
                    raise RequestError(409, "hello_twice", "you are in already")
                await self._do(entry, request)
            except Exception as error:
                self._refuse(_number_of(text), error)
            finally:
                self._busy = False
                if self._goodbye is not None:
                    self._outbox.finish(*self._goodbye)

    def _read(self, text: str) -> ClientMessage:
        """Counted against its address's budget, but for taps, which have a pace of their own: a hall behind one NAT may clap.

        Raises RequestError(429), msgspec.MsgspecError.
        """
        try:
            request: ClientMessage = DECODER.decode(text)
        except msgspec.MsgspecError:
            self._services.limiters.requests.take(self._address, self._services.clock())
            raise
        if not isinstance(request, React):
            self._services.limiters.requests.take(self._address, self._services.clock())
        return request

    async def _do(self, entry: Entry, request: Request) -> None:
        """The request, and its reply. Raises what problems.as_request_error knows."""
        services = self._services
        after: Callable[[], None] | None = None
        match request:
            case Listen():
                after = await self._listen(entry)
            case Answer(session=session, sdp=sdp):
                self.media.answer(session, sdp)
            case LeaveMedia():
                self.media.leave()
            case Audience(id=number, after=after_account):
                self._say(AudienceOk(re=number, audience=audience(entry.live, entry.account, int(after_account))))
                return
            case _ if isinstance(request, TalkRequest):
                await talk_requests.do(services, entry, request)
            case _:
                await room_requests.do(services, entry, request)
        self._say(Ok(re=request.id))
        if after is not None:
            after()

    async def _listen(self, entry: Entry) -> Callable[[], None]:
        """A fresh media session; what is returned offers it, after the reply."""
        services = self._services
        services.limiters.offers.take(self._address, services.clock())
        entry.live.room.check_listen(entry.seat.account, services.now())
        await services.door.admit_again(entry)
        link = self.media.open()
        return lambda: self.media.offer(link)

    # --- the socket

    async def _next(self) -> str | None:
        """The next text message; None: the socket is closed, or to be closed."""
        if self._stopped:
            return None
        try:
            async with asyncio.timeout(None) as self._reading:
                message = await self._socket.receive()
        except TimeoutError:  # by `stop_reading`
            return None
        finally:
            self._reading = None
        if message.type is WSMsgType.TEXT:
            return str(message.data)
        if message.type is WSMsgType.BINARY:
            self._outbox.finish(1003, "text_only")
        return None

    def _refuse(self, number: int | None, error: Exception) -> RequestError:
        refused = as_request_error(error)
        if refused is None:
            log.error("request failed", space=self._space, exc_info=error)
            refused = RequestError(500, "internal", "that is our fault; it has been noted")
        self._say(Refused(re=number, problem=problem_of(refused)))
        return refused

    def _gone(self, entry: Entry) -> None:
        """The socket is closed. Without a goodbye from the other side it may be back: its sound goes on for a while."""
        if entry.id not in entry.live.entries:
            return
        code = self._socket.close_code
        broke = self._outbox.slow or code in (None, 1006, COMES_BACK, BROKEN, MOVED_ON)
        if broke and entry.account is not None:  # also while his media connects: his hand stays up
            self._services.door.leave_later(entry, LINGER_SECONDS)
            return
        if self.media.connected and code == MOVED_ON:
            # Whom nobody knows gets another seat: this one goes with its sound.
            self._services.door.leave_later(entry, LINGER_SECONDS, lambda: self.media.connected)
            return
        self.media.close()
        self._services.door.leave(entry)


def _host_of(origin: str) -> str | None:
    """None for what is no address at all."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _number_of(text: str) -> int | None:
    """The `id` of a message that could not be understood, if even that much can be."""
    try:
        return msgspec.json.decode(text, type=_Numbered).id
    except (msgspec.MsgspecError, RecursionError):
        return None
