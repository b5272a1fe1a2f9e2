"""A listener's playout, the simplest that is good: every packet is played a fixed time after the fastest would have been.

What is missing when its turn comes is taken from a RED copy, else from the in-band FEC of the packet behind it, if those
are there by then, else concealed by libopus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spaces.mixing.opus import FRAME, SAMPLE_RATE, Decoder, packet_samples_untrusted
from tests.harness.opus import Samples

PLAYOUT_SECONDS = 0.120


@dataclass(frozen=True, slots=True)
class Received:
    """One Opus packet, whichever way it came: its place in samples, and when it was there."""

    timestamp: int
    arrival: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class Played:
    """The sound, from `timestamp` on, and how its packets were had; counts are packets."""

    samples: Samples
    timestamp: int
    received: int
    repaired: int
    concealed: int


def play(packets: Sequence[Received], *, playout_seconds: float = PLAYOUT_SECONDS) -> Played:
    """Timestamps must be unwrapped; of copies the one there first counts."""
    if not packets:
        return Played(np.zeros(0, np.float32), 0, 0, 0, 0)
    first = min(packet.timestamp for packet in packets)
    fastest = min(packet.arrival - packet.timestamp / SAMPLE_RATE for packet in packets)
    held: dict[int, Received] = {}
    for packet in packets:
        due = fastest + packet.timestamp / SAMPLE_RATE + playout_seconds
        known = held.get(packet.timestamp)
        if packet.arrival <= due and (known is None or packet.arrival < known.arrival):
            held[packet.timestamp] = packet
    order = sorted(held)
    decoder, parts, now, duration = Decoder(), [], first, FRAME
    received = repaired = concealed = 0
    for place in order:
        packet = held[place]
        while place - now >= FRAME // 8:
            missing = min(duration, place - now)
            due = fastest + now / SAMPLE_RATE + playout_seconds
            behind = place - now <= duration and packet.arrival <= due
            if behind:
                repaired += 1
                parts.append(decoder.decode(packet.payload, missing, fec=True))
            else:
                concealed += 1
                parts.append(decoder.decode(None, missing))
            now += missing
        if place < now:
            continue
        duration = packet_samples_untrusted(packet.payload)
        parts.append(decoder.decode(packet.payload))
        now += len(parts[-1])
        received += 1
    return Played(np.concatenate(parts), first, received, repaired, concealed)


def straight(payloads: Sequence[bytes], lost: Sequence[bool] | np.ndarray, copies: int = 0) -> Samples:
    """What the packets of a loop sound like behind a network that loses some of them and delays none.

    `copies` RED blocks at distances 1, 2, … come with every packet.
    """
    packets = []
    for number, gone in enumerate(lost):
        for back in range(copies + 1):
            if not gone and number >= back:
                packets.append(Received((number - back) * FRAME, number * 0.02, payloads[number - back]))
    samples = np.zeros(len(payloads) * FRAME, np.float32)
    played = play(packets)
    heard = played.samples[: len(samples) - played.timestamp]
    samples[played.timestamp : played.timestamp + len(heard)] = heard
    return samples
