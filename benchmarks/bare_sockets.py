"""The floor of `events`, in a process of its own: an aiohttp server that only reads, answers and sends on the same bytes.

    python -m benchmarks.bare_sockets

It prints its port. To a message it answers with `reply`; to one that begins with TO_ALL it answers and sends `event` to all; of
the others it sends `sums` to all, five times a second at most. All three are what the first message told it.
"""

from __future__ import annotations

import asyncio
import json

import uvloop
from aiohttp import WSMsgType, web

from spaces.signaling.connections import raise_descriptor_limit

TO_ALL = "all"
SUMS_SECONDS = 0.2


async def main() -> None:
    raise_descriptor_limit()
    sockets: set[web.WebSocketResponse] = set()
    said = {"reply": "", "event": "", "sums": ""}
    tapped = asyncio.Event()

    async def to_all(text: str) -> None:
        for one in list(sockets):
            await one.send_str(text)

    async def tell_sums() -> None:
        while True:
            await tapped.wait()
            tapped.clear()
            await to_all(said["sums"])
            await asyncio.sleep(SUMS_SECONDS)

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, heartbeat=25.0)
        await socket.prepare(request)
        sockets.add(socket)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                if message.data.startswith('{"reply'):
                    said.update(json.loads(message.data))
                await socket.send_str(said["reply"])
                if message.data.startswith(TO_ALL):
                    await to_all(said["event"])
                elif message.data.startswith('{"id'):
                    tapped.set()
        finally:
            sockets.discard(socket)
        return socket

    app = web.Application()
    app.router.add_get("/socket", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1_024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await tell_sums()


if __name__ == "__main__":
    uvloop.run(main())
