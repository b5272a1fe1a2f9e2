"""An outgoing RTP stream of Opus: headers, levels and sender reports."""

from __future__ import annotations

import secrets
import struct

from aiortc.rtp import RtcpSdesPacket, RtcpSenderInfo, RtcpSourceInfo, RtcpSrPacket

from spaces.demo.speech import PACKET_SAMPLES, VOICE_LEVEL_MAX

NTP_EPOCH_OFFSET_SECONDS = 2_208_988_800
"""From 1900 to 1970."""


class OpusStream:
    """Numbers packets continuously, 20 ms each, and signs each with its level (RFC 6464)."""

    def __init__(
        self,
        *,
        payload_type: int,
        level_extension_id: int | None,
        ssrc: int,
        cname: str,
        sequence: int | None = None,
        timestamp: int | None = None,
    ) -> None:
        self.payload_type = payload_type
        self.level_extension_id = level_extension_id
        self.ssrc = ssrc
        self.cname = cname
        # Below 2^15, so that a receiver who misses the beginning guesses the rollover counter right (RFC 3711 §3.3.1).
        self.sequence = secrets.randbits(15) if sequence is None else sequence
        self.timestamp = secrets.randbits(32) if timestamp is None else timestamp
        self.packets = 0
        self.octets = 0

    def packet(self, payload: bytes, level: int, *, marker: bool = False) -> bytes:
        """The next RTP packet; `level` in -dBov."""
        extended = self.level_extension_id is not None
        header = struct.pack(
            "!BBHII",
            0x90 if extended else 0x80,
            (0x80 if marker else 0) | self.payload_type,
            self.sequence,
            self.timestamp,
            self.ssrc,
        )
        if self.level_extension_id is not None:
            voice = 0x80 if level < VOICE_LEVEL_MAX else 0
            # One-byte form (RFC 8285 §4.2): id and length - 1, then two bytes of padding to a word.
            header += struct.pack("!HHBBxx", 0xBEDE, 1, self.level_extension_id << 4, voice | level)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + PACKET_SAMPLES) & 0xFFFFFFFF
        self.packets += 1
        self.octets += len(payload)
        return header + payload

    def skip(self, packets: int) -> None:
        """Leave out time without sending: the timestamp goes on, the sequence does not (DTX)."""
        self.timestamp = (self.timestamp + packets * PACKET_SAMPLES) & 0xFFFFFFFF

    def report(self, unix_seconds: float) -> bytes:
        """A compound sender report with SDES (RFC 3550 §6.4.1) for the given moment."""
        seconds, fraction = divmod(unix_seconds + NTP_EPOCH_OFFSET_SECONDS, 1)
        info = RtcpSenderInfo(
            ntp_timestamp=(int(seconds) << 32) | int(fraction * (1 << 32)),
            rtp_timestamp=self.timestamp,
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self.octets & 0xFFFFFFFF,
        )
        chunk = RtcpSourceInfo(ssrc=self.ssrc, items=[(1, self.cname.encode())])
        return bytes(RtcpSrPacket(ssrc=self.ssrc, sender_info=info)) + bytes(RtcpSdesPacket(chunks=[chunk]))
