"""What a mix is, in plain numpy: the statement that the compiled `render` must equal bit for bit, and tests hold it to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spaces.mixing.limiter import BLOCKS, CEILING, RELEASE_PER_BLOCK
from spaces.mixing.opus import FRAME
from spaces.mixing.programs import LOOKAHEAD

Samples = NDArray[np.float32]


def mix_reference(frames: Samples, gain_from: Samples, gain_to: Samples) -> Samples:
    """Sum of `frames` (speakers, FRAME), each with its gain drawn in a straight line over the frame."""
    ramp = np.arange(FRAME, dtype=np.float32)
    total = np.zeros(FRAME, np.float32)
    for frame, start, end in zip(frames, gain_from, gain_to, strict=True):
        total += frame * (start + (end - start) * np.float32(1.0 / FRAME) * ramp)
    return total


def limit_reference(block: Samples, gain: np.float32) -> tuple[Samples, np.float32]:
    """A frame of `block` (LOOKAHEAD samples of the frame before, then FRAME), and the gain at its end, from `gain`.

    Between blocks of LOOKAHEAD samples the gain goes in a straight line to what either neighbour can bear under CEILING;
    upwards by the factor RELEASE_PER_BLOCK at most.
    """
    blocks = block.reshape(BLOCKS + 1, LOOKAHEAD)
    peaks = np.abs(blocks).max(axis=1)
    bearable = np.where(peaks <= CEILING, np.float32(1.0), CEILING / np.maximum(peaks, CEILING))
    ramp = np.arange(LOOKAHEAD, dtype=np.float32)
    out = np.empty((BLOCKS, LOOKAHEAD), np.float32)
    for b in range(BLOCKS):
        end = min(bearable[b], bearable[b + 1], gain * RELEASE_PER_BLOCK)
        out[b] = blocks[b] * (gain + (end - gain) / np.float32(LOOKAHEAD) * ramp)
        gain = end
    return out.reshape(FRAME), gain
