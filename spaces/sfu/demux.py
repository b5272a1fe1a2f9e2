"""Which protocol a datagram on the one UDP port speaks, by its first byte (RFC 7983 §7; RFC 5761 §4 for RTCP)."""

from __future__ import annotations

import enum


class Kind(enum.Enum):
    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"


def demux_untrusted(datagram: bytes) -> Kind | None:
    """None: nothing that this port speaks."""
    if len(datagram) < 12:
        return None
    first = datagram[0]
    if 128 <= first <= 191:
        # RTCP packet types 192–223 are what a payload type of 64–95 with the marker bit would look like.
        return Kind.RTCP if 192 <= datagram[1] <= 223 else Kind.RTP
    if first <= 3:
        return Kind.STUN
    if 20 <= first <= 63:
        return Kind.DTLS
    return None
