"""A talk that begins into silence is played at the first tick that may play it, whatever phase the Space was in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from spaces.mixing.opus import FRAME
from spaces.mixing.pace import MARGIN_SECONDS
from spaces.mixing.phases import TICK_SECONDS
from spaces.mixing.sound import Source
from tests.harness.sound import Ear, Studio, encode, sine, studio

OFFSETS = pytest.mark.parametrize("offset", [0.0, 0.0012, 0.004, 0.0075, 0.011, 0.0149, 0.0199])


@pytest.fixture
def it() -> Iterator[Studio]:
    with studio() as it:
        yield it


def talk(it: Studio, source: Source, ear: Ear, offset: float, *, packets: int = 30, first: int = 0) -> list[float]:
    """Send a packet every 20 ms, the first `offset` from now; when each of what that makes was sent to the listener."""
    begin, sent = it.now + offset, first
    sound, arrivals = encode(sine(440, 1.0, 0.2)), []
    while sent < first + packets:
        it.now += TICK_SECONDS
        while sent < first + packets and begin + (sent - first) * 0.02 <= it.now:
            it.send(source, sent, sound[sent % len(sound)], at=begin + (sent - first) * 0.02)
            sent += 1
        it.engine.tick(it.now)
        count = len(ear.packets)
        ear.take()
        arrivals += [it.now - begin] * (len(ear.packets) - count)
    return arrivals


@OFFSETS
def test_the_first_packet_waits_for_the_margin_and_the_next_tick(it: Studio, offset: float) -> None:
    ear = it.ear()
    source = it.source("ada")
    it.tick(80)  # a second of silence and more
    ear.packets.clear()
    arrivals = talk(it, source, ear, offset)
    assert MARGIN_SECONDS <= arrivals[0] <= MARGIN_SECONDS + TICK_SECONDS + 1e-4
    np.testing.assert_allclose(np.diff(arrivals), 0.02, atol=1e-6)


@OFFSETS
def test_timestamps_stay_true_to_time(it: Studio, offset: float) -> None:
    ear, source = it.ear(), it.source("ada")
    it.tick(80)
    ear.packets.clear()
    arrivals, timestamps = [], []
    for spurt in range(4):
        at = it.now
        ear.packets.clear()
        arrivals += [at + offset + seconds for seconds in talk(it, source, ear, offset, first=30 * spurt)]
        timestamps += [packet.timestamp for packet in ear.packets]
        it.tick(70)
    elapsed = np.array(arrivals) - arrivals[0]
    told = ((np.array(timestamps, np.int64) - timestamps[0]) & 0xFFFFFFFF) / 48_000
    np.testing.assert_allclose(told, elapsed, atol=1e-4)


def test_while_somebody_is_heard_the_pace_is_kept(it: Studio) -> None:
    ear, ada, bob = it.ear(), it.source("ada"), it.source("bob")
    it.play(ada, encode(sine(440, 1.0, 0.2)))
    it.tick(30)
    phase = it.engine._spaces["room"].phase
    it.send(bob, 0, encode(sine(700, 0.02, 0.2))[0], at=it.now + 0.011)
    it.tick(10)
    assert it.engine._spaces["room"].phase == phase
    for before, after in zip(ear.packets, ear.packets[1:], strict=False):
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == FRAME


def test_what_comes_by_a_slower_way_does_not_make_the_space_later_and_later(it: Studio) -> None:
    it.ear()
    source, sound = it.source("ada"), encode(sine(440, 1.0, 0.2))
    it.tick()
    space, begin = it.engine._spaces["room"], it.now
    before = space.frames
    coming = sorted((n * 0.02 + (0.1 if n % 2 else 0.0), n) for n in range(500))
    while it.now < begin + 10.0:
        it.now += TICK_SECONDS
        while coming and begin + coming[0][0] <= it.now:
            at, n = coming.pop(0)
            it.send(source, n, sound[n % len(sound)], at=begin + at)
        it.engine.tick(it.now)
    later = it.now - begin - (space.frames - before) * 0.02
    assert later < 3 * TICK_SECONDS, "what the first second asked for, and no more with every second"
