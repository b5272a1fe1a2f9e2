"""What a receiver knows of one incoming stream: extended sequence, loss, jitter (RFC 3550 §6.4.1, A.1, A.3, A.8)."""

from __future__ import annotations

from dataclasses import dataclass

from spaces.sfu.rtcp import ReportBlock
from spaces.sfu.rtp import CLOCK_RATE, sequence_after, timestamp_after

RESTART_DISTANCE = 3_000
"""A sequence number this far from the last is a restart of the sender, not loss (RFC 3550 A.1 MAX_DROPOUT)."""


@dataclass(slots=True)
class Reception:
    ssrc: int
    begin: int = 0
    """Extended sequence numbers are not below this: those of the stream before went up to it."""
    highest: int = -1
    """Extended highest sequence number."""
    base: int = 0
    received: int = 0
    jitter: float = 0.0
    last_sender_report: int = 0
    sender_report_at: float = 0.0
    _transit: int | None = None
    _expected_before: int = 0
    _received_before: int = 0
    fraction_lost: float = 0.0
    """Over the last report interval."""

    def receive(self, sequence: int, timestamp: int, now: float) -> int:
        """Count a packet; returns its extended sequence number, which grows across wraps and after restarts."""
        if self.highest < 0:
            extended = self.base = self.highest = _next_with(sequence, self.begin)
        else:
            step = sequence_after(sequence, self.highest & 0xFFFF)
            if abs(step) > RESTART_DISTANCE:
                # The stream starts anew right behind what was: no loss is counted, order is kept.
                extended = _next_with(sequence, self.highest + 1)
                self.base += extended - self.highest - 1
                self.highest = extended
                self._transit = None
            else:
                extended = self.highest + step
                self.highest = max(self.highest, extended)
        self.received += 1
        transit = (int(now * CLOCK_RATE) - timestamp) & 0xFFFFFFFF
        if self._transit is not None:
            self.jitter += (abs(timestamp_after(transit, self._transit)) - self.jitter) / 16
        self._transit = transit
        return extended

    def sender_report(self, ntp_middle: int, now: float) -> None:
        self.last_sender_report = ntp_middle
        self.sender_report_at = now

    def report(self, now: float, *, at_least_lost: float = 0.0) -> ReportBlock:
        """A report block for the interval since the last one.

        `at_least_lost` raises the fraction: a sender makes redundancy for the worst of the links his sound crosses.
        """
        expected = self.highest - self.base + 1
        interval = expected - self._expected_before
        lost = interval - (self.received - self._received_before)
        self._expected_before, self._received_before = expected, self.received
        self.fraction_lost = max(0.0, lost / interval) if interval > 0 else 0.0
        fraction = min(255, int(256 * max(self.fraction_lost, at_least_lost)))
        cumulative = max(-0x800000, min(0x7FFFFF, expected - self.received))
        delay = int((now - self.sender_report_at) * 65536) if self.last_sender_report else 0
        return ReportBlock(
            self.ssrc, fraction, cumulative, self.highest & 0xFFFFFFFF, int(self.jitter), self.last_sender_report, delay
        )


def _next_with(sequence: int, at_least: int) -> int:
    """The first extended sequence number from `at_least` on whose low 16 bits are `sequence`."""
    return at_least + ((sequence - at_least) & 0xFFFF)
