"""What the server and its captioning process say to each other: MessagePack behind a length, over two pipes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

MESSAGE_BYTES_MAX = 16_384
"""An Opus packet has 1,275 at most, a sentence some hundred."""
_LENGTH = 4


class Packet(Struct, frozen=True, array_like=True, tag="p"):
    """One Opus packet of a speaker."""

    space: str
    owner: str
    stream: str
    """Of which session: one person may have several."""
    sequence: int
    timestamp: int
    payload: bytes
    at: float
    """When it came: CLOCK_MONOTONIC, which is the same in both processes."""


class Said(Struct, frozen=True, array_like=True, tag="s"):
    space: str
    owner: str
    text: str
    final: bool


Message = Packet | Said

_decode = msgspec.msgpack.Decoder(Message)


def encoded(message: Message) -> bytes:
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


class Reader:
    """Bytes in, as they come; whole messages out."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Raises ValueError for what is none of ours; nothing can be read after that."""
        self._data += data
        while len(self._data) >= _LENGTH:
            size = int.from_bytes(self._data[:_LENGTH], "big")
            if size > MESSAGE_BYTES_MAX:
                raise ValueError("a message too long")
            if len(self._data) < _LENGTH + size:
                return
            body = bytes(self._data[_LENGTH : _LENGTH + size])
            del self._data[: _LENGTH + size]
            try:
                yield _decode.decode(body)
            except msgspec.MsgspecError as error:
                raise ValueError("not a message") from error
