"""The socket of a Space, and the media that is negotiated on it, as a page uses them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from spaces.demo.link import Link
from spaces.demo.offer import read_answer
from tests.harness.accounts import Person
from tests.harness.answer import answer
from tests.harness.api import Api
from tests.harness.eventually import PATIENCE_SECONDS


class Channel:
    """One socket. Events that nobody has asked for yet wait in `events`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self.patience_seconds = PATIENCE_SECONDS
        self._numbers = itertools.count(1)

    async def read(self) -> dict[str, Any] | None:
        """The next message; None: closed, for the reason in `close_code`."""
        async with asyncio.timeout(self.patience_seconds):
            message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            self.close_code = self.socket.close_code
            return None
        parsed: dict[str, Any] = json.loads(message.data)
        return parsed

    async def request(self, type: str, **fields: Any) -> dict[str, Any]:
        """Send, and read until the reply."""
        number = next(self._numbers)
        await self.socket.send_str(json.dumps({"id": number, "type": type, **fields}))
        while (message := await self.read()) is not None:
            if message.get("re") == number:
                return message
            self.events.append(message)
        raise AssertionError(f"closed with {self.close_code} before a reply to {type}")

    async def ok(self, type: str, **fields: Any) -> dict[str, Any]:
        reply = await self.request(type, **fields)
        assert reply["type"] == "ok", reply
        return reply

    async def refused(self, type: str, **fields: Any) -> tuple[int, str]:
        reply = await self.request(type, **fields)
        assert reply["type"] == "error", reply
        return reply["problem"]["status"], reply["problem"]["code"]

    async def event(self, type: str, **wanted: Any) -> dict[str, Any]:
        """The next event of this type (with these values); those before it are dropped."""
        while True:
            message = self.events.pop(0) if self.events else await self.read()
            assert message is not None, f"closed with {self.close_code} while waiting for {type}"
            if message["type"] == type and wanted.items() <= message.items():
                return message

    async def drain(self, seconds: float) -> None:
        """Read and forget what comes meanwhile: a socket that nobody reads is cut."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self.socket.receive()

    async def until_closed(self) -> int | None:
        while (message := await self.read()) is not None:
            self.events.append(message)
        return self.close_code


@contextlib.asynccontextmanager
async def socket(api: Api, space: str, **options: Any) -> AsyncIterator[Channel]:
    """A socket that has not said hello yet."""
    async with api.http.ws_connect(f"{api.url}/v1/spaces/{space}/socket", **options) as connected:
        yield Channel(connected)


@contextlib.asynccontextmanager
async def entered(
    api: Api, space: str, by: Person | None = None, *, client: str = "default", cursor: int | None = None
) -> AsyncIterator[tuple[Channel, dict[str, Any]]]:
    """A socket that has been let in, and the reply to its hello."""
    async with socket(api, space) as channel:
        yield channel, await hello(channel, by, client=client, cursor=cursor)


async def hello(
    channel: Channel, by: Person | None = None, *, client: str = "default", cursor: int | None = None
) -> dict[str, Any]:
    fields: dict[str, Any] = {"client": client}
    if by is not None:
        fields["token"] = by.token
    if cursor is not None:
        fields["cursor"] = cursor
    return await channel.ok("hello", v=1, **fields)


class PageMedia:
    """One media session as the page has it: the server offers, we answer; counts what arrives by SSRC."""

    def __init__(self, session: str, on_rtp: Callable[[bytes], None] | None = None) -> None:
        self.session = session
        self.heard: dict[int, int] = {}
        """Packets by SSRC."""
        self.directions: dict[str, str] = {}
        """Of the newest offer, by mid, as the server sees them."""
        self.sources: dict[str, int] = {}
        """Announced SSRCs by mid."""
        self.link = Link(on_rtp=on_rtp or self._on_rtp, on_rtcp=lambda data: None)
        self.connecting: asyncio.Task[None] | None = None

    def answer(self, offer: str) -> str:
        """Read an offer and answer it whole."""
        text, sections = answer(offer, self.link)
        self.directions |= {section.mid: section.direction for section in sections}
        self.sources |= {section.mid: section.source for section in sections if section.source is not None}
        return text

    def connect(self, offer: str) -> None:
        self.connecting = asyncio.create_task(self.link.connect(read_answer(offer)))

    async def close(self) -> None:
        if self.connecting is not None:
            self.connecting.cancel()
            await asyncio.gather(self.connecting, return_exceptions=True)
        await self.link.close()

    def _on_rtp(self, data: bytes) -> None:
        ssrc = int.from_bytes(data[8:12], "big")
        self.heard[ssrc] = self.heard.get(ssrc, 0) + 1


@contextlib.asynccontextmanager
async def hearing(channel: Channel, on_rtp: Callable[[bytes], None] | None = None) -> AsyncIterator[PageMedia]:
    """`listen`, and media that is connected."""
    media = await offered(channel, on_rtp)
    try:
        await channel.event("media", session=media.session, state="connected")
        yield media
    finally:
        await media.close()


async def offered(channel: Channel, on_rtp: Callable[[bytes], None] | None = None) -> PageMedia:
    """`listen`, the offer answered, the transport being set up."""
    await channel.ok("listen")
    offer = await channel.event("offer")
    media = PageMedia(offer["session"], on_rtp)
    answer = media.answer(offer["sdp"])
    await channel.ok("answer", session=media.session, sdp=answer)
    media.connect(offer["sdp"])
    return media


async def renegotiate(channel: Channel, media: PageMedia) -> None:
    """Take the offer that comes for a session that is there already."""
    offer = await channel.event("offer", session=media.session)
    await channel.ok("answer", session=media.session, sdp=media.answer(offer["sdp"]))
