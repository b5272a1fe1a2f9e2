"""A look-ahead limiter, compiled: no sample of a mix passes the ceiling, and nothing below it is touched. Pure."""

from __future__ import annotations

import numpy as np
from numba import njit

from spaces.mixing.opus import FRAME
from spaces.mixing.programs import LOOKAHEAD

BLOCKS = FRAME // LOOKAHEAD
CEILING = np.float32(0.89)
"""−1 dBFS: room for the overshoot of the coder that follows."""
RELEASE_PER_BLOCK = np.float32(1.005)
"""The gain recovers by this factor per 2.5 ms: from half to full in a third of a second, and no faster, in proportion, from
lower down; what it gains between two beats of several tones is heard as distortion."""


_CEILING_BITS = int(CEILING.view(np.int32))


@njit(nogil=True, cache=True)
def peak_bits(samples):  # type: ignore[no-untyped-def]
    """The largest magnitude, as the bits of its float32: they are in the same order, and integers run in vector registers."""
    bits = samples.view(np.int32)
    peak = np.int32(0)
    for i in range(bits.shape[0]):
        peak = max(peak, bits[i] & np.int32(0x7FFFFFFF))
    return peak


@njit(nogil=True, cache=True)
def limit(block, delay_out, gain, out, peaks):  # type: ignore[no-untyped-def]
    """`block` (LOOKAHEAD + FRAME samples, the first LOOKAHEAD from the frame before) to `out`, `gain` that of the frame before.

    The gain is drawn in straight lines between blocks of LOOKAHEAD samples and is at every joint no more than either
    neighbour can bear, so no sample passes CEILING. Returns the gain at the end. `peaks` is scratch (BLOCKS + 1).
    """
    for i in range(LOOKAHEAD):
        delay_out[i] = block[FRAME + i]
    if gain == np.float32(1.0) and peak_bits(block) <= _CEILING_BITS:
        for i in range(FRAME):
            out[i] = block[i]
        return gain
    for b in range(BLOCKS + 1):
        peaks.view(np.int32)[b] = peak_bits(block[b * LOOKAHEAD : (b + 1) * LOOKAHEAD])
        peaks[b] = np.float32(1.0) if peaks[b] <= CEILING else CEILING / peaks[b]
    start = gain
    for b in range(BLOCKS):
        end = min(min(peaks[b], peaks[b + 1]), start * RELEASE_PER_BLOCK)
        slope = (end - start) / np.float32(LOOKAHEAD)
        for i in range(LOOKAHEAD):
            out[b * LOOKAHEAD + i] = block[b * LOOKAHEAD + i] * (start + slope * np.float32(i))
        start = end
    return start
