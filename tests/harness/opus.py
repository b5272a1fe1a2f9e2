"""Opus in the tests, by PyAV: a second implementation beside the server's own binding of libopus."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000
FRAME = 960
"""20 ms."""

Samples = NDArray[np.float32]


def encode(samples: Samples, *, bitrate: int = 64_000) -> list[bytes]:
    """Mono samples in [-1, 1] as packets of 20 ms; what is left of the last frame is dropped."""
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = RATE, "mono", "flt"
    codec.bit_rate, codec.time_base = bitrate, Fraction(1, RATE)
    codec.options = {"application": "audio", "frame_duration": "20", "vbr": "on"}
    packets = []
    for start in range(0, len(samples) - FRAME + 1, FRAME):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None, start : start + FRAME], dtype=np.float32), format="flt", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


class Decoder:
    """Packets in, mono samples out; a lost packet is silence, so that losses can be seen."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "r")
        assert isinstance(codec, av.AudioCodecContext)
        codec.sample_rate, codec.layout = RATE, "mono"
        self._codec = codec

    def decode(self, payload: bytes) -> Samples:
        parts: list[Samples] = []
        for frame in self._codec.decode(av.Packet(payload)):
            block = frame.to_ndarray()
            block = block.astype(np.float32) / 32768 if block.dtype == np.int16 else block.astype(np.float32)
            channels = len(frame.layout.channels)
            parts.append(block.reshape(-1, channels).mean(axis=1) if not frame.format.is_planar else block.mean(axis=0))
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def decode_file(path: str) -> Samples:
    """A whole audio file as 48 kHz mono."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    parts: list[Samples] = []
    with av.open(path) as container:
        for frame in container.decode(audio=0):
            parts += [f.to_ndarray().reshape(-1).astype(np.float32) for f in resampler.resample(frame)]
    parts += [f.to_ndarray().reshape(-1).astype(np.float32) for f in resampler.resample(None)]
    return np.concatenate(parts)
