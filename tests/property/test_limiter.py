"""For any sound at all the limiter stays under its ceiling and equals its statement in plain numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from spaces.mixing.limiter import BLOCKS, CEILING, limit
from spaces.mixing.mixer import limit_reference, mix_reference
from spaces.mixing.opus import FRAME
from spaces.mixing.programs import LOOKAHEAD

Samples = NDArray[np.float32]
LOUDEST = float(np.float32(1e15))
"""Beyond what a frame may hold: its sum of squares is bounded where it is played (playout.POWER_MAX)."""

SAMPLE = st.floats(-LOUDEST, LOUDEST, width=32) | st.floats(-2, 2, width=32)
# Few values spread over a frame find more than 960 that are all alike.
FRAMES = hnp.arrays(np.float32, FRAME, elements=SAMPLE, fill=st.just(np.float32(0.0)) | SAMPLE)


@settings(max_examples=60, deadline=None)
@given(st.lists(FRAMES, min_size=1, max_size=3))
def test_never_above_the_ceiling(frames: list[Samples]) -> None:
    delay, gain = np.zeros(LOOKAHEAD, np.float32), np.float32(1.0)
    peaks = np.zeros(BLOCKS + 1, np.float32)
    for frame in [*frames, np.zeros(FRAME, np.float32)]:
        block = np.concatenate([delay, frame])
        out = np.empty(FRAME, np.float32)
        expected, expected_gain = limit_reference(block, gain)
        gain = np.float32(limit(block, delay, gain, out, peaks))
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= CEILING * 1.00001
        assert 0.0 <= gain <= 1.0
        np.testing.assert_array_equal(out, expected)
        assert gain == expected_gain
        assert np.sign(out[block[:FRAME] > 0]).min(initial=0) >= 0, "it never turns a sample over"


@settings(max_examples=25, deadline=None)
@given(st.lists(FRAMES, max_size=4), st.data())
def test_the_reference_mix_is_the_sum(frames: list[Samples], data: st.DataObject) -> None:
    gains = hnp.arrays(np.float32, len(frames), elements=st.floats(0, 1, width=32))
    start, end = data.draw(gains), data.draw(gains)
    mixed = mix_reference(np.array(frames, np.float32).reshape(len(frames), FRAME), start, end)
    ramp = np.arange(FRAME) / FRAME
    exact = sum(
        (np.float64(f) * (s + (float(e) - s) * ramp) for f, s, e in zip(frames, start.tolist(), end, strict=True)),
        np.zeros(FRAME),
    )
    scale = sum((np.abs(f).max() for f in frames), 1.0)
    assert np.abs(mixed - exact).max() <= 1e-5 * scale
