"""Sounds that can be told apart, and WAV files of them for browsers' fake microphones."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from spaces.demo.speech import Speech, level_of
from tests.harness.opus import FRAME, RATE, Samples, encode


def tone(hertz: float, seconds: float, *, amplitude: float = 0.2) -> Samples:
    """A sine that ends where it began, so that it can be looped without a click."""
    periods = max(1, round(hertz * seconds))
    time = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * periods / seconds * time)).astype(np.float32)


def packed(samples: Samples, *, bitrate: int = 64_000) -> Speech:
    """A sound as a light client sends it: Opus packets with their levels."""
    packets = encode(samples, bitrate=bitrate)
    levels = [level_of(samples[n * FRAME : (n + 1) * FRAME].astype(np.float64)) for n in range(len(packets))]
    return Speech(tuple(packets), tuple(levels))


def write_wav(path: Path, samples: Samples) -> Path:
    """16-bit mono at 48 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path
