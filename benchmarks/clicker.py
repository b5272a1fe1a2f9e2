"""A speaker of clicks in a process of its own, exact to a fraction of a millisecond (benchmarks/beside.py).

    python -m benchmarks.clicker URL SPACE HANDLE

Told: speak(seed, clicks, phase): publish the track of that seed, its frames ending at times that are `phase` more than a
multiple of 20 ms on the monotonic clock.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from typing import Any

import aiohttp

from benchmarks.beside import obey
from benchmarks.clicks import FRAME_SECONDS, track
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import RtcClient

SETTLING_SECONDS = 0.3
BLOCKING_SECONDS = 0.002
"""The last stretch before a packet is due is slept without the event loop, whose timers are coarse."""
LEVEL = 30
"""−dBov, in every packet: who speaks is of no interest here."""


class Clicker:
    def __init__(self, api: Api, space: str, handle: str) -> None:
        self._api, self._path, self._by = api, f"/v1/spaces/{space}/whip", person(handle)

    async def speak(self, seed: int, clicks: int, phase: float) -> dict[str, Any]:
        """When the mouth began, and when each packet was handed to the kernel: time.monotonic."""
        sound = track(seed, clicks)
        client = RtcClient(self._api)
        try:
            await client.connect(self._path, "sendonly", by=self._by)
            stream = client.stream()
            begin = (math.ceil((time.monotonic() + SETTLING_SECONDS) / FRAME_SECONDS)) * FRAME_SECONDS + phase
            sent = []
            for number, payload in enumerate(sound.packets):
                due = begin + (number + 1) * FRAME_SECONDS
                await asyncio.sleep(max(0.0, due - time.monotonic() - BLOCKING_SECONDS))
                time.sleep(max(0.0, due - time.monotonic()))  # noqa: ASYNC251
                sent.append(time.monotonic())
                client.link.send_rtp(stream.packet(payload, LEVEL, marker=number == 0))
            await asyncio.sleep(SETTLING_SECONDS)
            await client.leave()
        finally:
            await client.close()
        return {"start": begin, "sent": sent}


async def main(url: str, space: str, handle: str) -> None:
    async with aiohttp.ClientSession() as http:
        clicker = Clicker(Api(http, url), space, handle)
        await obey(lambda name: getattr(clicker, name))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
