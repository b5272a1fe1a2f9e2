"""Many light listeners in a process of their own, driven by lines of JSON: stdin {"do": …}, stdout one answer each.

    python -m benchmarks.listeners URL SPACE COUNT DECODING

The first DECODING of them decrypt and decode; the others only count datagrams, so that the clients stay cheap.
Commands: join, count, sound, leave.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp
import numpy as np
import uvloop

from spaces.demo.speech import SPEECH_FILE
from tests.harness.api import Api
from tests.harness.client import RtcClient, decode
from tests.harness.measure import correlations
from tests.harness.opus import decode_file

JOINING_AT_ONCE = 8


class Crowd:
    def __init__(self, api: Api, space: str, count: int, decoding: int) -> None:
        self._path = f"/v1/spaces/{space}/whep"
        self._clients = [RtcClient(api, decrypt=number < decoding) for number in range(count)]
        self._decoding = decoding

    async def join(self) -> dict[str, Any]:
        turn = asyncio.Semaphore(JOINING_AT_ONCE)
        seconds: list[float] = []

        async def one(number: int, client: RtcClient) -> None:
            async with turn:
                start = time.monotonic()
                await client.connect(f"{self._path}?client=c{number}", "recvonly")
                seconds.append(time.monotonic() - start)

        results = await asyncio.gather(*(one(n, c) for n, c in enumerate(self._clients)), return_exceptions=True)
        refused = [str(result) for result in results if isinstance(result, BaseException)]
        return {"joined": len(seconds), "refused": refused[:3], "seconds": seconds}

    async def count(self) -> dict[str, Any]:
        now = asyncio.get_running_loop().time()
        return {
            "datagrams": [client.datagrams for client in self._clients],
            "silent_seconds": [now - (client.last_arrival or 0.0) for client in self._clients],
            "closed": sum(client.link.closed.is_set() for client in self._clients),
            "cpu_seconds": time.process_time(),
        }

    async def sound(self) -> dict[str, Any]:
        """Median correlation with the recording, of the last eight seconds, over those who decode."""
        original = decode_file(str(SPEECH_FILE))
        found = [correlations(decode(client.packets[-400:]), original) for client in self._clients[: self._decoding]]
        return {"correlation": [float(np.median(one)) if len(one) else 0.0 for one in found]}

    async def leave(self) -> dict[str, Any]:
        await asyncio.gather(*(client.leave() for client in self._clients), return_exceptions=True)
        return {}


async def obey(url: str, space: str, count: int, decoding: int) -> None:
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    async with aiohttp.ClientSession() as http:
        crowd = Crowd(Api(http, url), space, count, decoding)
        while line := await commands.readline():
            name = json.loads(line)["do"]
            print(json.dumps(await getattr(crowd, name)()), flush=True)


if __name__ == "__main__":
    uvloop.run(obey(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
