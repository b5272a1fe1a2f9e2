"""Reads one sound file that nobody trusts: from stdin, to stdout. Run as a script in a process that may do little else.

The answer is OK and 16-bit samples (48 kHz, mono, little-endian), levelled; or NO and why, in UTF-8. It imports nothing of
ours, so that it starts quickly and knows no secrets. Its limits are the kernel's: whatever a decoder does, it ends.
"""

from __future__ import annotations

import io
import itertools
import os
import resource
import sys
import wave

import av
import av.subtitles.codeccontext
import av.video.codeccontext
import numpy as np
from av.error import FFmpegError

RATE = 48_000
SECONDS_MAX = 15.0
SAMPLES_MIN = RATE // 50
CPU_SECONDS_MAX = 5
MEMORY_BYTES_MAX = 1 << 30
"""Of address space, libraries included."""
FILE_BYTES_MAX = 8 << 20

FORMATS = "wav,mp3,ogg,flac,aac,mov,matroska"
CODECS = frozenset(
    (
        "pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "mp3", "mp3float", "vorbis", "libvorbis", "opus",
        "libopus", "flac", "aac", "alac",
    )
)  # fmt: skip

TARGET_LUFS = -18.0
"""What the mix brings speakers to."""
SILENT_LUFS = -60.0
PEAK_MAX = 0.89
"""The mix's limiter touches nothing below it."""
BLOCK, HOP = RATE * 4 // 10, RATE // 10
"""BS.1770-4: blocks of 400 ms, overlapping by three quarters."""
RELATIVE_GATE_LU = 10.0

Samples = np.ndarray


class Refused(Exception):  # noqa: N818 - an answer
    pass


def confine() -> None:
    """From here on: little memory, little time, no files, no processes."""
    os.nice(10)
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_SECONDS_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (most, most))


def decode(data: bytes) -> Samples:
    """Mono at 48 kHz. Raises Refused, and what FFmpeg raises."""
    options = {"format_whitelist": FORMATS, "codec_whitelist": ",".join(sorted(CODECS))}
    with av.open(io.BytesIO(data), "r", options=options, metadata_errors="ignore") as container:
        if not container.streams.audio:
            raise Refused("there is no sound in it")
        stream = container.streams.audio[0]
        context = stream.codec_context
        if context.codec.name not in CODECS:
            raise Refused(f"{context.codec.name} is not taken")
        context.thread_count = 1
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        parts: list[Samples] = []
        count = 0
        for frame in itertools.chain(container.decode(stream), [None]):  # None: what the resampler still holds
            for part in resampler.resample(frame):
                parts.append(part.to_ndarray().reshape(-1))
                count += len(parts[-1])
            if count > SECONDS_MAX * RATE:
                raise Refused(f"it is longer than {SECONDS_MAX:g} s")
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if len(samples) < SAMPLES_MIN:
        raise Refused("there is no sound in it")
    return np.nan_to_num(samples.astype(np.float64), posinf=0.0, neginf=0.0)


def loudness(samples: Samples) -> float:
    """Integrated loudness (ITU-R BS.1770-4) in LUFS; K-weighting is applied to the spectrum of each block."""
    block = min(BLOCK, len(samples))
    starts = range(0, len(samples) - block + 1, HOP)
    spectra = np.abs(np.fft.rfft(np.array([samples[s : s + block] for s in starts]), axis=1)) ** 2
    spectra[:, 1:-1] *= 2.0
    energy = spectra @ k_weighting(block) / block**2
    levels = -0.691 + 10 * np.log10(energy + 1e-13)
    heard = energy[levels > SILENT_LUFS - RELATIVE_GATE_LU]
    if not len(heard):
        return -120.0
    gate = heard.mean() * 10 ** (-RELATIVE_GATE_LU / 10)
    return float(-0.691 + 10 * np.log10(heard[heard > gate].mean() + 1e-13))


def k_weighting(block: int) -> Samples:
    """The squared gain of BS.1770's two filters at 48 kHz, at each frequency of a block's spectrum."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(block))
    shelf = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
    high_pass = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)
    gain = np.ones(len(z), complex)
    for above, below in (shelf, high_pass):
        gain *= np.polyval(above[::-1], z) / np.polyval(below[::-1], z)
    return np.abs(gain) ** 2


def levelled(samples: Samples) -> Samples:
    """As loud as speakers are, unless its peaks would be cut. Raises Refused for silence."""
    samples = samples - samples.mean()
    level = loudness(samples)
    if level < SILENT_LUFS:
        raise Refused("it is silent")
    gain = min(10 ** ((TARGET_LUFS - level) / 20), PEAK_MAX / np.abs(samples).max())
    rounded: Samples = np.round(samples * gain * 32_767).astype("<i2")
    return rounded


def warm_up() -> None:
    """Read a sound of our own: what the libraries load on demand is loaded, for afterwards no file can be opened."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE // 2)
        out.writeframes(np.tile(np.array([-9_000, 9_000], "<i2"), RATE // 8).tobytes())
    levelled(decode(file.getvalue()))


def main() -> None:
    warm_up()
    confine()
    data = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    try:
        if len(data) > FILE_BYTES_MAX:
            raise Refused("it is too large")
        answer = b"OK" + levelled(decode(data)).tobytes()
    except Refused as refused:
        answer = b"NO" + str(refused).encode()
    except (FFmpegError, ValueError, MemoryError, OverflowError, ArithmeticError, IndexError):
        answer = b"NOit is not a sound file that can be read (WAV, MP3, Ogg, FLAC, AAC, MP4, WebM)"
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
