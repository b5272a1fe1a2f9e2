"""Many light sockets in a process of their own, told what to do by lines of JSON (benchmarks/beside.py).

    python -m benchmarks.socket_crowd HOST PORT PATH

The first socket is the one that asks for things.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import uvloop

from benchmarks.beside import obey
from benchmarks.light_socket import LightSocket
from spaces.signaling.connections import raise_descriptor_limit

PATIENCE_SECONDS = 20.0


class Crowd:
    def __init__(self, host: str, port: int, path: str) -> None:
        self._host, self._port, self._path = host, port, path
        self._sockets: list[LightSocket] = []
        self._replies = 0
        self._last: dict[bytes, bytes] = {}
        """The latest message of each kind that was looked for, as it came."""
        self._kind = b"\x00"
        self._inside = b""
        self._times: list[float] = []
        """When each socket heard what is waited for."""
        self._all_heard = asyncio.Event()

    async def join(self, hellos: list[str], at_once: int) -> dict[str, Any]:
        """One for each hello, which is answered before this returns."""
        turn = asyncio.Semaphore(at_once)
        loop = asyncio.get_running_loop()

        async def one(text: str) -> None:
            async with turn:
                _, socket = await loop.create_connection(
                    lambda: LightSocket(self._path, self._heard), self._host, self._port
                )
                self._sockets.append(socket)
                await socket.open
                socket.say(text.encode())
                await socket.answered.wait()

        began = time.monotonic()
        async with asyncio.timeout(PATIENCE_SECONDS + len(hellos) / 20):
            await one(hellos[0])
            await asyncio.gather(*(one(hello) for hello in hellos[1:]))
        return {"joined": sum(not s.closed for s in self._sockets), "took_seconds": time.monotonic() - began}

    async def ask(self, text: str, kind: str, inside: str = "") -> dict[str, Any]:
        """The first socket says this; seconds until each of all has a message that begins with `kind` and has `inside`."""
        began = self._wait_for(kind, inside)
        self._sockets[0].say(text.encode())
        return await self._heard_by_all(began)

    async def hear(self, kind: str, inside: str) -> dict[str, Any]:
        """When each socket (time.monotonic) has heard such a message, which something else brings about."""
        self._wait_for(kind, inside)
        return await self._heard_by_all(0.0)

    async def tap(self, text: str, every_seconds: float, seconds: float) -> dict[str, Any]:
        """Every socket says this once in so many seconds, all evenly spread, for so long."""
        sockets, before = self._sockets, self.messages
        said, began = 0, time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            due = int((now - began) / every_seconds * len(sockets))
            while said < due:
                sockets[said % len(sockets)].say(text.replace("NUMBER", str(said + 2)).encode())
                said += 1
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.5)
        return {"said": said, "heard": self.messages - before}

    async def count(self) -> dict[str, Any]:
        return {
            "messages": self.messages,
            "open": sum(not socket.closed for socket in self._sockets),
            "cpu_seconds": time.process_time(),
        }

    async def last(self, kind: str) -> dict[str, Any]:
        """The latest message of the kind that was waited for last, or reply."""
        return {"text": self._last.get(kind.encode(), b"").decode()}

    @property
    def messages(self) -> int:
        return sum(socket.messages for socket in self._sockets)

    def _wait_for(self, kind: str, inside: str) -> float:
        self._kind, self._inside, self._times = kind.encode(), inside.encode(), []
        self._all_heard.clear()
        return time.monotonic()

    async def _heard_by_all(self, began: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._all_heard.wait()
        except TimeoutError:
            return {"seconds": [], "heard": len(self._times)}
        finally:
            self._kind = b"\x00"
        return {"seconds": [at - began for at in self._times], "heard": len(self._times)}

    def _heard(self, socket: LightSocket, text: bytes, now: float) -> None:
        if socket is self._sockets[0] and text.startswith(b'{"type":"ok"'):
            self._last[b"ok"] = text
        if text.startswith(self._kind) and self._inside in text:
            self._last[self._kind] = text
            self._times.append(now)
            if len(self._times) == len(self._sockets):
                self._all_heard.set()


async def main(host: str, port: int, path: str) -> None:
    raise_descriptor_limit()
    crowd = Crowd(host, port, path)
    await obey(lambda name: getattr(crowd, name))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
