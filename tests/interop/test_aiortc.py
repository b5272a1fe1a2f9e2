"""aiortc's own RTCPeerConnection as an independent client: full ICE, its own jitter buffer, its own codec."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import av
import numpy as np
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from tests.harness.accounts import Person
from tests.harness.api import Api
from tests.harness.client import listening, speaking
from tests.harness.eventually import until
from tests.harness.opus import FRAME, RATE, Samples
from tests.harness.patience import Levels, until_levels
from tests.harness.server import serving
from tests.harness.signals import packed, tone

HERTZ, SILENT_HERTZ = 1000, 1700


class Tone(AudioStreamTrack):
    """A sine in real time."""

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._sound = (tone(hertz, 1.0) * 32767).astype(np.int16)
        self._sent = 0
        self._began: float | None = None

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = loop.time() if self._began is None else self._began
        await asyncio.sleep(self._began + self._sent * 0.02 - loop.time())
        at = self._sent * FRAME % len(self._sound)
        frame = av.AudioFrame.from_ndarray(self._sound[None, at : at + FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent * FRAME, fractions.Fraction(1, RATE)
        self._sent += 1
        return frame


class Ear:
    """Decodes everything of a remote track."""

    def __init__(self) -> None:
        self.blocks: list[Samples] = []
        self._task: asyncio.Task[None] | None = None

    def attach(self, track: MediaStreamTrack) -> None:
        self._task = asyncio.create_task(self._pull(track))

    async def _pull(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):  # the connection was closed
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                interleaved = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
                self.blocks.append(interleaved.astype(np.float32).mean(axis=1) / np.float32(32768))

    async def heard(self, seconds: float, /) -> Samples:
        """What so long a part of the track decodes to, from now on."""
        first = len(self.blocks)
        await until(lambda: sum(map(len, self.blocks[first:])) >= seconds * RATE)
        return np.concatenate(self.blocks[first:])

    async def stop(self) -> None:
        if self._task is not None:
            await self._task


def clear(levels: Levels) -> bool:
    """The tone is heard, and nothing else."""
    tone, other = levels
    return bool(tone > -20 and tone - other > 40)


async def exchange(api: Api, connection: RTCPeerConnection, path: str, by: Person | None) -> str:
    """Offer by HTTP, take the answer; the session's path."""
    await connection.setLocalDescription(await connection.createOffer())
    reply = await api.offer(path, connection.localDescription.sdp, by=by)
    assert reply.status == 201, reply
    await connection.setRemoteDescription(RTCSessionDescription(reply.body, "answer"))
    return reply.headers["Location"]


@contextlib.asynccontextmanager
async def peer() -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield connection
    finally:
        await connection.close()


async def test_aiortc_speaks_over_whip(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with peer() as connection, listening(api, space) as listener:
        connection.addTrack(Tone(HERTZ))
        session = await exchange(api, connection, f"/v1/spaces/{space}/whip", host)
        await until_levels(listener, [HERTZ, SILENT_HERTZ], clear)
        left = await api.request("DELETE", urljoin(api.url, session), by=host)
        assert left.status in (200, 204)


async def test_aiortc_listens_over_whep(api: Api, handle: str) -> None:
    await assert_heard(api, handle)


async def test_aiortc_listens_to_packets_of_40_milliseconds(tmp_path: Path) -> None:
    """Chromium listens to those of 60: browser/test_listening.py."""
    with serving(tmp_path, settings={"audience_packet_milliseconds": 40}) as server:
        async with aiohttp.ClientSession() as http:
            await assert_heard(Api(http, server.url), "ada")


async def assert_heard(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    ear = Ear()
    async with speaking(api, space, packed(tone(HERTZ, 1.0)), by=host), peer() as connection:
        connection.on("track", ear.attach)
        connection.addTransceiver("audio", direction="recvonly")
        await exchange(api, connection, f"/v1/spaces/{space}/whep", None)
        await until_levels(ear, [HERTZ, SILENT_HERTZ], clear)
    await ear.stop()
