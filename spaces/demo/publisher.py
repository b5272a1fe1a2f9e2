"""A speaker made of recorded Opus packets: offers over WHIP (RFC 9725), sends at their own pace, comes back."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urljoin

import aiohttp

from spaces.demo.link import Link, LinkError
from spaces.demo.offer import offer, read_answer
from spaces.demo.speech import Speech
from spaces.demo.stream import OpusStream

PACKET_SECONDS = 0.02
REPORT_INTERVAL_SECONDS = 3.0
CATCH_UP_PACKETS_MAX = 10
"""More than this behind (a suspended machine): skip the time instead of sending a burst."""
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 0.5, 10.0

logger = logging.getLogger(__name__)


class Outgoing(Protocol):
    """Where packets go: a Link, or what stands before one."""

    closed: asyncio.Event

    def send_rtp(self, packet: bytes) -> None: ...
    def send_rtcp(self, packet: bytes) -> None: ...


class WhipError(ConnectionError):
    """The server did not answer the offer with 201."""


class Publisher:
    """Plays `speech` in a loop into one WHIP endpoint until cancelled; reconnects when the link drops."""

    def __init__(self, http: aiohttp.ClientSession, whip_url: str, token: str, speech: Speech) -> None:
        self._http = http
        self._whip_url = whip_url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._speech = speech
        self._position = 0
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        backoff = BACKOFF_SECONDS_MIN
        while True:
            try:
                await self._publish_once()
            except (ConnectionError, aiohttp.ClientError, TimeoutError) as error:
                logger.warning("the host's link is down: %s; again in %.1f s", error, backoff)
            if self.connected.is_set():
                backoff = BACKOFF_SECONDS_MIN
            self.connected.clear()
            await asyncio.sleep(backoff)
            backoff = min(BACKOFF_SECONDS_MAX, 2 * backoff)

    async def _publish_once(self) -> None:
        """One session, from offer to loss. Raises ConnectionError (LinkError, WhipError, AnswerError)."""
        link = Link(on_rtp=_ignore, on_rtcp=_ignore)
        ssrc, cname = secrets.randbits(32), secrets.token_hex(8)
        sdp = offer(
            "sendonly", ufrag=link.ice.ufrag, pwd=link.ice.pwd, fingerprint=link.fingerprint, ssrc=ssrc, cname=cname
        )
        text, session_url = await self._exchange(sdp)
        try:
            answer = read_answer(text)
            await link.connect(answer)
            self.connected.set()
            stream = OpusStream(
                payload_type=answer.opus_payload_type,
                level_extension_id=answer.level_extension_id,
                ssrc=ssrc,
                cname=cname,
            )
            await play(link, stream, self._next_packet)
        finally:
            await link.close()
            await self._leave(session_url)

    async def _exchange(self, sdp: str) -> tuple[str, str]:
        headers = {**self._headers, "Content-Type": "application/sdp"}
        async with self._http.post(self._whip_url, data=sdp.encode(), headers=headers) as response:
            text = await response.text()
            if response.status != 201:
                raise WhipError(f"{response.status} {text[:200]}")
            return text, urljoin(self._whip_url, response.headers["Location"])

    async def _leave(self, session_url: str) -> None:
        try:
            async with self._http.delete(session_url, headers=self._headers, timeout=aiohttp.ClientTimeout(2)):
                pass
        except (aiohttp.ClientError, TimeoutError):
            logger.debug("the server was gone before we could leave")

    def _next_packet(self) -> tuple[bytes, int]:
        position = self._position
        self._position = (position + 1) % len(self._speech.packets)
        return self._speech.packets[position], self._speech.levels[position]


async def play(link: Outgoing, stream: OpusStream, next_packet: Callable[[], tuple[bytes, int]]) -> None:
    """Send one (payload, level) per 20 ms until the link ends, which raises LinkError.

    Every packet has its due time, counted from the first: sleeping late never adds up.
    """
    loop = asyncio.get_running_loop()
    start, sent, next_report = loop.time(), 0, 0.0
    while True:
        behind = loop.time() - (start + sent * PACKET_SECONDS)
        if behind < 0:
            await asyncio.sleep(-behind)
            continue
        if link.closed.is_set():
            raise LinkError("the server ended the session")
        if behind > CATCH_UP_PACKETS_MAX * PACKET_SECONDS:
            missed = int(behind / PACKET_SECONDS)
            stream.skip(missed)
            sent += missed
        payload, level = next_packet()
        link.send_rtp(stream.packet(payload, level, marker=sent == 0))
        sent += 1
        if loop.time() >= next_report:
            link.send_rtcp(stream.report(time.time()))
            next_report = loop.time() + REPORT_INTERVAL_SECONDS


def _ignore(packet: bytes) -> None:
    """A publisher hears nothing; receiver reports would only change an encoder's settings."""
