"""The limiter of a mix: never above the ceiling, and no more than needed below it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from spaces.mixing.limiter import BLOCKS, CEILING, limit
from spaces.mixing.mixer import limit_reference
from spaces.mixing.opus import FRAME
from spaces.mixing.programs import LOOKAHEAD
from tests.harness.sound import sine

Samples = NDArray[np.float32]


class Limiter:
    def __init__(self) -> None:
        self.delay = np.zeros(LOOKAHEAD, np.float32)
        self.gain = np.float32(1.0)
        self._peaks = np.zeros(BLOCKS + 1, np.float32)

    def __call__(self, frame: Samples) -> Samples:
        block = np.concatenate([self.delay, frame.astype(np.float32)])
        out = np.empty(FRAME, np.float32)
        expected, gain = limit_reference(block, self.gain)
        self.gain = np.float32(limit(block, self.delay, self.gain, out, self._peaks))
        np.testing.assert_array_equal(out, expected)
        assert self.gain == gain
        return out


def run(samples: Samples) -> Samples:
    limiter = Limiter()
    return np.concatenate([limiter(samples[i : i + FRAME]) for i in range(0, len(samples), FRAME)])


def test_what_is_below_the_ceiling_passes_untouched_when_the_limiter_has_looked_ahead() -> None:
    samples = sine(300, 0.2, 0.88)
    out = run(samples)
    np.testing.assert_array_equal(out[LOOKAHEAD:], samples[:-LOOKAHEAD])
    assert not out[:LOOKAHEAD].any()


@pytest.mark.parametrize("amplitude", [0.9, 1.0, 4.0, 100.0])
def test_what_is_above_comes_down_to_the_ceiling_and_not_further(amplitude: float) -> None:
    out = run(sine(300, 0.4, amplitude))
    assert np.abs(out).max() <= CEILING * 1.000001
    assert np.abs(out[-4_800:]).max() > 0.85, "loud stays loud"


def test_a_click_is_seen_before_it_comes() -> None:
    samples = np.zeros(4_800, np.float32)
    samples[1_000::1_100] = -8.0
    out = run(samples)
    assert np.abs(out).max() <= CEILING * 1.000001


def test_the_gain_recovers_slowly_and_wholly() -> None:
    limiter = Limiter()
    limiter(np.full(FRAME, 8.0, np.float32))
    limiter(np.zeros(FRAME, np.float32))
    gains = []
    for _ in range(60):
        limiter(np.zeros(FRAME, np.float32))
        gains.append(float(limiter.gain))
    assert gains == sorted(gains)
    assert max(np.array(gains[1:]) / np.array(gains[:-1])) <= 1.041, "0.5 % per 2.5 ms"
    assert gains[-1] == 1.0


def test_the_gain_moves_without_steps() -> None:
    rng = np.random.default_rng(1)
    samples = np.repeat(rng.uniform(-3, 3, 200), 240).astype(np.float32)
    out = run(samples)
    aligned = samples[: len(out) - LOOKAHEAD]
    gain = out[LOOKAHEAD:] / aligned
    assert np.abs(np.diff(gain)).max() < 0.71 / LOOKAHEAD + 1e-4
