"""Many light listeners in a process of their own, told what to do by lines of JSON (benchmarks/beside.py).

    python -m benchmarks.listeners URL SPACE COUNT DECODING

The first DECODING of them decrypt and decode; the others only count datagrams, so that the clients stay cheap.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import aiohttp
import numpy as np
import uvloop

from benchmarks.beside import obey
from spaces.demo.speech import SPEECH_FILE
from tests.harness.api import Api
from tests.harness.client import RtcClient, decode
from tests.harness.measure import correlations
from tests.harness.opus import decode_file

IPV4 = 4
SIZES_MAX = 100_000


class Listener(RtcClient):
    """Also knows when his first media came, and how long his datagrams were. Times are time.monotonic's."""

    def __init__(self, api: Api, *, decrypt: bool) -> None:
        super().__init__(api, decrypt=decrypt)
        self.began = 0.0
        self.first_media: float | None = None
        self.sizes: list[int] = []
        self._heard = asyncio.Event()

    @property
    def port(self) -> int:
        """His own, which the server sends to."""
        port: int = self.link.ice._sockets[IPV4].get_extra_info("sockname")[1]
        return port

    async def until_heard(self, timeout_seconds: float) -> None:
        async with asyncio.timeout(timeout_seconds):
            await self._heard.wait()

    def _on_rtp(self, data: bytes) -> None:
        super()._on_rtp(data)
        if self.first_media is None:
            self.first_media = time.monotonic()
            self._heard.set()
        if len(self.sizes) < SIZES_MAX:
            self.sizes.append(len(data))


class Crowd:
    def __init__(self, api: Api, space: str, count: int, decoding: int) -> None:
        self._path = f"/v1/spaces/{space}/whep"
        self._clients = [Listener(api, decrypt=number < decoding) for number in range(count)]
        self._decoding = decoding
        self._joined = 0

    async def join(self, count: int, at_once: int, heard_within: float = 0.0) -> dict[str, Any]:
        """That many more; `heard_within` > 0: each is waited for until his first media.

        Seconds from the request to the first media (or, without waiting for it, to the end of DTLS).
        """
        turn = asyncio.Semaphore(at_once)
        seconds: list[float] = []

        async def one(number: int, client: Listener) -> None:
            async with turn:
                client.began = time.monotonic()
                await client.connect(f"{self._path}?client=c{number}", "recvonly")
                connected = time.monotonic()
            if heard_within:
                await client.until_heard(heard_within)
            seconds.append(
                (client.first_media or connected) - client.began if heard_within else connected - client.began
            )

        new = list(enumerate(self._clients))[self._joined : self._joined + count]
        self._joined += count
        began, cpu = time.monotonic(), time.process_time()
        results = await asyncio.gather(*(one(n, c) for n, c in new), return_exceptions=True)
        refused = [repr(result) for result in results if isinstance(result, BaseException)]
        return {
            "joined": len(seconds),
            "refused": refused[:3],
            "seconds": seconds,
            "took_seconds": time.monotonic() - began,
            "cpu_seconds": time.process_time() - cpu,
        }

    async def count(self) -> dict[str, Any]:
        now = asyncio.get_running_loop().time()
        clients = self._clients[: self._joined]
        return {
            "datagrams": [client.datagrams for client in clients],
            "silent_seconds": [now - (client.last_arrival or 0.0) for client in clients],
            "closed": sum(client.link.closed.is_set() for client in clients),
            "cpu_seconds": time.process_time(),
        }

    async def ports(self) -> dict[str, Any]:
        return {"ports": [client.port for client in self._clients[: self._joined]]}

    async def sizes(self) -> dict[str, Any]:
        """Bytes of the media datagrams that one who does not decode has had since this was last asked."""
        client = self._clients[self._decoding]
        sizes, client.sizes = client.sizes, []
        return {"sizes": sizes}

    async def sound(self) -> dict[str, Any]:
        """Median correlation with the recording, of the last eight seconds, over those who decode."""
        original = decode_file(str(SPEECH_FILE))
        found = [correlations(decode(client.packets[-400:]), original) for client in self._clients[: self._decoding]]
        return {"correlation": [float(np.median(one)) if len(one) else 0.0 for one in found]}

    async def leave(self) -> dict[str, Any]:
        await asyncio.gather(*(client.leave() for client in self._clients), return_exceptions=True)
        return {}


async def main(url: str, space: str, count: int, decoding: int) -> None:
    # A storm is a storm: aiohttp would hold back all but a hundred requests.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        crowd = Crowd(Api(http, url), space, count, decoding)
        await obey(lambda name: getattr(crowd, name))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
