"""A host's sound while it is played: frames out, faded where it begins and ends, so that neither clicks. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spaces.mixing.opus import FRAME

FADE_IN = FRAME // 4
"""5 ms: a beat keeps its beginning."""
FADE_OUT = FRAME
"""20 ms, at its end and where it is stopped."""

Samples = NDArray[np.float32]


def _rise(samples: int) -> Samples:
    """From 0 to 1 without a corner."""
    ramp: Samples = (0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / samples)).astype(np.float32)
    return ramp


RISE, FALL = _rise(FADE_IN), _rise(FADE_OUT)[::-1].copy()


class Stinger:
    def __init__(self, samples: Samples) -> None:
        """`samples` at 48 kHz, mono."""
        self._samples = samples.copy()
        self._samples[:FADE_IN] *= RISE[: len(samples)]
        self._samples[-FADE_OUT:] *= FALL[-len(samples) :]
        self._at = 0
        self._stopping = False
        self.over = False

    def stop(self) -> None:
        """The next frame is its last."""
        self._stopping = True

    def frame(self) -> Samples:
        """The next FRAME samples; after the last one `over` is set."""
        out = np.zeros(FRAME, np.float32)
        part = self._samples[self._at : self._at + FRAME]
        out[: len(part)] = part
        if self._stopping:
            out *= FALL
        self._at += FRAME
        self.over = self._stopping or self._at >= len(self._samples)
        return out
