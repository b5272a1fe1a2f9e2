"""Somebody who stays in a Space whatever happens, as the page does: socket and sound come back by themselves.

What the page does in a browser is here done over the light transport: a socket that breaks or falls silent is replaced at
the next node, sound that stops is asked for anew, and the old goes on until the new is there. Everything is written down.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import time
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import aiohttp

from spaces.demo.link import LinkError
from spaces.demo.publisher import play
from spaces.demo.speech import Speech
from spaces.demo.stream import OpusStream
from spaces.signaling.sdp import LEVEL_ID, OPUS
from tests.harness.accounts import Person
from tests.harness.api import Api
from tests.harness.channel import PageMedia

REPLY_SECONDS_MAX = 5.0
CONNECT_SECONDS_MAX = 8.0
SOCKET_SILENT_SECONDS = 0.7
SILENCE_IN_SPEECH_SECONDS = 1.0
SILENCE_SECONDS = 3.0
BACKOFF_SECONDS, BACKOFF_SECONDS_MAX = 0.5, 4.0
SETTLED_SECONDS = 10.0
WATCH_SECONDS = 0.05
GOODBYE_SECONDS_MAX = 0.1
COMES_BACK = 4100


@dataclass(slots=True)
class Diary:
    """What one client has seen: times are of `time.monotonic()`."""

    name: str
    packets: list[tuple[float, int, int]] = field(default_factory=list)
    """When one came, from which UDP port, of which SSRC."""
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    welcomes: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append((time.monotonic(), text))

    def heard_since(self, moment: float) -> int:
        return sum(at > moment for at, _, _ in reversed(self.packets[-200:]))

    def longest_gap(self, begin: float, end: float) -> tuple[float, float]:
        """The longest time without a packet between these, and when it began."""
        times = [begin, *(at for at, _, _ in self.packets if begin <= at <= end), end]
        return max((later - earlier, earlier) for earlier, later in pairwise(times))


def backoff(attempt: int) -> float:
    """The page's, in seconds."""
    return min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS * 2.0**attempt) * (0.4 + 0.6 * random.random())


class Presence:
    def __init__(
        self, apis: list[Api], space: str, by: Person, diary: Diary, *, first: int, speech: Speech | None = None
    ) -> None:
        """`first`: the node he reaches; then the next that answers, as through a balancer.

        `speech`: what he says on stage; without, he asks for the stage once.
        """
        self.diary = diary
        self._apis, self._node = apis, first
        self._space, self._by, self._speech = space, by, speech
        self._client = secrets.token_hex(4)
        self._current: PageMedia | None = None
        self._next: PageMedia | None = None
        self._heard_at = 0.0
        self._talking: asyncio.Task[None] | None = None
        self.renewed = False
        """The socket was given up for another one, at once."""

    async def run(self) -> None:
        """Until it is cancelled."""
        attempt = 0
        try:
            while True:
                opened, self.renewed = time.monotonic(), False
                try:
                    await _Life(self, self._apis[self._node]).run()
                except (aiohttp.ClientError, OSError, TimeoutError, LinkError, _GoneError) as error:
                    self.diary.note(f"node{self._node}: {type(error).__name__} {error}"[:160])
                self._node = (self._node + 1) % len(self._apis)
                attempt = 0 if self.renewed or time.monotonic() - opened > SETTLED_SECONDS else attempt
                if not self.renewed:
                    await asyncio.sleep(backoff(attempt))
                    attempt += 1
        finally:
            if self._talking is not None:
                self._talking.cancel()
            for media in (self._current, self._next):
                await self._close(media)

    async def _close(self, media: PageMedia | None) -> None:
        if media is not None:
            await media.close()

    def begin(self, session: str) -> PageMedia:
        media: PageMedia

        def on_rtp(data: bytes) -> None:
            self._heard_at = time.monotonic()
            path = media.link.ice.path
            port = 0 if path is None else path[1]
            self.diary.packets.append((self._heard_at, port, int.from_bytes(data[8:12], "big")))

        media = PageMedia(session, on_rtp)
        media.link.decrypt = False
        return media


class _GoneError(Exception):
    """The socket is of no more use."""


class _Life:
    """One socket, from hello until it is gone."""

    def __init__(self, presence: Presence, api: Api) -> None:
        self._of = presence
        self._api = api
        self._numbers = count(1)
        self._asked: dict[int, tuple[str, float]] = {}
        self._levels: dict[str, float] = {}
        self._spoken_at = time.monotonic()
        self._me = ""
        self._on_stage = False
        self._again_at: float | None = None
        self._doubted_at: float | None = None
        self._tries = 0
        self._connected_at = 0.0

    async def run(self) -> None:
        address = f"{self._api.url}/v1/spaces/{self._of._space}/socket"
        async with asyncio.timeout(REPLY_SECONDS_MAX):
            self._socket = await self._api.http.ws_connect(address)
        watching = asyncio.create_task(self._watch())
        try:
            await self._say("hello", v=1, client=self._of._client, token=self._of._by.token)
            await self._say("listen")
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                self._spoken_at = time.monotonic()
                await self._take(json.loads(message.data))
            raise _GoneError(f"closed with {self._socket.close_code}")
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._hang_up()
            await self._of._close(self._of._next)
            self._of._next = None

    async def _say(self, type: str, **fields: Any) -> None:
        number = next(self._numbers)
        self._asked[number] = (type, time.monotonic())
        await self._socket.send_str(json.dumps({"id": number, "type": type, **fields}))

    async def _take(self, message: dict[str, Any]) -> None:
        if (number := message.get("re")) is not None:
            asked, _ = self._asked.pop(number, ("", 0.0))
            if message["type"] == "error":
                self._of.diary.note(f"{asked} refused: {message['problem']['code']}")
                if asked == "hello":
                    raise _GoneError(message["problem"]["code"])
                if asked == "listen":
                    self._ask_later()
            elif asked == "hello":
                self._of.diary.welcomes.append((time.monotonic(), message))
                self._me = (message["you"].get("account") or {}).get("id", "")
                self._on_stage = message["you"]["role"] != "listener"
                if not self._on_stage and len(self._of.diary.welcomes) == 1:
                    await self._say("hand.raise")
            return
        if message["type"] == "speaking":
            self._levels = message["levels"]
            return
        self._of.diary.events.append((time.monotonic(), message))
        if message["type"] == "offer":
            await self._answer(message)
        elif message["type"] == "media":
            await self._media(message)

    async def _answer(self, offer: dict[str, Any]) -> None:
        of = self._of
        media = next((one for one in (of._current, of._next) if one and one.session == offer["session"]), None)
        fresh = media is None
        if media is None:
            await of._close(of._next)
            media = of._next = of.begin(offer["session"])
        text = media.answer(offer["sdp"])
        await self._say("answer", session=media.session, sdp=text)
        if fresh:
            self._connected_at = time.monotonic()
            media.connect(offer["sdp"])
        if media is of._current and self._on_stage:
            self._speak(media)

    async def _media(self, message: dict[str, Any]) -> None:
        of = self._of
        if message["state"] == "connected" and of._next is not None and of._next.session == message["session"]:
            old, of._current, of._next = of._current, of._next, None
            of._heard_at = time.monotonic()
            if self._on_stage:
                self._speak(of._current)
            await of._close(old)
        elif message["state"] == "lost" and of._current is not None and of._current.session == message["session"]:
            old, of._current = of._current, None
            await of._close(old)
            self._ask_later()

    def _speak(self, media: PageMedia) -> None:
        of = self._of
        if of._speech is None:
            return
        if of._talking is not None:
            of._talking.cancel()
        stream = OpusStream(
            payload_type=OPUS, level_extension_id=LEVEL_ID, ssrc=secrets.randbits(32), cname=secrets.token_hex(8)
        )
        of._talking = asyncio.create_task(_talk(media, stream, of._speech))

    def _ask_later(self) -> None:
        if self._again_at is None:
            self._again_at = time.monotonic() + (0.0 if self._tries == 0 else backoff(self._tries - 1))
            self._tries += 1

    async def _watch(self) -> None:
        """Silence of the sound, and of the socket."""
        of = self._of
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = time.monotonic()
            if any(now - at > REPLY_SECONDS_MAX for _, at in self._asked.values()):
                return await self._abandon("no reply")
            if of._next is not None and now - self._connected_at > CONNECT_SECONDS_MAX:
                old, of._next = of._next, None
                await of._close(old)
                self._ask_later()
            if of._current is not None and (of._current.link.closed.is_set() or self._is_silent(now)):
                of.diary.note(f"sound gone for {now - of._heard_at:.1f} s, socket for {now - self._spoken_at:.1f} s")
                old, of._current = of._current, None
                await of._close(old)
                if of._next is None:
                    if now - self._spoken_at > SOCKET_SILENT_SECONDS:
                        return await self._abandon("silent")
                    self._doubted_at = now
                    self._ask_later()
            if self._doubted_at is not None and now - self._doubted_at > SOCKET_SILENT_SECONDS:
                if self._spoken_at < self._doubted_at:
                    return await self._abandon("silent since it was doubted")
                self._doubted_at = None
            if self._again_at is not None and now >= self._again_at and of._next is None:
                self._again_at = None
                with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                    await self._say("listen")

    def _is_silent(self, now: float) -> bool:
        if any(account != self._me for account in self._levels):
            return now - self._of._heard_at > SILENCE_IN_SPEECH_SECONDS
        return not self._on_stage and now - self._of._heard_at > SILENCE_SECONDS

    async def _abandon(self, why: str) -> None:
        self._of.diary.note(f"socket abandoned: {why}")
        self._of.renewed = True
        await self._hang_up()

    async def _hang_up(self) -> None:
        """It does not wait for somebody who may be gone."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(GOODBYE_SECONDS_MAX):
                await self._socket.close(code=COMES_BACK)


async def _talk(media: PageMedia, stream: OpusStream, speech: Speech) -> None:
    numbers = count(secrets.randbelow(len(speech.packets)))

    def next_packet() -> tuple[bytes, int]:
        at = next(numbers) % len(speech.packets)
        return speech.packets[at], speech.levels[at]

    with contextlib.suppress(LinkError):
        await play(media.link, stream, next_packet)
