"""The clicks' clock tells the truth: on a path that takes nothing, framing and look-ahead are all that is left."""

from __future__ import annotations

import pytest

from benchmarks.clicks import FRAME_SECONDS, Track, hear, track
from tests.harness.client import Packet
from tests.harness.opus import FRAME

START = 1_000.0


@pytest.fixture(scope="module")
def sound() -> Track:
    return track(seed=1, clicks=4)


def sent_times(sound: Track, late: float = 0.0) -> list[float]:
    """Every packet leaves when its frame has been spoken, `late` seconds later."""
    return [START + (n + 1) * FRAME_SECONDS + late for n in range(len(sound.packets))]


def received(sound: Track, times: list[float], way: float) -> list[Packet]:
    return [
        Packet(at + way, False, 111, n, n * FRAME, 1, payload)
        for n, (at, payload) in enumerate(zip(times, sound.packets, strict=True))
    ]


def test_framing_and_look_ahead_are_26_and_a_half_milliseconds(sound: Track) -> None:
    times = sent_times(sound)
    heard = hear(sound, START, times, received(sound, times, 0.0))
    assert len(heard) == len(sound.clicks)
    for one in heard:
        assert one.mouth_to_ear == pytest.approx(0.0265, abs=1e-4)
        assert one.server == pytest.approx(0.0, abs=1e-4)


def test_what_the_way_takes_is_the_servers_and_what_the_sender_takes_is_not(sound: Track) -> None:
    times = sent_times(sound, late=0.004)
    for one in hear(sound, START, times, received(sound, times, 0.010)):
        assert one.mouth_to_ear == pytest.approx(0.0405, abs=1e-4)
        assert one.server == pytest.approx(0.010, abs=1e-4)


def test_a_click_that_never_comes_is_not_heard(sound: Track) -> None:
    times = sent_times(sound)
    until = sound.clicks[1] // FRAME - 2
    assert len(hear(sound, START, times, received(sound, times, 0.0)[:until])) == 1
