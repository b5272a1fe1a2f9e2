"""RTP headers (RFC 3550 §5.1), header extensions (RFC 8285) and audio levels (RFC 6464), read without objects to spare."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from spaces.errors import RemoteError

CLOCK_RATE = 48_000
"""Opus always counts at 48 kHz (RFC 7587 §4.1)."""

_FIXED = Struct("!BBHII")
HEADER_BYTES = _FIXED.size


class RtpPacket(NamedTuple):
    """One packet after SRTP. `level` is −dBov 0 (loud) to 127 (silence), None if the packet carries none."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    level: int | None


def parse_rtp_untrusted(data: bytes, level_extension_id: int | None = None) -> RtpPacket:
    """Raises RemoteError `rtp_malformed`. Header extensions other than the level are skipped unread."""
    if len(data) < HEADER_BYTES:
        raise RemoteError("rtp_malformed", "shorter than a header")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        raise RemoteError("rtp_malformed", "version")
    start = HEADER_BYTES + 4 * (first & 0x0F)
    end = len(data)
    level = None
    if first & 0x10:
        if start + 4 > end:
            raise RemoteError("rtp_malformed", "extension header")
        profile = int.from_bytes(data[start : start + 2], "big")
        extension_at = start + 4
        start = extension_at + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        if start > end:
            raise RemoteError("rtp_malformed", "extension runs past the end")
        if level_extension_id is not None:
            level = _find_level(data, profile, extension_at, start, level_extension_id)
    if first & 0x20:
        padding = data[-1] if end > start else 0
        if padding == 0 or start + padding > end:
            raise RemoteError("rtp_malformed", "padding")
        end -= padding
    if start > end:
        raise RemoteError("rtp_malformed", "CSRC list runs past the end")
    return RtpPacket(second & 0x7F, second > 127, sequence, timestamp, ssrc, data[start:end], level)


def _find_level(data: bytes, profile: int, at: int, end: int, wanted: int) -> int | None:
    """The level element in a one-byte (0xBEDE) or two-byte (0x100x) extension block; None if it is not there."""
    if profile == 0xBEDE:
        while at < end:
            byte = data[at]
            if byte == 0:
                at += 1
                continue
            identifier, size = byte >> 4, (byte & 0x0F) + 1
            if identifier == 15:
                return None
            if at + 1 + size > end:
                return None
            if identifier == wanted:
                return data[at + 1] & 0x7F
            at += 1 + size
    elif profile & 0xFFF0 == 0x1000:
        while at + 1 < end:
            identifier, size = data[at], data[at + 1]
            if identifier == 0:
                at += 1
                continue
            if at + 2 + size > end:
                return None
            if identifier == wanted and size:
                return data[at + 2] & 0x7F
            at += 2 + size
    return None


def build_header(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """A fixed header without extensions or CSRCs."""
    return _FIXED.pack(0x80, payload_type | (marker << 7), sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)


def split_red_untrusted(payload: bytes) -> list[tuple[int, int, bytes]]:
    """Blocks of a RED payload (RFC 2198 §3), oldest first, the primary last: (payload type, timestamp offset, data).

    Raises RemoteError `red_malformed`.
    """
    headers: list[tuple[int, int, int]] = []
    at = 0
    while True:
        if at >= len(payload) or len(headers) > 8:
            raise RemoteError("red_malformed", "headers")
        byte = payload[at]
        if byte < 128:
            headers.append((byte, 0, -1))
            at += 1
            break
        if at + 4 > len(payload):
            raise RemoteError("red_malformed", "header")
        bits = int.from_bytes(payload[at + 1 : at + 4], "big")
        headers.append((byte & 0x7F, bits >> 10, bits & 0x3FF))
        at += 4
    blocks: list[tuple[int, int, bytes]] = []
    for payload_type, offset, size in headers:
        end = len(payload) if size < 0 else at + size
        if end > len(payload):
            raise RemoteError("red_malformed", "block runs past the end")
        blocks.append((payload_type, offset, payload[at:end]))
        at = end
    return blocks


def sequence_after(a: int, b: int) -> int:
    """Signed distance from sequence number b to a, across the wrap: −32768 … 32767."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def timestamp_after(a: int, b: int) -> int:
    """Signed distance from timestamp b to a, across the wrap."""
    return ((a - b + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
