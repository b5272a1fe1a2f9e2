"""A media plane in virtual time, and what the scenarios ask of it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import numpy as np

from spaces.config import Config
from spaces.metrics import Metrics
from spaces.mixing.opus import FRAME, SAMPLE_RATE, Encoder
from spaces.sfu.media import Media
from spaces.sfu.rtp import sequence_after, timestamp_after
from tests.harness.left_behind import left_behind
from tests.simulation.client import Packet
from tests.simulation.virtual_time import VirtualClock, VirtualTicker


@asynccontextmanager
async def media_plane(clock: VirtualClock, new_ticker: type[VirtualTicker] = VirtualTicker) -> AsyncIterator[Media]:
    """A plane with one Space, "room"; leaving asserts that the sessions have left nothing behind."""
    media = Media(Config(udp_host="127.0.0.1", udp_port=0), Metrics(), clock=clock, new_ticker=new_ticker)
    await media.start()
    media.open_space("room")
    try:
        yield media
        left = left_behind(media)
        assert not left, f"left behind: {left}"
    finally:
        await media.stop()


def tone(hertz: float, seconds: float = 1.0) -> list[bytes]:
    """Opus packets of a sine that closes on itself."""
    encoder = Encoder(48_000, expected_loss_percent=10, dtx=False)
    n = int(seconds * SAMPLE_RATE)
    samples = (0.25 * np.sin(2 * np.pi * hertz * np.arange(n) / SAMPLE_RATE)).astype(np.float32)
    return [encoder.encode(samples[i : i + FRAME]) for i in range(0, n, FRAME)]


def assert_one_stream(packets: Iterable[Packet]) -> None:
    """Every packet belongs to one continuous stream: no sequence number twice, time growing with the sequence."""
    ordered = sorted(packets, key=lambda p: sequence_after(p.sequence, 0x2000))
    assert len({p.sequence for p in ordered}) == len(ordered), "a sequence number came twice"
    for before, after in itertools.pairwise(ordered):
        assert timestamp_after(after.timestamp, before.timestamp) >= FRAME, (before, after)


def longest_gap(packets: Iterable[Packet], start: float, end: float) -> float:
    """The longest time without a packet between start and end."""
    times = [start, *sorted(p.at for p in packets if start <= p.at <= end), end]
    return max(b - a for a, b in itertools.pairwise(times))
