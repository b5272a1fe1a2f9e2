"""The server's process stands still, as on a host that is overcommitted, and goes on: nothing is late afterwards.

Meanwhile the kernel keeps what speakers send, which then arrives at once; and ticks were missed.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.phases import TICK_SECONDS
from spaces.mixing.tick import CATCH_UP_TICKS_MAX
from tests.harness.measure import tone_track
from tests.harness.microphone import Microphone, evenly, run
from tests.harness.sound import Studio, decode, encode, sine, studio

pytestmark = pytest.mark.thorough

HERTZ = 440.0
TONE = encode(sine(HERTZ, 3.0, 0.1))[50:100]
WORDS = TONE[:25] + encode(np.zeros(25 * FRAME, np.float32))
"""Half a second of tone, half a second of silence."""


def stand_still(it: Studio, seconds: float, microphone: Microphone, *, packets_first: bool) -> int:
    """As AudioThread would find it afterwards; the ticks that were left out."""
    it.now += seconds
    behind = int(seconds / TICK_SECONDS)
    skipped = behind if behind > CATCH_UP_TICKS_MAX else 0
    if packets_first:
        microphone.send_until(it.now, arriving=it.now)
    it.engine.tick(it.now, skipped=skipped)
    if not packets_first:
        microphone.send_until(it.now, arriving=it.now)
    for _ in range(behind - skipped):  # late, one straight after the other
        it.engine.tick(it.now)
    return skipped


@pytest.mark.parametrize("packets_first", [True, False], ids=["packets first", "tick first"])
@pytest.mark.parametrize("seconds", [0.05, 0.2, 2.0])
def test_afterwards_the_delay_is_what_it_was(seconds: float, packets_first: bool) -> None:
    with studio() as it:
        ear = it.ear()
        it.engine.apply()
        microphone = Microphone(it, "speaker", evenly(WORDS), early=0.0131)
        run(it, 5.0, microphone)
        before = microphone.delay
        skipped = stand_still(it, seconds, microphone, packets_first=packets_first)
        run(it, 12.0, microphone)
        assert microphone.delay <= before + 0.021, "what was said meanwhile is left out, not played late"
        assert it.engine.skipped == skipped
        for a, b in itertools.pairwise(ear.packets):
            assert (b.sequence - a.sequence) & 0xFFFF == 1, "one stream, nothing twice"


@pytest.mark.parametrize("seconds", [0.2, 2.0])
def test_the_sound_goes_on_whole(seconds: float) -> None:
    with studio() as it:
        ear = it.ear()
        it.engine.apply()
        microphone = Microphone(it, "speaker", evenly(TONE), early=0.0131)
        run(it, 5.0, microphone)
        stand_still(it, seconds, microphone, packets_first=True)
        first = len(ear.packets)
        run(it, 5.0, microphone)
        steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(ear.packets)]
        assert max(steps) / SAMPLE_RATE == pytest.approx(seconds, abs=0.045), "the time passed in the stream"
        track = tone_track(decode(ear.packets[first:])[SAMPLE_RATE:], HERTZ)
        assert np.median(track) == pytest.approx(-20.0, abs=1.0)
        assert track.min() > -26.0
