"""What is in a recording: how like the original, which tones, which gaps. All at 48 kHz mono."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.harness.opus import RATE, Samples

WINDOW_SECONDS = 0.5
SEARCH_SECONDS = 0.04
SILENCE_DBFS = -180.0
RECOGNISED = 0.8
"""From this correlation on, a window's place is taken as where the sound now lies."""
COARSE = 6
AUDIBLE_RMS = 10 ** (-50 / 20)
"""-50 dBFS: below it there is nothing to compare."""


def correlations(heard: Samples, original: Samples, *, jumps: bool = False) -> NDArray[np.float64]:
    """Of every window of 500 ms in which the original is audible: the best normalised correlation within ± 40 ms.

    `original` is taken as a loop. The recording's place in it is found first, over the whole of it. From the first window
    recognised there, the others are followed forwards and backwards: each is looked for within ± 40 ms of where its
    neighbour lay, as a playout delay may change by a frame or two. With `jumps`, a window that is not recognised there is
    looked for everywhere: for players whose own clock stutters, and for speakers in a test's own process, whose delay grows
    when the machine has no time for them. The window of a jump is spoilt either way.
    """
    window = round(WINDOW_SECONDS * RATE)
    starts = range(0, len(heard) - window + 1, window)
    place = place_in_loop(heard, original)
    anchor = 0
    for number, start in enumerate(starts):
        similarity, _ = _window(heard, original, start, place)
        if similarity is not None and similarity >= RECOGNISED:
            anchor = number
            break
    forwards = _follow(heard, original, starts[anchor:], place, jumps)
    backwards = _follow(heard, original, starts[:anchor][::-1], place, jumps)
    return np.array(backwards[::-1] + forwards)


def _follow(heard: Samples, original: Samples, starts: Sequence[int], place: int, jumps: bool) -> list[float]:
    found = []
    for start in starts:
        similarity, moved = _window(heard, original, start, place)
        if jumps and (similarity is None or similarity < RECOGNISED):
            elsewhere = place_in_loop(heard[start : start + round(WINDOW_SECONDS * RATE)], original) - start
            similar, by = _window(heard, original, start, elsewhere)
            if similar is not None and similar >= RECOGNISED:
                place, similarity, moved = elsewhere, similar, by
        if similarity is not None:
            found.append(similarity)
            if similarity >= RECOGNISED:
                place += moved
    return found


def _window(heard: Samples, original: Samples, start: int, place: int) -> tuple[float | None, int]:
    """(best correlation, or None where the original is silent; by how many samples its place differs from `place`)."""
    window, search = round(WINDOW_SECONDS * RATE), round(SEARCH_SECONDS * RATE)
    indices = np.arange(place + start - search, place + start + window + search) % len(original)
    stretch = original[indices].astype(np.float64)
    if np.sqrt(np.mean(stretch**2)) < AUDIBLE_RMS:
        return None, 0
    similarity, offset = _best_correlation(heard[start : start + window].astype(np.float64), stretch)
    return similarity, offset - search


def place_in_loop(heard: Samples, original: Samples) -> int:
    """Where in the looped original the recording begins, to COARSE samples, by cross-correlation."""
    coarse = _coarse(heard[: len(original)])
    unrolled = _coarse(np.concatenate((original, original[: len(heard)])))
    size = 1 << len(unrolled).bit_length()  # a length with large primes in it takes the transform seconds
    spectrum = np.fft.rfft(unrolled, size) * np.conj(np.fft.rfft(coarse, size))
    return COARSE * int(np.argmax(np.fft.irfft(spectrum, size)[: len(original) // COARSE]))


def _coarse(samples: Samples) -> Samples:
    """Mean of every few: what is left of speech by which one knows it."""
    whole = len(samples) // COARSE * COARSE
    return np.asarray(samples[:whole].reshape(-1, COARSE).mean(axis=1), np.float32)


def _best_correlation(part: NDArray[np.float64], stretch: NDArray[np.float64]) -> tuple[float, int]:
    """The best of all places of `part` in `stretch`, and that place."""
    size = 1 << (len(stretch) + len(part)).bit_length()
    products = np.fft.irfft(np.fft.rfft(stretch, size) * np.conj(np.fft.rfft(part, size)), size)
    offsets = len(stretch) - len(part) + 1
    energies = np.cumsum(np.concatenate(([0.0], stretch**2)))
    energy = energies[len(part) : len(part) + offsets] - energies[:offsets]
    norms = np.sqrt(np.maximum(energy, 0) * np.sum(part**2))
    ratio = np.divide(products[:offsets], norms, out=np.zeros(offsets), where=norms > 1e-9)
    at = int(np.argmax(ratio))
    return float(ratio[at]), at


def tone_levels(heard: Samples, hertz: Sequence[float]) -> NDArray[np.float64]:
    """Amplitude of each tone in dBFS (a full-scale sine is 0), by a Hann-windowed FFT and the peak within ± 3 bins."""
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) / (len(heard) / 4)
    width = RATE / len(heard)
    peaks = []
    for frequency in hertz:
        middle = round(frequency / width)
        peaks.append(float(np.max(spectrum[max(0, middle - 3) : middle + 4])))
    return 20 * np.log10(np.maximum(peaks, 1e-9))


def steady_tone_levels(heard: Samples, hertz: Sequence[float], *, window_seconds: float = 0.25) -> NDArray[np.float64]:
    """Amplitude of each tone in dBFS: the median over short windows.

    A playout delay that changes shifts a tone's phase, which would smear one long spectrum but not its level.
    """
    window = round(window_seconds * RATE)
    if len(heard) < window:
        return np.full(len(hertz), SILENCE_DBFS)
    windows = [heard[start : start + window] for start in range(0, len(heard) - window + 1, window)]
    return np.asarray(np.median([tone_levels(one, hertz) for one in windows], axis=0))


def tone_track(heard: Samples, hertz: float, *, step_seconds: float = 0.01) -> NDArray[np.float64]:
    """Level of one tone over time, dBFS, one value per step (windows of 20 ms)."""
    step, window = round(step_seconds * RATE), round(0.02 * RATE)
    time = np.arange(len(heard)) / RATE
    shifted = heard * np.exp(-2j * np.pi * hertz * time) * 2
    sums = np.cumsum(np.concatenate(([0], shifted)))
    starts = np.arange(0, len(heard) - window + 1, step)
    return np.asarray(20 * np.log10(np.maximum(np.abs(sums[starts + window] - sums[starts]) / window, 1e-9)))


def longest_gap_seconds(quiet: NDArray[np.bool_], *, step_seconds: float = 0.01) -> float:
    """Length of the longest run of quiet steps."""
    longest = run = 0
    for is_quiet in quiet:
        run = run + 1 if is_quiet else 0
        longest = max(longest, run)
    return longest * step_seconds


def first_sound_seconds(heard: Samples) -> float | None:
    """When the recording first exceeds -50 dBFS over 10 ms; None: never."""
    step = RATE // 100
    frames = heard[: len(heard) // step * step].reshape(-1, step)
    loud = np.flatnonzero(np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1)) > AUDIBLE_RMS)
    return float(loud[0]) / 100 if len(loud) else None
