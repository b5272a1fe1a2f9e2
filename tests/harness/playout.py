"""One speaker's jitter buffer and pace, by hand in virtual time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spaces.mixing.jitter import PACKET, insert_all
from spaces.mixing.opus import FRAME, Decoder, packet_samples_untrusted
from spaces.mixing.pace import TAPS
from spaces.mixing.playout import play
from spaces.mixing.speakers import RING, Speakers

TICK = 0.02


class Playout:
    def __init__(self, *, delay_min: float = 0.0, delay_max: float = 0.2, start: float = 1_000.0) -> None:
        self.speakers = Speakers(1)
        self.frame = np.zeros(FRAME, np.float32)
        self._decoder = Decoder()
        self.row = self.speakers.take(self._decoder.address, 1)
        self.delay_min, self.delay_max = delay_min, delay_max
        self.now = start
        self.inserted = 0
        self.out: list[NDArray[np.float32] | None] = []
        """Frames played; None: a pause."""
        self.waited: list[float] = []
        """How long each packet that was played had been there."""
        self.order: list[int] = []
        """Sequence numbers played."""

    @property
    def state(self) -> np.void:
        return self.speakers.rows.state[self.row]  # type: ignore[no-any-return]

    def count(self, name: str) -> int:
        return int(self.state[name])

    def insert(
        self,
        sequence: int,
        payload: bytes,
        *,
        at: float | None = None,
        timestamp: int | None = None,
        behind: int = 0,
    ) -> None:
        samples = packet_samples_untrusted(payload)
        at = self.now if at is None else at
        clock = sequence * samples if timestamp is None else timestamp
        tenure = self.count("tenure")
        header = PACKET.pack(self.row, tenure, sequence, clock & 0xFFFFFFFF, samples, behind, len(payload), at)
        insert_all(np.frombuffer(header + payload, np.uint8), self.speakers.rows)
        self.inserted += 1

    def tick(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.now += TICK
            before = self._held()
            played = self.count("played")
            play(self.row, self.frame, self.now, self.delay_min, self.delay_max, self.speakers.rows, TAPS)
            gone = sorted(set(before) - set(self._held()))
            # What is too old is left out before the rest is played.
            self.order += gone[len(gone) - (self.count("played") - played) :]
            self.waited += [self.now - before[s] for s in gone[len(gone) - (self.count("played") - played) :]]
            sounding = bool(self.state["sounding"])
            self.out.append(self.frame.copy() if sounding else None)

    def _held(self) -> dict[int, float]:
        rows = self.speakers.rows
        return {
            int(s): float(a) for s, a in zip(rows.sequence[self.row], rows.arrived[self.row], strict=True) if s >= 0
        }

    def check(self) -> None:
        """What always holds."""
        held = self._held()
        assert len(held) == self.count("held") <= RING
        accounted = sum(self.count(name) for name in ("played", "late", "duplicate", "overflow", "held"))
        assert accounted == self.inserted, "every packet is played, or it is known why not"
        assert self.order == sorted(set(self.order)), "each once, in order"
        assert 0 <= self.count("fill") < FRAME + 5_760
        assert self.count("malformed") == 0

    @property
    def sound(self) -> NDArray[np.float32]:
        return np.concatenate([np.zeros(FRAME, np.float32) if f is None else f for f in self.out])

    @property
    def pauses(self) -> int:
        return sum(frame is None for frame in self.out)
