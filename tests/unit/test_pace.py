"""A speaker who is hurried sounds as he did: a tone stays one, without a step where hurrying begins and ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.speakers import RATE_MAX
from tests.harness.playout import TICK, Playout
from tests.harness.sound import encode, sine

HERTZ, AMPLITUDE = 440.0, 0.2
TONE = encode(sine(HERTZ, 3.0, AMPLITUDE))[50:100]  # past the beginning, so that the loop has no seam


def steps(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each sample, in amplitudes of the tone: how far it is from where a sine of its pitch would have gone on to."""
    x = sound.astype(np.float64)
    w = 2 * np.pi * HERTZ / SAMPLE_RATE
    return np.asarray(np.abs(x[2:] - 2 * np.cos(w) * x[1:-1] + x[:-2]) / AMPLITUDE)


def hurried() -> tuple[NDArray[np.float32], list[int]]:
    """The sound of a tone whose packets come 30 ms before their turn from the second second on, and each frame's rate."""
    playout = Playout()
    rates = []
    for n in range(1_200):
        if n < 50:
            playout.insert(n, TONE[n % len(TONE)], at=playout.now + TICK - 0.005)
        if n >= 49:
            playout.insert(n + 1, TONE[(n + 1) % len(TONE)], at=playout.now + TICK - 0.010)
        playout.tick()
        rates.append(playout.count("rate"))
    playout.check()
    assert playout.pauses == playout.count("underruns") == 0
    assert playout.count("stretched") == -FRAME
    return playout.sound, rates


def test_the_measure_sees_a_step() -> None:
    tone = sine(HERTZ, 1.0, AMPLITUDE)
    assert steps(tone).max() < 1e-4
    assert steps(np.concatenate((tone[:24_000], tone[24_010:]))).max() > 0.1
    assert steps(np.concatenate((tone[:24_000], tone[24_001:]))).max() > 0.02


def test_a_hurried_tone_has_no_step_in_it_nor_at_its_ends() -> None:
    sound, rates = hurried()
    began, ended = rates.index(RATE_MAX), len(rates) - rates[::-1].index(RATE_MAX)
    assert 200 < ended - began < 300, "a frame at 0.4 % is five seconds"
    found = steps(sound[2 * FRAME :])
    print(
        f"hurried from frame {began} to {ended}: worst step {found.max():.4f}, before {found[: 100 * FRAME].max():.4f}"
    )
    assert found.max() < 0.02


def test_a_hurried_tone_is_seven_cents_higher_and_takes_a_frame_less() -> None:
    sound, rates = hurried()
    began = rates.index(RATE_MAX)
    stretch = sound[(began + 20) * FRAME : (began + 220) * FRAME]
    spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch))))
    pitch = np.argmax(spectrum) * SAMPLE_RATE / len(stretch)
    assert abs(pitch / HERTZ - (FRAME + RATE_MAX) / FRAME) < 0.001
