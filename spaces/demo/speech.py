"""The demo host's talk: Opus packets of a recorded speech, ready to be sent as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

SPEECH_FILE = Path(__file__).with_name("speech.opus")
PACKET_SAMPLES = 960
"""20 ms at Opus's clock of 48 kHz; the file was encoded so."""

SILENCE_LEVEL = 127
VOICE_LEVEL_MAX = 50
"""Louder than -50 dBov counts as voice in the level extension's V bit."""


@dataclass(frozen=True, slots=True)
class Speech:
    """One packet per 20 ms, and of each the level in -dBov (RFC 6464: 0 loud, 127 silence)."""

    packets: tuple[bytes, ...]
    levels: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return len(self.packets) * PACKET_SAMPLES / 48_000


def read_speech(path: Path = SPEECH_FILE) -> Speech:
    """Read an Ogg Opus file of 20 ms packets.

    The packets are not transcoded; they are decoded once beside it, only to learn their levels (about 50 ms of work).
    """
    packets: list[bytes] = []
    levels: list[int] = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for packet in container.demux(stream):
            if packet.size == 0:  # the demuxer's end mark
                continue
            frames = packet.decode()
            packets.append(bytes(packet))
            samples = np.concatenate([f.to_ndarray().reshape(-1) for f in frames]) if frames else np.zeros(1)
            levels.append(level_of(samples.astype(np.float64)))
    return Speech(tuple(packets), tuple(levels))


def level_of(samples: np.ndarray) -> int:
    """Root mean square of samples in [-1, 1] as -dBov, RFC 6464 §3."""
    rms = float(np.sqrt(np.mean(np.square(samples))))
    if rms <= 0.0:
        return SILENCE_LEVEL
    return int(min(SILENCE_LEVEL, max(0, round(-20.0 * np.log10(rms)))))
