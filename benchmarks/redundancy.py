"""RED as a sender packs it (RFC 2198): the packet of now behind copies of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence

from spaces.mixing.opus import FRAME


def red(payload_type: int, packets: Sequence[bytes]) -> bytes:
    """One RED payload of packets 20 ms apart, oldest first, the primary last; all of the same payload type."""
    copies = packets[:-1]
    headers = b"".join(
        bytes([0x80 | payload_type]) + ((FRAME * back) << 10 | len(copy)).to_bytes(3, "big")
        for back, copy in zip(range(len(copies), 0, -1), copies, strict=True)
    )
    return headers + bytes([payload_type]) + b"".join(packets)
