"""A host's sound while it is played, and as it is stored: no clicks, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.errors import LocalError
from spaces.mixing.opus import FRAME
from spaces.mixing.stinger import FADE_OUT, Stinger
from spaces.mixing.stored_sound import pack, unpack
from tests.harness.sound import Samples, decode, encode, level_db, sine, studio

STEP = 2 * np.pi * 440 / 48_000 * 0.25
"""The largest step from sample to sample of the tone below."""


def played(stinger: Stinger) -> Samples:
    frames = []
    while not stinger.over:
        frames.append(stinger.frame())
    return np.concatenate(frames)


def assert_no_click(samples: Samples) -> None:
    assert np.abs(np.diff(samples, prepend=0.0, append=0.0)).max() < 1.2 * STEP


@pytest.mark.parametrize("extra", [0, 1, FRAME // 2, FRAME - 1])
def test_it_begins_and_ends_without_a_click_wherever_it_ends(extra: int) -> None:
    tone = sine(440, 0.2)
    tone = np.concatenate([tone, tone])[: len(tone) + extra] + np.float32(0.0)
    out = played(Stinger(tone))
    assert_no_click(out)
    middle = slice(FRAME, len(tone) - FADE_OUT)
    assert np.array_equal(out[middle], tone[middle])


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_stopped_it_fades_within_one_frame(frames: int) -> None:
    stinger = Stinger(sine(440, 1.0))
    before = [stinger.frame() for _ in range(frames)]
    stinger.stop()
    last = stinger.frame()
    assert stinger.over
    assert_no_click(np.concatenate([*before, last]))


@pytest.mark.parametrize("samples", [1, 100, FADE_OUT, FADE_OUT + 1])
def test_the_shortest_sounds_are_played(samples: int) -> None:
    out = played(Stinger(np.ones(samples, np.float32)))
    assert np.abs(out[samples:]).max(initial=0.0) == 0.0


@pytest.mark.parametrize("samples", [FRAME, FRAME - 312, FRAME - 311, 48_001])
def test_what_is_stored_comes_back_where_it_was(samples: int) -> None:
    tone = sine(440, 1.1)[:samples]
    back = unpack(pack(tone))
    assert len(back) == samples
    assert np.corrcoef(tone, back)[0, 1] > 0.99
    for damaged in (b"", pack(tone)[:-3], pack(tone)[:6] + b"\xff\xff", pack(tone) + b"\x00"):
        with pytest.raises(LocalError):
            unpack(damaged)


def test_it_is_in_the_mix_whoever_speaks_and_takes_nobodys_place() -> None:
    with studio(mixed=1) as it:
        it.play(it.source("ada"), encode(sine(700, 1.0, 0.3)))
        it.play(it.source("bob"), encode(sine(1_000, 1.0, 0.02)))
        sound = it.source("stinger")
        sound.always = True
        it.play(sound, encode(sine(440, 1.0, 0.05)))
        ear = it.ear()
        it.tick(75)
        heard = decode(ear.packets)
        assert level_db(heard, 440) == pytest.approx(20 * np.log10(0.05), abs=1)
        assert level_db(heard, 700) == pytest.approx(20 * np.log10(0.3), abs=1)
        assert level_db(heard, 1_000) < -60, "there is one place"
