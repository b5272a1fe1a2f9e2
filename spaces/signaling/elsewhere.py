"""Requests about a Space that lives on another node are passed to that node, and its answer to the client.

What the client sends goes as it came, cookies and tokens too, with the node's stamp in front (`node_stamp`): the owner counts
the client, not the node. A socket is passed on frame by frame. What is passed on is never passed on again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

import aiohttp
import structlog
from aiohttp import WSMsgType, hdrs, web

from spaces.directory import Place
from spaces.errors import RemoteError, RequestError
from spaces.metrics import Metrics
from spaces.signaling.close_codes import BROKEN, MOVED_ON, RESTARTED
from spaces.signaling.custody import BETWEEN_NODES, Custody, unknown_owner
from spaces.signaling.edge_links import EdgeLinks
from spaces.signaling.limits import Concurrency
from spaces.signaling.node_stamp import HEADER, Stamp, make_stamp, read_stamp_untrusted
from spaces.signaling.outbox import CLOSE_SECONDS_MAX
from spaces.signaling.rooms import Rooms

CONNECT_SECONDS_MAX = 2.0
ANSWER_SECONDS_MAX = 15.0
UPLOAD_BYTES = 65_536
UPLOAD_SECONDS_MAX = 75.0
"""A sound is sent as fast as its sender can; the owner gives him a minute."""
SOCKET_HEARTBEAT_SECONDS = 25.0
SOCKET_BYTES_MAX = 65_536
COMES_IN_SECONDS_MAX = 4.0
"""How long whoever comes in waits for a Space whose node has gone: a page gives a socket 5 s, and its own next try is later."""
AGAIN_SECONDS = 0.2
COMES_IN = ("/whip", "/whep", "/socket")

HOP_BY_HOP = frozenset(
    name.lower()
    for name in (
        hdrs.CONNECTION, hdrs.KEEP_ALIVE, hdrs.PROXY_AUTHENTICATE, hdrs.PROXY_AUTHORIZATION, hdrs.TE, hdrs.TRAILER,
        hdrs.TRANSFER_ENCODING, hdrs.UPGRADE, hdrs.CONTENT_LENGTH, hdrs.X_FORWARDED_FOR, hdrs.X_FORWARDED_PROTO, HEADER,
        hdrs.CONTENT_ENCODING,  # aiohttp has undone it
        hdrs.SEC_WEBSOCKET_KEY, hdrs.SEC_WEBSOCKET_VERSION, hdrs.SEC_WEBSOCKET_EXTENSIONS,
    )
)  # fmt: skip
OURS = frozenset({"date", "server"})
"""Of an answer: what this node says itself."""

T = TypeVar("T")

log = structlog.get_logger()


def make_http() -> aiohttp.ClientSession:
    """For what this node asks of others."""
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(
        connector=connector, timeout=_within(ANSWER_SECONDS_MAX), cookie_jar=aiohttp.DummyCookieJar()
    )


def _within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS_MAX)


class Elsewhere:
    def __init__(
        self,
        custody: Custody,
        rooms: Rooms,
        key: bytes,
        http: aiohttp.ClientSession,
        links: EdgeLinks,
        metrics: Metrics,
        sockets: Concurrency,
        unix_time: Callable[[], float],
    ) -> None:
        self._custody = custody
        self._rooms = rooms
        self._key = key
        self._http = http
        self._links = links
        self._metrics = metrics
        self._sockets = sockets
        self._unix_time = unix_time

    def sender(self, request: web.Request) -> Stamp | None:
        """The node that passes this request on, and for whom. Raises RequestError(403) for a stamp that is none."""
        text = request.headers.get(HEADER)
        if text is None:
            return None
        try:
            return read_stamp_untrusted(text, self._key, request.method, request.path_qs, self._unix_time())
        except RemoteError as error:
            self._metrics.drops.labels(error.cause).inc()
            raise RequestError(403, "bad_stamp", "this is for nodes of this server alone") from error

    async def answer(
        self, request: web.Request, client: str, read: Callable[[], Awaitable[bytes]]
    ) -> web.StreamResponse | None:
        """Of the node that has the Space; None: this one is to answer. Raises RequestError(503), and what `read` raises.

        Whoever comes in waits while the Space is between two nodes, so `read` is asked for all that he says.
        """
        if (space := _space_of(request)) == "" or self._rooms.get(space) is not None:
            return None
        comes_in = request.path.endswith(COMES_IN)
        deadline = time.monotonic() + (COMES_IN_SECONDS_MAX if comes_in else 0.0)
        while True:
            try:
                place = await self._custody.find(space) or await self._custody.instead(space)
                if place is not None:
                    body = await read() if comes_in and request.can_read_body else None
                    return await self._pass_on(request, space, place, client, body)
                if not comes_in or not await self._custody.between(space):
                    return None
                raise unknown_owner()
            except RequestError as error:
                if error.status != 503 or time.monotonic() > deadline or request.transport is None:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)

    async def _pass_on(
        self, request: web.Request, space: str, place: Place, client: str, body: bytes | None
    ) -> web.StreamResponse:
        if request.path.endswith(("/whep", "/socket")):
            await self._links.ready(place)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        if request.secure or request.headers.get(hdrs.X_FORWARDED_PROTO) == "https":
            headers.append((hdrs.X_FORWARDED_PROTO, "https"))
        stamp = Stamp(self._custody.place.node, client)
        headers.append((HEADER, make_stamp(stamp, self._key, request.method, request.path_qs, self._unix_time())))
        try:
            with self._links.socket(space, place) as moved:
                if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
                    with self._sockets.one(client):
                        return await self._pass_socket_on(request, space, place, headers, moved)
                return await _unless(moved, self._pass_request_on(request, space, place, headers, body))
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            self._custody.forget(space)
            log.info("owner does not answer", space=space, node=place.node, error=type(error).__name__)
            raise unknown_owner() from error

    async def _pass_request_on(
        self, request: web.Request, space: str, place: Place, headers: list[tuple[str, str]], body: bytes | None
    ) -> web.StreamResponse:
        data = body if body is not None else request.content if request.can_read_body else None
        length = request.content_length
        uploads = data is request.content and (length is None or length > UPLOAD_BYTES)
        async with self._http.request(
            request.method, place.url + request.path_qs, headers=headers, data=data, allow_redirects=False,
            timeout=_within(UPLOAD_SECONDS_MAX if uploads else ANSWER_SECONDS_MAX),
        ) as answer:  # fmt: skip
            said = await answer.read()
            if answer.status == 503:
                self._custody.forget(space)
                if body is not None and any(f'"{code}"'.encode() in said for code in BETWEEN_NODES):
                    raise unknown_owner()
            response = web.Response(status=answer.status, body=said)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP | OURS and not name.lower().startswith("access-control-"):
                    if name.lower() == "content-type":
                        response.headers[name] = value
                    else:
                        response.headers.add(name, value)
            return response

    async def _pass_socket_on(
        self, request: web.Request, space: str, place: Place, headers: list[tuple[str, str]], moved: asyncio.Event
    ) -> web.StreamResponse:
        client = web.WebSocketResponse(
            timeout=CLOSE_SECONDS_MAX, heartbeat=SOCKET_HEARTBEAT_SECONDS, max_msg_size=SOCKET_BYTES_MAX, compress=False
        )
        if not client.can_prepare(request):
            raise RequestError(426, "no_websocket", "this address speaks WebSocket")

        async def connect() -> aiohttp.ClientWebSocketResponse:
            return await self._http.ws_connect(
                place.url + request.path_qs, headers=headers, max_msg_size=0, heartbeat=SOCKET_HEARTBEAT_SECONDS,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS_MAX),
            )  # fmt: skip

        try:
            owner = await _unless(moved, connect())
        except aiohttp.WSServerHandshakeError as refused:
            self._custody.forget(space)
            raise RequestError(refused.status, "refused", "the Space's node refuses this socket") from refused
        passing = contextlib.ExitStack()

        def welcomed() -> None:
            if request.transport is not None:
                passing.enter_context(self._links.moments.hearing(space, place.node, request.transport))

        try:
            await client.prepare(request)
            up = asyncio.create_task(_pump_up(client, owner), name="socket up")
            down = asyncio.create_task(_pump_down(owner, client, welcomed), name="socket down")
            gone = asyncio.create_task(moved.wait(), name="socket moved")
            tasks: set[asyncio.Task[Any]] = {up, down, gone}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                passing.close()
            # Only now, when nobody reads from either any more: a close waits for its own answer.
            if not up.cancelled():
                await owner.close(code=up.result())
            code, reason = (RESTARTED, "moved") if down.cancelled() else down.result()
            await client.close(code=code, message=reason.encode())
        finally:
            await owner.close(code=MOVED_ON)
        return client


def _space_of(request: web.Request) -> str:
    """Empty: none that lives on one node."""
    if not request.path.startswith("/v1/"):
        return ""
    return request.match_info.get("space") or request.match_info.get("session", "").partition(".")[0]


async def _unless(moved: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """Raises RequestError(503) once another node has the Space: one that stands still would be waited for in vain."""
    working, gone = asyncio.create_task(work), asyncio.create_task(moved.wait())
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise unknown_owner()
        return working.result()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _pump_up(client: web.WebSocketResponse, owner: aiohttp.ClientWebSocketResponse) -> int:
    """Until the client is gone; what the owner is to be told of that."""
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        async for message in client:
            if message.type is WSMsgType.TEXT:
                await owner.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await owner.send_bytes(message.data)
    code = client.close_code
    return BROKEN if code in (None, 1006) else code or 1000


async def _pump_down(
    owner: aiohttp.ClientWebSocketResponse, client: web.WebSocketResponse, welcomed: Callable[[], None]
) -> tuple[int, str]:
    """Until the owner closes; what the client is to be told of that. `welcomed`: called when he has had his first answer."""
    reason = "moved"
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        for number in count():
            message = await owner.receive()
            if message.type is WSMsgType.TEXT:
                await client.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await client.send_bytes(message.data)
            else:
                break
            if number == 0:
                welcomed()
        if message.type is WSMsgType.CLOSE and message.extra:
            reason = str(message.extra)
    code = owner.close_code
    return (RESTARTED if code in (None, 1006) else code or 1000), reason
