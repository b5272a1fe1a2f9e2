"""One slot's stream towards one receiver: continuous SSRC, sequence and timestamp while its speakers change. Pure."""

from __future__ import annotations

from spaces.sfu.rtp import CLOCK_RATE, build_header, timestamp_after

FIRST_SEQUENCE_MAX = 1 << 14
"""A stream begins below this: RTP carries no rollover counter, so whoever misses a wrap between our first packet and his
first never decrypts anything (RFC 3711 §3.3.1)."""

REORDER_PACKETS_MAX = 64
"""A packet older than this behind the newest of its speaker is dropped, as are those from before he got the slot."""

JUMP_PACKETS_MAX = 3_000
"""A speaker whose sequence jumps further has begun anew (RFC 3550 A.1 MAX_DROPOUT). Passed on, a jump of half the sequence
space would look to SRTP like a step back, and the slot would stay silent."""


class SlotStream:
    """Rewrites the packets of whichever speaker holds the slot."""

    __slots__ = (
        "_base",
        "_newest",
        "_sequence_offset",
        "_tenure",
        "_timestamp_offset",
        "last",
        "octets",
        "packets",
        "ssrc",
    )

    def __init__(self, ssrc: int, first_sequence: int, first_timestamp: int) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self.octets = 0
        """Of payloads, counted by who sends them."""
        self.last = (first_sequence - 1, first_timestamp, 0.0)
        """(sequence, timestamp, time) of the newest packet sent."""
        self._tenure = 0
        self._base = 0
        self._newest = 0
        self._sequence_offset = 0
        self._timestamp_offset = 0

    def rewrite(
        self, tenure: int, sequence: int, timestamp: int, marker: bool, payload_type: int, now: float
    ) -> bytes | None:
        """The header for one packet of the slot's holder; None: too old, drop it.

        `tenure` names one speaker's time in the slot (LoudestN.tenures), `sequence` is extended (see Reception).
        """
        if tenure != self._tenure or sequence - self._newest > JUMP_PACKETS_MAX:
            self._switch(tenure, sequence, timestamp, now)
            marker = True
        elif sequence < self._base or sequence < self._newest - REORDER_PACKETS_MAX:
            return None
        out_sequence = sequence + self._sequence_offset
        out_timestamp = (timestamp + self._timestamp_offset) & 0xFFFFFFFF
        if sequence >= self._newest:
            self._newest = sequence
            self.last = (out_sequence, out_timestamp, now)
        self.packets += 1
        return build_header(payload_type, marker, out_sequence & 0xFFFF, out_timestamp, self.ssrc)

    def _switch(self, tenure: int, sequence: int, timestamp: int, now: float) -> None:
        last_sequence, last_timestamp, last_at = self.last
        # Time that passed without packets passes in the stream too, at least one frame.
        elapsed = max(960, int((now - last_at) * CLOCK_RATE)) if last_at else 0
        self._tenure = tenure
        self._base = self._newest = sequence
        self._sequence_offset = last_sequence + 1 - sequence
        self._timestamp_offset = timestamp_after((last_timestamp + elapsed) & 0xFFFFFFFF, timestamp)
