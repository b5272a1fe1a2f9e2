"""What goes out on a socket: written at once, bounded by what its reader has not taken, so that a slow one costs little.

There is no queue of ours and no task per socket: frames are whole, so they go straight to the transport, behind whatever
aiohttp itself has written there (a pong, a close).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
import struct
from collections.abc import Callable

from aiohttp import web

from spaces.signaling.broadcast import Broadcast

UNREAD_BYTES_MAX = 262_144
"""Waiting in the process for one reader: a minute of a lively Space. What is said to all waits once, however many are slow."""
KERNEL_BYTES_MAX = 65_536
"""Waiting in the kernel, which would otherwise take up to 4 MB for each who does not read."""
CLOSE_SECONDS_MAX = 5.0
"""For the client to take what is left and to say goodbye; then the connection is cut."""

SLOW_READER = 4001


class Outbox:
    """Frames out, by `put` and from a broadcast, until `finish`; then `close`. `over` is called once, by the first `finish`."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport, over: Callable[[], None]) -> None:
        self._socket = socket
        self._transport = transport
        self._over = over
        self._broadcast: Broadcast | None = None
        self._close: tuple[int, str] | None = None
        self.slow = False
        """The reader was found too slow."""
        self._raw = transport.get_extra_info("socket")
        if self._raw is not None:
            with contextlib.suppress(OSError):
                self._raw.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NOTSENT_LOWAT, KERNEL_BYTES_MAX)

    def put(self, frame: bytes) -> None:
        """For this reader alone; behind what has been said to all."""
        if self._broadcast is not None:
            self._broadcast.catch_up(self)
        self.hear(frame)

    def join(self, broadcast: Broadcast, edge: str = "") -> None:
        """Hear what is said to all from now on; `edge`: the other node that the client has reached."""
        self._broadcast = broadcast
        broadcast.join(self, edge)

    def leave(self) -> None:
        """Hear nothing of that any more. Idempotent."""
        broadcast, self._broadcast = self._broadcast, None
        if broadcast is not None:
            broadcast.leave(self)

    def hear(self, frames: bytes) -> None:
        """Implements broadcast.Ear."""
        if self._close is not None or self._socket.closed or self._transport.is_closing():
            return
        self._transport.write(frames)
        if self._transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
            self.slow = True
            self.finish(SLOW_READER, "slow_reader")

    def finish(self, code: int, reason: str) -> None:
        """Close after what has been put. The first reason stands."""
        self.leave()
        if self._close is None:
            self._close = (code, reason)
            self._over()

    async def close(self) -> None:
        """Say why and wait for the other side's goodbye. Nobody may be reading from the socket any more."""
        self.leave()
        code, reason = self._close or (1000, "bye")
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._socket.close(code=code, message=reason.encode(), drain=not self.slow)
        except TimeoutError:
            self._cut_off()
        if self._transport.get_write_buffer_size():
            self._cut_off()  # a mere `close` would wait for ever for what is not read

    def _cut_off(self) -> None:
        """Now. If the reader has left much unread, by a reset, which the kernel forgets it with; else he may still read it."""
        if self._raw is not None and self._transport.get_write_buffer_size():
            with contextlib.suppress(OSError):
                self._raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
