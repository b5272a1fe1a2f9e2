"""What all are told of the moment (levels, counts, taps) comes to a node once, and goes on to all its sockets from here.

It has no number and is told again soon, so a socket that is slow is left out once rather than kept waiting for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from spaces.signaling.broadcast import Broadcast

UNREAD_BYTES_MAX = 65_536


class PassedOn:
    """A client's socket here of a Space that another node has. Implements broadcast.Ear."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def hear(self, frames: bytes) -> None:
        if not self._transport.is_closing() and self._transport.get_write_buffer_size() <= UNREAD_BYTES_MAX:
            self._transport.write(frames)  # whole ones, between those that aiohttp writes


class Moments:
    def __init__(self) -> None:
        self._ears: dict[tuple[str, str], Broadcast] = {}
        """Of each Space and the node that has it."""

    @contextlib.contextmanager
    def hearing(self, space: str, node: str, transport: asyncio.Transport) -> Iterator[None]:
        """While the block runs; the client has been welcomed, and his frames are not compressed."""
        ears, ear = self._ears.setdefault((space, node), Broadcast()), PassedOn(transport)
        ears.join(ear)
        try:
            yield
        finally:
            ears.leave(ear)
            if not len(ears):
                self._ears.pop((space, node), None)

    def tell(self, space: str, node: str, frame: bytes) -> None:
        """That node has said it."""
        if (ears := self._ears.get((space, node))) is not None:
            ears.say(frame)
