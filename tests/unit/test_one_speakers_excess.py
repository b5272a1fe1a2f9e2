"""What one speaker sends, however loud it decodes, has the limiter hold down nobody else for long."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from spaces.mixing.opus import Decoder
from spaces.mixing.playout import POWER_MAX
from tests.harness.sound import Studio, encode, sine, studio

HELD_DOWN_MAX = 0.35
"""The limiter's gain: 9 dB."""


@pytest.fixture(params=[False, True], ids=["plain", "levelled"])
def it(request: pytest.FixtureRequest) -> Iterator[Studio]:
    with studio(levelling=request.param) as it:
        yield it


def garbage() -> bytes:
    """A packet of noise that a fresh decoder makes samples far beyond full scale of, and not so many as to be left out."""
    die = random.Random(1)
    while True:
        packet = bytes((0x80 | die.randrange(16) << 3,)) + die.randbytes(120)
        samples = Decoder().decode(packet)
        if np.abs(samples).max() > 20.0 and np.square(samples).sum() < POWER_MAX:
            return packet


def least_gain(it: Studio, frames: int) -> float:
    least = 1.0
    for _ in range(frames):
        it.tick()
        for program in it.engine._spaces["room"].programs.values():
            least = min(least, float(it.engine._programs.rows.state[program.row]["gain"]))
    return least


def test_garbage_is_no_louder_than_a_voice(it: Studio) -> None:
    it.ear()
    good, bad = it.source("ada"), it.source("mallory")
    it.play(good, encode(sine(440.0, 1.0, 0.1))[5:45])
    it.tick(20)
    it.play(bad, [garbage()])
    assert least_gain(it, 25) > HELD_DOWN_MAX


def test_a_shout_after_whispers_is_not_made_louder(it: Studio) -> None:
    it.ear()
    speaker = it.source("ada")
    syllables = np.repeat(np.where(np.arange(40) % 4 < 2, 1.0, 0.2), 4_800)
    whisper = (syllables[: 48_000 * 4] * sine(440.0, 4.0, 0.008)).astype(np.float32)
    it.play(speaker, encode(whisper))
    it.tick(200)
    it.play(speaker, encode(sine(440.0, 1.0, 0.9)))
    assert least_gain(it, 50) > HELD_DOWN_MAX
