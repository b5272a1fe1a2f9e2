"""A stream of short bursts in near silence, and where a listener hears them: mouth to ear by one clock. Pure.

The mouth speaks sample k of the track at `start + k / 48000`; a packet is ready 20 ms after its first sample was spoken. The
ear plays sample p of a packet at `arrival + p / 48000`, without a jitter buffer of its own. On a perfect path the codec's
look-ahead and the frame are left: 26.5 ms. What the codec itself delays is had from the same packets decoded without a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spaces.mixing.opus import FRAME, SAMPLE_RATE, Decoder, Encoder
from tests.harness.client import Packet
from tests.harness.opus import Samples

FRAME_SECONDS = FRAME / SAMPLE_RATE
BITRATE = 64_000
BURST = 240
"""Samples: 5 ms."""
BURST_AMPLITUDE = 0.5
BACKGROUND_AMPLITUDE = 0.001
"""−60 dBFS of noise, so that nobody takes it for a stream that has stopped."""
LEAD_SECONDS, TAIL_SECONDS = 1.0, 0.5
APART_SECONDS_MIN, APART_SECONDS_MAX = 0.35, 0.55
LATE_SECONDS_MAX = 0.3
"""A click is looked for this long after it was made; the next one is later."""
LIKE_MIN = 0.4
"""Correlation from which a stretch is taken for the burst after two generations of coding."""


@dataclass(frozen=True, slots=True)
class Track:
    """`clicks` are the first samples of the bursts; `decoded` is what a decoder makes of the packets."""

    packets: tuple[bytes, ...]
    clicks: tuple[int, ...]
    decoded: Samples
    delay: int
    """Samples by which the codec delays, found in `decoded`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One click at one ear. Seconds."""

    mouth_to_ear: float
    server: float
    """From the packet handed to the kernel to the sound at the ear, less what the sender's codec delays."""


def burst() -> Samples:
    """Noise below 6 kHz under a Hann window: wide enough for one sharp place of best likeness."""
    noise = np.random.default_rng(1).standard_normal(BURST)
    spectrum = np.fft.rfft(noise)
    spectrum[BURST * 6_000 // SAMPLE_RATE :] = 0
    shaped = np.fft.irfft(spectrum, BURST) * np.hanning(BURST)
    return np.asarray(BURST_AMPLITUDE * shaped / np.abs(shaped).max(), np.float32)


def track(seed: int, clicks: int) -> Track:
    """Bursts at random distances, at no fixed place of a frame."""
    die = np.random.default_rng(seed)
    gaps = die.uniform(APART_SECONDS_MIN, APART_SECONDS_MAX, clicks)
    places = tuple(int(at) for at in (LEAD_SECONDS + np.cumsum(gaps)) * SAMPLE_RATE)
    frames = int((places[-1] / SAMPLE_RATE + TAIL_SECONDS) / FRAME_SECONDS)
    sound = (BACKGROUND_AMPLITUDE * die.standard_normal(frames * FRAME)).astype(np.float32)
    for at in places:
        sound[at : at + BURST] += burst()
    encoder, decoder = Encoder(BITRATE, expected_loss_percent=0, dtx=False), Decoder()
    packets = tuple(encoder.encode(sound[n * FRAME : (n + 1) * FRAME]) for n in range(frames))
    decoded = np.concatenate([decoder.decode(packet) for packet in packets])
    delays = [place(burst(), decoded[at : at + 2 * FRAME])[0] for at in places]
    return Track(packets, places, decoded, int(np.median(delays)))


def place(pattern: Samples, where: Samples) -> tuple[int, float]:
    """Where the pattern is most like what is there, and how like (normalised correlation)."""
    products = np.correlate(where, pattern, "valid")
    energies = np.convolve(where.astype(np.float64) ** 2, np.ones(len(pattern)), "valid")
    likeness = products / np.sqrt(np.maximum(energies, 1e-9) * np.sum(pattern.astype(np.float64) ** 2))
    at = int(np.argmax(np.abs(likeness)))
    return at, float(abs(likeness[at]))


def hear(track: Track, start: float, sent: Sequence[float], packets: Sequence[Packet]) -> list[Heard]:
    """Those clicks that were heard. `start`: when the mouth began; `sent`: when each packet left; all of one clock."""
    samples, times = _timeline(packets)
    found = []
    for click in track.clicks:
        spoken = start + click / SAMPLE_RATE
        within = np.flatnonzero((times >= spoken) & (times < spoken + LATE_SECONDS_MAX))
        if len(within) < 2 * BURST:
            continue
        onset = click + track.delay
        pattern = track.decoded[onset : onset + BURST]
        at, like = place(pattern, samples[within[0] : within[-1] + 1])
        if like < LIKE_MIN:
            continue
        heard_at = float(times[within[0] + at])
        packet, offset = divmod(onset, FRAME)
        found.append(Heard(heard_at - spoken, heard_at - (sent[packet] + offset / SAMPLE_RATE)))
    return found


def _timeline(packets: Sequence[Packet]) -> tuple[Samples, np.ndarray]:
    """What one source's packets decode to, in their order, and when each sample is played."""
    decoder = Decoder()
    sounds, times = [np.zeros(0, np.float32)], [np.zeros(0)]
    for packet in packets:
        sound = decoder.decode(packet.payload)
        sounds.append(sound)
        times.append(packet.arrival + np.arange(len(sound)) / SAMPLE_RATE)
    return np.concatenate(sounds), np.concatenate(times)
