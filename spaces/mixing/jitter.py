"""One speaker's jitter buffer: packets in at any time and in any order, stretches of sound out at the mixer's pace. Pure.

The delay follows what is seen. It grows when a packet comes too late for its turn, and shrinks by one frame when for some
seconds even the slowest packet had time to spare. After a pause the first packet waits for the current delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from spaces.mixing.opus import FRAME, SAMPLE_RATE

PACKETS_MAX = 64
"""Packets held for one speaker: over a second of 20 ms frames."""
GAP_PACKETS_MAX = 10
"""A hole longer than this is not concealed packet by packet: play on behind it."""
CONCEALED_SECONDS_MAX = 0.06
"""Concealment of an empty buffer; libopus has faded out by then, and a pause looks the same."""
SPARE_SECONDS = 0.03
"""Time to spare of the slowest packet above which a frame may be taken out: a tick of 20 ms and half again."""
SHRINK_AFTER_SECONDS_MIN = 2.0
SHRINK_AFTER_SECONDS_MAX = 32.0
"""How long everything must have been early before the delay shrinks; doubled each time it was too soon."""
JITTER_FACTOR = 3.0
"""First delay, in mean deviations of arrival."""


class Stretch(NamedTuple):
    """What to decode next: a packet, or (payload None) `samples` of concealment. `fec`: the payload is the *next* packet,
    whose in-band copy of this one is wanted. `squeeze`: fade this stretch into the one after it, in the time of one."""

    payload: bytes | None
    samples: int
    fec: bool = False
    squeeze: bool = False


class _Packet(NamedTuple):
    payload: bytes
    samples: int
    arrived: float


@dataclass(slots=True)
class JitterCounters:
    late: int = 0
    duplicate: int = 0
    lost: int = 0
    recovered: int = 0
    underruns: int = 0
    squeezed: int = 0
    overflow: int = 0


class JitterBuffer:
    def __init__(self, delay_seconds_min: float, delay_seconds_max: float) -> None:
        self._min = delay_seconds_min
        self._max = delay_seconds_max
        self._packets: dict[int, _Packet] = {}
        self._next: int | None = None
        """Sequence number to play next; None while nothing has been played since the last pause."""
        self._played_to: int | None = None
        self._samples = FRAME
        self._concealed = 0.0
        self._jitter = 0.0
        self._transit: float | None = None
        self._spare = float("inf")
        self._spare_since = 0.0
        self._shrink_after = SHRINK_AFTER_SECONDS_MIN
        self._shrunk_at = float("-inf")
        self.counters = JitterCounters()

    @property
    def delay_target(self) -> float:
        """Seconds that the first packet after a pause waits."""
        return min(max(self._min, JITTER_FACTOR * self._jitter), self._max)

    def __len__(self) -> int:
        return len(self._packets)

    def insert(self, sequence: int, timestamp: int, payload: bytes, samples: int, now: float) -> None:
        """A packet, `sequence` extended (see sfu.reception), `timestamp` as on the wire, `samples` its duration."""
        transit = now - timestamp / SAMPLE_RATE
        if self._transit is not None:
            deviation = abs(transit - self._transit)
            if deviation < 1.0:  # beyond that the sender's clock has jumped: it says nothing of the network
                self._jitter += (deviation - self._jitter) / 16
        self._transit = transit
        if self._next is not None and sequence < self._next:
            self.counters.late += 1
            return
        if self._next is None and self._played_to is not None and sequence <= self._played_to:
            self.counters.late += 1
            return
        if sequence in self._packets:
            self.counters.duplicate += 1
            return
        if len(self._packets) >= PACKETS_MAX:
            self.counters.overflow += 1
            self._packets.clear()
            self._stop()
        self._packets[sequence] = _Packet(payload, samples, now)

    def pull(self, now: float) -> Stretch | None:
        """The next stretch of sound; None: a pause."""
        if not self._packets:
            return self._empty()
        first = min(self._packets)
        if self._next is None:
            if now - self._packets[first].arrived < self.delay_target - 0.001:
                return None
            self._next = first
            self._spare, self._spare_since = float("inf"), now
        if first - self._next > GAP_PACKETS_MAX:
            self.counters.lost += first - self._next
            self._next = first
        if first != self._next:
            return self._hole(first)
        return self._play(first, now)

    def clear(self) -> None:
        """Forget what is buffered: the speaker is muted."""
        self._packets.clear()
        self._stop()

    def _stop(self) -> None:
        if self._next is not None:
            self._played_to = self._next - 1
        self._next = None
        self._concealed = 0.0

    def _empty(self) -> Stretch | None:
        """Nothing is there: either a packet is late, or the speaker has paused. Conceal briefly, keep his place."""
        if self._next is None:
            return None
        if self._concealed >= CONCEALED_SECONDS_MAX:
            self._stop()
            return None
        self._concealed += self._samples / SAMPLE_RATE
        return Stretch(None, self._samples)

    def _hole(self, first: int) -> Stretch:
        """A packet is missing and a later one is there: repair from the next one if it is that, else conceal."""
        assert self._next is not None
        self._next += 1
        self.counters.lost += 1
        if first == self._next:
            self.counters.recovered += 1
            return Stretch(self._packets[first].payload, self._samples, fec=True)
        return Stretch(None, self._samples)

    def _play(self, sequence: int, now: float) -> Stretch:
        packet = self._packets.pop(sequence)
        self._next = sequence + 1
        self._samples = packet.samples
        if self._concealed:
            # He was late, not silent: the delay has just grown. If that followed a shrink, shrinking was too hasty.
            self._concealed = 0.0
            self.counters.underruns += 1
            if now - self._shrunk_at < 2 * self._shrink_after:
                self._shrink_after = min(2 * self._shrink_after, SHRINK_AFTER_SECONDS_MAX)
            self._spare, self._spare_since = float("inf"), now
        waited = now - packet.arrived
        self._spare = min(self._spare, waited)
        too_long = waited > self._max
        may_shrink = self._spare > SPARE_SECONDS and now - self._spare_since >= self._shrink_after
        squeeze = (too_long or may_shrink) and sequence + 1 in self._packets
        if squeeze:
            self.counters.squeezed += 1
            self._shrunk_at = now
            self._spare, self._spare_since = float("inf"), now
        return Stretch(packet.payload, packet.samples, squeeze=squeeze)
