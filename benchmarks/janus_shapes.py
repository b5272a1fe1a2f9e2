"""Janus's three ways of doing this job, as scenes see them.

AudioBridge mixes and encodes for every participant. A Streaming mountpoint that an AudioBridge room is forwarded to sends
one encoding to everybody. VideoRoom forwards what every speaker sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from benchmarks.janus import Handle, JanusApi
from benchmarks.scenes import Listening, Room, Speaking
from spaces.demo.link import Link
from spaces.demo.offer import Answer, Direction, offer, read_answer
from spaces.demo.stream import OpusStream
from tests.harness.answer import answer
from tests.harness.ports import free_udp_port

OPUS_PAYLOAD_TYPE = 111
PUBLISHED_SECONDS_MAX = 5.0
BITRATE = 40_000
"""As our audience's."""

_numbers = itertools.count(1)


class AudioBridge:
    """One encoding per participant. `prebuffer` is how many packets it waits for before it decodes a speaker."""

    def __init__(self, api: JanusApi, *, prebuffer: int = 6, expected_loss_percent: int = 0) -> None:
        self.api = api
        self._prebuffer = prebuffer
        self._expected_loss_percent = expected_loss_percent

    @contextlib.asynccontextmanager
    async def room(self, name: str) -> AsyncIterator[Room]:
        number, handle = await self._create()
        try:
            yield _BridgeRoom(self.api, number)
        finally:
            await handle.ask("destroy", room=number)
            await handle.detach()

    def known_room(self, reference: str) -> Room:
        return _BridgeRoom(self.api, int(reference))

    async def _create(self) -> tuple[int, Handle]:
        handle, number = await self.api.attach("audiobridge"), next(_numbers)
        await handle.ask(
            "create",
            room=number,
            sampling_rate=48_000,
            default_prebuffering=self._prebuffer,
            default_expectedloss=self._expected_loss_percent,
            default_bitrate=BITRATE,
        )
        return number, handle


class Mountpoint(AudioBridge):
    """One encoding for all: the room is forwarded, as plain RTP on loopback, into a mountpoint of the same number."""

    @contextlib.asynccontextmanager
    async def room(self, name: str) -> AsyncIterator[Room]:
        number, bridge = await self._create()
        streaming, port = await self.api.attach("streaming"), free_udp_port()
        media = {"type": "audio", "mid": "0", "port": port, "pt": OPUS_PAYLOAD_TYPE, "codec": "opus"}
        await streaming.ask("create", type="rtp", id=number, media=[media])
        await bridge.ask("rtp_forward", room=number, host="127.0.0.1", port=port, ptype=OPUS_PAYLOAD_TYPE, codec="opus")
        try:
            yield _MountpointRoom(self.api, number)
        finally:
            await bridge.ask("destroy", room=number)
            await streaming.ask("destroy", id=number)
            await bridge.detach()
            await streaming.detach()

    def known_room(self, reference: str) -> Room:
        return _MountpointRoom(self.api, int(reference))


class VideoRoom:
    """A selective forwarding unit: a listener gets as many streams as there are speakers."""

    def __init__(self, api: JanusApi) -> None:
        self.api = api

    @contextlib.asynccontextmanager
    async def room(self, name: str) -> AsyncIterator[Room]:
        handle, number = await self.api.attach("videoroom"), next(_numbers)
        await handle.ask("create", room=number, publishers=20, audiocodec="opus", opus_fec=True)
        try:
            yield _VideoRoom(self.api, number)
        finally:
            await handle.ask("destroy", room=number)
            await handle.detach()

    def known_room(self, reference: str) -> Room:
        return _VideoRoom(self.api, int(reference))


class _Offering:
    """A client that offers, as RtcClient does to our server."""

    def __init__(self, on_rtp: Callable[[bytes], None], *, decrypt: bool = True) -> None:
        self.link = Link(on_rtp=on_rtp, on_rtcp=_ignore, decrypt=decrypt)
        self.ssrc, self.cname = secrets.randbits(32), secrets.token_hex(8)
        self.answer: Answer

    def sdp(self, direction: Direction) -> str:
        return offer(
            direction,
            ufrag=self.link.ice.ufrag,
            pwd=self.link.ice.pwd,
            fingerprint=self.link.fingerprint,
            ssrc=self.ssrc,
            cname=self.cname,
            opus_payload_type=OPUS_PAYLOAD_TYPE,
        )

    async def connect(self, sdp: str) -> None:
        self.answer = read_answer(sdp)
        await self.link.connect(self.answer)

    def stream(self) -> OpusStream:
        return OpusStream(
            payload_type=self.answer.opus_payload_type,
            level_extension_id=self.answer.level_extension_id,
            ssrc=self.ssrc,
            cname=self.cname,
        )


class _BridgeRoom:
    def __init__(self, api: JanusApi, number: int) -> None:
        self.reference = str(number)
        self.number = number
        self.api = api

    @contextlib.asynccontextmanager
    async def speaker(self, number: int, *, red: bool = False) -> AsyncIterator[Speaking]:
        async with self._participant("sendonly", _ignore, muted=False) as client:
            yield Speaking(client.link, client.stream(), None)

    @contextlib.asynccontextmanager
    async def listener(
        self, number: int, on_rtp: Callable[[bytes], None], *, decrypt: bool = True
    ) -> AsyncIterator[Listening]:
        async with self._participant("recvonly", on_rtp, muted=True, decrypt=decrypt) as client:
            yield Listening(client.link, None)

    @contextlib.asynccontextmanager
    async def _participant(
        self, direction: Direction, on_rtp: Callable[[bytes], None], *, muted: bool, decrypt: bool = True
    ) -> AsyncIterator[_Offering]:
        handle, client = await self.api.attach("audiobridge"), _Offering(on_rtp, decrypt=decrypt)
        try:
            joined = await handle.ask("join", room=self.number, muted=muted, sdp=client.sdp(direction))
            await client.connect(joined["sdp"])
            yield client
        finally:
            await client.link.close()
            await handle.detach()


class _Answering:
    """A listener to whom the server offers.

    He lets Janus begin the handshake: it drops what comes before it is ready, and our client's first flight would be
    repeated only after OpenSSL's second, where a browser's is after 50 ms.
    """

    def __init__(self, on_rtp: Callable[[bytes], None], *, decrypt: bool) -> None:
        self.link = Link(on_rtp=on_rtp, on_rtcp=_ignore, decrypt=decrypt)

    async def connect(self, handle: Handle, sdp: str, **body: Any) -> None:
        text, _ = answer(sdp, self.link, setup="passive")
        await handle.ask("start", sdp=text, kind="answer", **body)
        await self.link.connect(replace(read_answer(sdp), setup="active"))


class _MountpointRoom(_BridgeRoom):
    @contextlib.asynccontextmanager
    async def listener(
        self, number: int, on_rtp: Callable[[bytes], None], *, decrypt: bool = True
    ) -> AsyncIterator[Listening]:
        handle, client = await self.api.attach("streaming"), _Answering(on_rtp, decrypt=decrypt)
        try:
            watching = await handle.ask("watch", id=self.number)
            await client.connect(handle, watching["sdp"])
            yield Listening(client.link, None)
        finally:
            await client.link.close()
            await handle.detach()


class _VideoRoom:
    def __init__(self, api: JanusApi, number: int) -> None:
        self.reference = str(number)
        self.number = number
        self.api = api

    @contextlib.asynccontextmanager
    async def speaker(self, number: int, *, red: bool = False) -> AsyncIterator[Speaking]:
        handle, client = await self.api.attach("videoroom"), _Offering(_ignore)
        try:
            joined = await handle.ask(
                "joinandconfigure", ptype="publisher", room=self.number, sdp=client.sdp("sendonly")
            )
            await client.connect(joined["sdp"])
            async with asyncio.timeout(PUBLISHED_SECONDS_MAX):
                while joined["id"] not in await self._feeds(handle):  # noqa: ASYNC110 - Janus tells it to others alone
                    await asyncio.sleep(0.02)
            yield Speaking(client.link, client.stream(), None)
        finally:
            await client.link.close()
            await handle.detach()

    async def _feeds(self, handle: Handle) -> list[int]:
        """Who publishes; Janus takes its time after the handshake until somebody counts as that."""
        present = (await handle.ask("listparticipants", room=self.number))["participants"]
        return [one["id"] for one in present if one["publisher"]]

    @contextlib.asynccontextmanager
    async def listener(
        self, number: int, on_rtp: Callable[[bytes], None], *, decrypt: bool = True
    ) -> AsyncIterator[Listening]:
        handle, client = await self.api.attach("videoroom"), _Answering(on_rtp, decrypt=decrypt)
        try:
            feeds = [{"feed": feed} for feed in await self._feeds(handle)]
            joined = await handle.ask("join", ptype="subscriber", room=self.number, streams=feeds)
            await client.connect(handle, joined["sdp"])
            yield Listening(client.link, None)
        finally:
            await client.link.close()
            await handle.detach()


def _ignore(packet: bytes) -> None:
    """Reports of the other side change nothing about packets encoded beforehand."""
