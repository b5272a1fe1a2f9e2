"""How good it sounds: PESQ and STOI against what was said, loudness, distortion of tones. All of 48 kHz mono.

`pesq` and `pystoi` are the extra `bench` of this project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pesq import NoUtterancesError, pesq
from pystoi import stoi
from scipy import signal

from tests.harness.opus import RATE, Samples

PESQ_RATE = 16_000
SEARCH_SECONDS = 1.0
WINDOW_SECONDS, DRIFT_SECONDS = 2.0, 0.08
CLIPPED = 32_767 / 32_768
"""From here on a sample was cut off, or is at the brink."""


@dataclass(frozen=True, slots=True)
class Score:
    """PESQ-WB (ITU-T P.862.2: 1.0 to 4.64) and STOI (0 to 1)."""

    pesq: float
    stoi: float


def score(said: Samples, heard: Samples) -> Score:
    """`heard` may begin up to a second before what was said, and must be as long at least; silence scores the worst."""
    reference, degraded = (signal.resample_poly(one, PESQ_RATE, RATE) for one in (said, align(said, heard)))
    try:
        quality = float(pesq(PESQ_RATE, reference, degraded, "wb"))
    except NoUtterancesError:
        quality = 1.0
    return Score(quality, _intelligibility(said, heard))


def _intelligibility(said: Samples, heard: Samples) -> float:
    """STOI, the mean over windows each aligned for itself: it is blind to a delay, and must not see one that moves."""
    window, search = round(WINDOW_SECONDS * RATE), round(DRIFT_SECONDS * RATE)
    around = align(said, heard, before=search)
    found = []
    for start in range(0, len(said) - window + 1, window):
        part = said[start : start + window]
        near = align(part, around[start : start + window + 2 * search])
        found.append(stoi(*(signal.resample_poly(one, PESQ_RATE, RATE) for one in (part, near)), PESQ_RATE))
    return float(np.mean(found))


def align(said: Samples, heard: Samples, *, before: int = 0) -> Samples:
    """The stretch of `heard` that is most like `said`, as long as that, and `before` samples more on either side."""
    heard = np.concatenate((np.zeros(before, np.float32), heard))
    padded = np.concatenate((heard, np.zeros(max(0, len(said) + 2 * before + RATE // 2 - len(heard)), np.float32)))
    places = min(len(padded) - len(said) - 2 * before + 1, round(SEARCH_SECONDS * RATE))
    products = signal.correlate(padded[before : before + len(said) + places - 1], said, mode="valid", method="fft")
    at = int(np.argmax(products))
    return padded[at : at + len(said) + 2 * before]


def loudness(samples: Samples) -> float:
    """Gated loudness in LUFS (ITU-R BS.1770-4, one channel)."""
    shelf = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
    high_pass = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
    weighted = signal.lfilter(*high_pass, signal.lfilter(*shelf, samples.astype(np.float64)))
    block, step = round(0.4 * RATE), round(0.1 * RATE)
    powers = np.array([np.mean(weighted[at : at + block] ** 2) for at in range(0, len(weighted) - block + 1, step)])
    loud = powers[_lufs(powers) > -70.0]
    if not len(loud):
        return -70.0
    loud = loud[_lufs(loud) > _lufs(np.mean(loud)) - 10.0]
    return float(_lufs(np.mean(loud)))


def _lufs(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, 1e-12)))


def clipped(samples: Samples) -> int:
    return int(np.count_nonzero(np.abs(samples) >= CLIPPED))


def distortion(samples: Samples, hertz: Sequence[float]) -> float:
    """THD+N in dB: all that is not one of the tones, against the tones; the median of windows of half a second."""
    window = RATE // 2
    ratios = []
    for start in range(0, len(samples) - window + 1, window):
        spectrum = np.abs(np.fft.rfft(samples[start : start + window] * signal.windows.blackmanharris(window))) ** 2
        spectrum[: round(20 * window / RATE)] = 0.0
        tones = np.zeros(len(spectrum), np.bool_)
        for frequency in hertz:
            middle = round(frequency * window / RATE)
            tones[middle - 8 : middle + 9] = True  # ± 16 Hz: the window's main lobe, and a pace 0.4 % off
        ratios.append(10 * np.log10(np.sum(spectrum[~tones]) / max(np.sum(spectrum[tones]), 1e-12)))
    return float(np.median(ratios))
