"""WebSocket text frames made ready once (RFC 6455 §5.2): a server's are not masked, so they are the same for everybody.

Only for sockets without compression, whose frames depend on nothing that was sent before.
"""

from __future__ import annotations

import struct

import msgspec

FINAL_TEXT = 0x81
LENGTH_16, LENGTH_64 = 126, 127
"""In the second byte: the length is in the 2 or 8 bytes that follow."""


def text_frame(payload: bytes) -> bytes:
    """One whole text message, in UTF-8 already."""
    size = len(payload)
    if size < LENGTH_16:
        return bytes((FINAL_TEXT, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", FINAL_TEXT, LENGTH_16, size) + payload
    return struct.pack("!BBQ", FINAL_TEXT, LENGTH_64, size) + payload


def frame_of(message: msgspec.Struct) -> bytes:
    """A message as it goes out."""
    return text_frame(msgspec.json.encode(message))
