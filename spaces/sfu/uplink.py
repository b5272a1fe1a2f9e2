"""A speaker's incoming stream: from SRTP to Opus packets for the stage and the mix."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from pylibsrtp import Session

from spaces.errors import RemoteError
from spaces.mixing.opus import PACKET_BYTES_MAX, SAMPLE_RATE, packet_samples_untrusted
from spaces.mixing.sound import Source
from spaces.sfu.claims import Loudness
from spaces.sfu.reception import Reception
from spaces.sfu.rtp import RtpPacket, parse_rtp_untrusted, split_red_untrusted
from spaces.sfu.session import Receive
from spaces.sfu.srtp import unprotect_untrusted

SSRC_CHANGES_MAX = 32
"""SSRCs that one session may send with in its life; libsrtp keeps state for each."""
SSRC_SILENT_SECONDS = 0.5
"""A second SSRC is another stream that nobody asked for, unless the first has been silent so long."""
PACKETS_PER_SECOND_MAX = 500
"""Of one speaker: 2.5 ms frames come at 400 a second; a burst of half a second's worth passes (GStreamer sends one)."""
RECENT_PACKETS = 16
"""How far back RED's copies are compared; they reach at most 8 packets back."""

Heard = Callable[[float, float, int, int, bool, bytes, float], None]
"""Told of every packet: dBFS, seconds, extended sequence, timestamp, marker, Opus payload, now."""


class Sound(Protocol):
    """What becomes of a speaker's packets for the audience (mixing.engine.AudioEngine)."""

    def packet(
        self, source: Source, sequence: int, timestamp: int, payload: bytes, samples: int, at: float, behind: int = 0
    ) -> None: ...
    def measured(self, source: Source) -> tuple[float, float]: ...


class Uplink:
    """What one client sends us."""

    def __init__(
        self,
        receive: Receive,
        context: Session,
        sound: Sound,
        source: Source,
        heard: Heard,
        *,
        ssrcs: set[int] | None = None,
    ) -> None:
        """`ssrcs` are those that the context has state for, kept with it when a microphone comes and goes."""
        self.receive = receive
        self.source = source
        self.reception: Reception | None = None
        self._context = context
        self._sound = sound
        self._heard = heard
        self._heard_at = 0.0
        self._loudness = Loudness()
        self._ssrcs: set[int] = set() if ssrcs is None else ssrcs
        self._tokens = PACKETS_PER_SECOND_MAX / 2
        self._tokens_at = 0.0
        self._recent: deque[int] = deque(maxlen=RECENT_PACKETS)
        """Extended sequence numbers that we have, in whichever form."""

    def packet_untrusted(self, data: bytes, now: float, *, muted: bool) -> None:
        """One SRTP packet. Raises RemoteError: `rtp_…`, `srtp_rejected`, `red_malformed`, `opus_malformed`."""
        ssrc = int.from_bytes(data[8:12], "big")
        current = self.reception
        if current is None or ssrc != current.ssrc:
            if current is not None and now - self._heard_at < SSRC_SILENT_SECONDS:
                raise RemoteError("rtp_unknown_ssrc")
            if len(self._ssrcs) >= SSRC_CHANGES_MAX and ssrc not in self._ssrcs:
                raise RemoteError("rtp_unknown_ssrc", "too many")
        clear = unprotect_untrusted(self._context, data)
        # Authenticated from here on; only now may it take state. libsrtp has taken some, whatever the packet holds.
        self._ssrcs.add(ssrc)
        packet = parse_rtp_untrusted(clear, self.receive.level_extension_id)
        self._check_rate_untrusted(now)
        *older, (_, _, payload, samples) = self._blocks_untrusted(packet)
        if current is None or ssrc != current.ssrc:
            self._start(ssrc)
        assert self.reception is not None
        self._heard_at = now
        sequence = self.reception.receive(packet.sequence, packet.timestamp, now)
        if sequence < self.reception.begin:  # its number is another packet's, of the stream before
            raise RemoteError("rtp_before_begin")
        self._recent.append(sequence)
        if muted:
            return
        for distance, offset, block, length in older:
            # Copies of what has arrived would pass for packets that are late; they are not needed either.
            if sequence - distance >= self.reception.begin and sequence - distance not in self._recent:
                self._recent.append(sequence - distance)
                earlier = (packet.timestamp - offset) & 0xFFFFFFFF
                self._sound.packet(self.source, sequence - distance, earlier, block, length, now, offset)
        self._sound.packet(self.source, sequence, packet.timestamp, payload, samples, now)
        dbfs = self._loudness.of(packet.level, payload, self._sound.measured(self.source), now)
        self._heard(dbfs, samples / SAMPLE_RATE, sequence, packet.timestamp, packet.marker, payload, now)

    def _check_rate_untrusted(self, now: float) -> None:
        """A token bucket. Raises RemoteError `rtp_rate`."""
        burst = PACKETS_PER_SECOND_MAX / 2
        self._tokens = min(burst, self._tokens + (now - self._tokens_at) * PACKETS_PER_SECOND_MAX)
        self._tokens_at = now
        if self._tokens < 1:
            raise RemoteError("rtp_rate")
        self._tokens -= 1

    def _blocks_untrusted(self, packet: RtpPacket) -> list[tuple[int, int, bytes, int]]:
        """Opus in an RTP packet, oldest first: (how far back in packets and in timestamp units, payload, samples)."""
        opus = self.receive.opus_payload_type
        if packet.payload_type == opus:
            blocks = [(opus, 0, packet.payload)]
        elif packet.payload_type == self.receive.red_payload_type:
            blocks = split_red_untrusted(packet.payload)
        else:
            raise RemoteError("rtp_payload_type")
        if blocks[-1][0] != opus:
            raise RemoteError("rtp_payload_type", "in RED")
        if not blocks[-1][2]:
            raise RemoteError("opus_malformed", "empty")  # some clients probe the path with padding alone
        return [
            (distance, offset, block, self._checked_samples(block))
            for distance, (kind, offset, block) in zip(range(len(blocks) - 1, -1, -1), blocks, strict=True)
            if kind == opus and block
        ]

    def _start(self, ssrc: int) -> None:
        """The first stream, or another one after it: extended sequence numbers go on behind what was."""
        before = self.reception
        self.reception = Reception(ssrc, begin=0 if before is None else before.highest + 1)

    @staticmethod
    def _checked_samples(payload: bytes) -> int:
        if len(payload) > PACKET_BYTES_MAX:
            raise RemoteError("opus_malformed", "too long")
        return packet_samples_untrusted(payload)
