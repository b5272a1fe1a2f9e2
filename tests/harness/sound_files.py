"""Sound files as people bring them, made by FFmpeg."""

from __future__ import annotations

import io

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

CODECS = {"wav": "pcm_s16le", "mp3": "libmp3lame", "ogg": "libopus", "flac": "flac", "mp4": "aac", "webm": "libopus"}


def tone(hertz: float, seconds: float, amplitude: float = 0.5, rate: int = 48_000) -> NDArray[np.float32]:
    n = np.arange(round(seconds * rate))
    return (amplitude * np.sin(2 * np.pi * hertz * n / rate)).astype(np.float32)


def sound_file(samples: NDArray[np.float32], kind: str = "wav", *, rate: int = 48_000, channels: int = 1) -> bytes:
    """The same on all channels."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as container:
        coded = 48_000 if CODECS[kind] == "libopus" else rate
        stream = container.add_stream(CODECS[kind], rate=coded, layout="stereo" if channels == 2 else "mono")
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame.from_ndarray(
            np.repeat(samples, channels)[None, :], format="flt", layout=stream.layout.name
        )
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, stream.layout, coded, stream.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return out.getvalue()
