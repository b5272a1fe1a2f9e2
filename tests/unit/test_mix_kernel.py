"""The compiled mix equals its statement in plain numpy, bit for bit, while speakers come, go and are muted."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.mixing.mixer import limit_reference, mix_reference
from spaces.mixing.opus import FRAME
from tests.harness.sound import Studio, encode, sine, studio


def assert_next_tick_is_the_reference(studio: Studio) -> None:
    """Run one tick; every program's mix is what `mixer.py` says of the frames that were played."""
    engine = studio.engine
    engine.apply()
    space = engine._spaces["room"]
    state = engine._speakers.rows.state
    before = {s.row: np.float32(state[s.row]["gain"]) for s in space.sources}
    delays = engine._programs.rows.delay.copy()
    gains = engine._programs.rows.state["gain"].copy()
    studio.tick()
    for program in space.programs.values():
        heard = [
            (place, s.row)
            for place, s in enumerate(space.sources)
            if state[s.row]["sounding"]
            and s.owner != program.without
            and (before[s.row] != 0.0 or engine._scratch.gain_to[s.row] != 0.0)
        ]
        frames = engine._scratch.frames[[place for place, _ in heard]]
        rows = [row for _, row in heard]
        mixed = mix_reference(frames, np.array([before[r] for r in rows], np.float32), engine._scratch.gain_to[rows])
        expected, gain = limit_reference(np.concatenate([delays[program.row], mixed]), gains[program.row])
        np.testing.assert_array_equal(engine._programs.rows.mixed[program.row, :FRAME], expected)
        assert engine._programs.rows.state["gain"][program.row] == gain


@pytest.mark.parametrize("levelling", [False, True])
@pytest.mark.parametrize("speakers", [0, 1, 3, 6])
def test_the_mix_is_the_reference(levelling: bool, speakers: int) -> None:
    with studio(levelling=levelling) as it:
        sources = [it.source(f"speaker {n}") for n in range(speakers)]
        it.ear()
        if sources:
            it.ear("speaker 0")
        for n, source in enumerate(sources):
            rng = np.random.default_rng(n)
            noise = (rng.normal(size=9_600) * 0.3).astype(np.float32)
            it.play(source, encode(sine(200 + 111 * n, 0.2, 0.6) + noise))
        for tick in range(45):
            if sources and tick == 20:
                it.engine.post(it.engine.mute_source, sources[0], True)
            if sources and tick == 30:
                it.stop(sources[-1])
            assert_next_tick_is_the_reference(it)


def test_a_broken_frame_is_silence_and_the_others_are_heard() -> None:
    """A NaN in the limiter's gain would stay there, and the whole Space fall silent for good."""
    with studio() as it:
        broken, fine = it.source("broken"), it.source("fine")
        ear = it.ear()
        it.play(fine, encode(sine(440, 0.2)))
        it.play(broken, encode(sine(700, 0.2)))
        it.tick(20)
        engine = it.engine
        for poison in (np.nan, np.inf, 1e30):
            engine._speakers.rows.pcm[broken.row, 16:600] = poison
            it.tick(10)
            (program,) = engine._spaces["room"].programs.values()
            assert np.isfinite(engine._programs.rows.mixed[program.row, :FRAME]).all()
            assert np.isfinite(engine._programs.rows.state["gain"][program.row])
            assert np.abs(engine._programs.rows.mixed[program.row, :FRAME]).max() > 0.2, "the other is still heard"
        assert len(ear.packets) == 50
