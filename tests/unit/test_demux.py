"""Which protocol a datagram speaks, by its first bytes (RFC 7983 §7, RFC 5761 §4)."""

from __future__ import annotations

import pytest

from spaces.sfu.demux import Kind, demux_untrusted


def expected(first: int, second: int) -> Kind | None:
    """RFC 7983's table."""
    if first in range(4):
        return Kind.STUN
    if first in range(20, 64):
        return Kind.DTLS
    if first in range(128, 192):
        return Kind.RTCP if second in range(192, 224) else Kind.RTP
    return None  # ZRTP 16–19, TURN channels 64–79, QUIC, nobody


def test_every_first_and_second_byte() -> None:
    for first in range(256):
        for second in range(256):
            assert demux_untrusted(bytes((first, second)) + bytes(10)) is expected(first, second), (first, second)


@pytest.mark.parametrize("first", [0, 20, 128])
def test_shorter_than_any_header_is_nothing(first: int) -> None:
    for length in range(12):
        assert demux_untrusted((bytes((first,)) + bytes(11))[:length]) is None


def test_opus_with_the_marker_is_not_rtcp() -> None:
    for payload_type in (63, 96, 97, 100, 109, 111, 127):
        assert demux_untrusted(bytes((0x90, 0x80 | payload_type)) + bytes(10)) is Kind.RTP
