"""The speech that is sent: recordings of a human voice, else a synthetic one; and its Opus packets.

Debian's alsa-utils ships nine recordings of a woman's voice saying where a loudspeaker stands, at 48 kHz. Where they are
missing, espeak-ng talks; which of the two it was is part of what a benchmark prints.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spaces.demo.speech import level_of
from spaces.mixing.opus import FRAME, SAMPLE_RATE, Encoder
from tests.harness.opus import Samples, decode_file

RECORDINGS = Path("/usr/share/sounds/alsa")
WORDS = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
    "It is easy to tell the depth of a well. These days a chicken leg is a rare dish."
)
PEAK = 0.5
"""−6 dBFS: room for what a decoder adds."""
BITRATE = 32_000
"""What browsers send for speech."""
EXPECTED_LOSS_PERCENT_MAX = 20
"""Encoders stop adding redundancy there; browsers clamp what receiver reports say likewise."""


class NoVoiceError(Exception):
    """Neither recordings nor a synthetic voice on this machine."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Speech of some seconds, a whole number of frames, ending in a pause; `source` says whose it is."""

    source: str
    samples: Samples

    @property
    def frames(self) -> int:
        return len(self.samples) // FRAME


def recorded_voice() -> Voice:
    """All recordings one after another; the noise among them left out. Raises NoVoiceError."""
    files = sorted(file for file in RECORDINGS.glob("*.wav") if file.stem != "Noise")
    if not files:
        raise NoVoiceError(f"no recordings in {RECORDINGS} (Debian: alsa-utils)")
    return Voice("alsa-utils recordings", _prepared(np.concatenate([decode_file(str(file)) for file in files])))


def synthetic_voice(folder: Path, words: str = WORDS, *, voice: str = "en", pitch: int = 50) -> Voice:
    """espeak-ng. Raises NoVoiceError."""
    file = folder / f"{voice}-{pitch}.wav"
    try:
        subprocess.run(["espeak-ng", "-v", voice, "-p", str(pitch), "-w", str(file), words], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoVoiceError("espeak-ng does not run (Debian: espeak-ng)") from error
    return Voice("espeak-ng", _prepared(decode_file(str(file))))


def some_voice(folder: Path) -> Voice:
    """The recordings, else the synthetic voice. Raises NoVoiceError."""
    try:
        return recorded_voice()
    except NoVoiceError:
        return synthetic_voice(folder)


def scaled(voice: Voice, decibels: float) -> Voice:
    return Voice(voice.source, (voice.samples * 10 ** (decibels / 20)).astype(np.float32))


def _prepared(samples: Samples) -> Samples:
    pause = SAMPLE_RATE // 4
    frames = -(-(len(samples) + pause) // FRAME)
    whole = np.zeros(frames * FRAME, np.float32)
    whole[: len(samples)] = samples * (PEAK / np.max(np.abs(samples)))
    return whole


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop of packets, 20 ms each, of each its level (RFC 6464), and what they were made of."""

    samples: Samples
    packets: tuple[bytes, ...]
    levels: tuple[int, ...]


def loop_of(samples: Samples, *, loss_percent: float = 0, bitrate: int = BITRATE, complexity: int = 9) -> Loop:
    """Encode as a browser would that was told of this loss: in-band FEC if there is any.

    The loop is encoded twice and the second time taken, so that it has no seam.
    """
    expected = min(EXPECTED_LOSS_PERCENT_MAX, round(loss_percent))
    encoder = Encoder(bitrate, expected_loss_percent=expected, complexity=complexity, dtx=False)
    frames = samples.reshape(-1, FRAME)
    for frame in frames:
        encoder.encode(frame)
    return Loop(
        samples,
        tuple(encoder.encode(frame) for frame in frames),
        tuple(level_of(frame.astype(np.float64)) for frame in frames),
    )
