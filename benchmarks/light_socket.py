"""A WebSocket client that costs next to nothing: of what comes it counts messages and looks at how they begin."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Callable
from typing import cast

Heard = Callable[["LightSocket", bytes, float], None]
"""Told of every text message, and when it came (time.monotonic)."""


class LightSocket(asyncio.Protocol):
    def __init__(self, path: str, heard: Heard) -> None:
        self._path = path
        self._heard = heard
        self._buffer = b""
        self._upgraded = False
        self._transport: asyncio.Transport
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answered = asyncio.Event()
        """The first message has come, or none will."""
        self.closed = False
        self.messages = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: benchmark\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.answered.set()
        if not self.open.done():
            self.open.set_exception(ConnectionError("lost before the upgrade"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if self._buffer:
            data = self._buffer + data
        if not self._upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0] + b" ":
                self.open.set_exception(ConnectionError(head.decode(errors="replace")[:200]))
                self._transport.close()
                return
            self._upgraded = True
            self.open.set_result(None)
        at, size = 0, len(data)
        while size - at >= 2:
            kind, length, begin = data[at], data[at + 1], at + 2
            if length > 125:
                width = 2 if length == 126 else 8
                if size < begin + width:
                    break
                length, begin = int.from_bytes(data[begin : begin + width], "big"), begin + width
            if size < begin + length:
                break
            at = begin + length
            if kind == 0x81:
                self.messages += 1
                self.answered.set()
                self._heard(self, data[begin:at], now)
            elif kind == 0x89:  # a ping
                self._send(0x8A, data[begin:at])
        self._buffer = data[at:]

    def say(self, text: bytes) -> None:
        self._send(0x81, text)

    def close(self) -> None:
        self._transport.abort()

    def _send(self, kind: int, payload: bytes) -> None:
        """Masked with zeros, which is masked (RFC 6455 §5.3 asks a browser for better)."""
        size = len(payload)
        head = bytes((kind, 0x80 | size)) if size < 126 else bytes((kind, 0xFE)) + size.to_bytes(2, "big")
        self._transport.write(head + bytes(4) + payload)
