"""Speakers whose clocks run fast and slow by 500 ppm for an hour: delay stays bounded, and nobody hears a step.

One look in ten seconds. Frames that are being hurried are left out: their tone is another one, so that a step within them, or
at their seams, would not be seen here. The two of them speak in one Space, each in a tone of his own.
"""

from __future__ import annotations

import numpy as np
import pytest

from spaces.mixing.opus import FRAME, SAMPLE_RATE, packet_samples_untrusted
from spaces.mixing.phases import TICK_SECONDS
from spaces.mixing.sound import Source
from tests.harness.sound import Studio, encode, sine, studio

pytestmark = pytest.mark.thorough

HOUR_SECONDS = 3_600
LISTENED_EVERY = 487
"""Frames between two looks at the sound; the state is looked at as often."""
SETTLED_FRAMES = 100
DELAY_SECONDS_MAX = 0.045
"""A frame and twice the margin, the most that is not worth hurrying for, and the second in which it is found out."""


class Drifting:
    """A speaker who sends an endless tone by a clock of his own."""

    def __init__(self, it: Studio, owner: str, hertz: float, ppm: float) -> None:
        self.source: Source = it.source(owner)
        self.hertz = hertz
        self._packets = encode(sine(hertz, 3.0, 0.2))[50:100]  # past the beginning, so that the loop has no seam
        self._seconds = FRAME / SAMPLE_RATE / (1 + ppm * 1e-6)
        self._sent = 0
        self._begin = it.now

    def send_until(self, it: Studio, now: float) -> None:
        while (at := self._begin + self._sent * self._seconds) <= now:
            payload = self._packets[self._sent % len(self._packets)]
            timestamp = self._sent * FRAME & 0xFFFFFFFF
            it.engine.packet(self.source, self._sent, timestamp, payload, packet_samples_untrusted(payload), at)
            self._sent += 1


def residual_db(sound: np.ndarray, hertz: list[float]) -> float:
    """What is left of the sound without these tones, against the whole."""
    n = np.arange(len(sound))
    basis = [f(2 * np.pi * h * n / SAMPLE_RATE) for h in hertz for f in (np.sin, np.cos)]
    fit = np.stack(basis, axis=1)
    weights, *_ = np.linalg.lstsq(fit, sound, rcond=None)
    rest = sound - fit @ weights
    return float(10 * np.log10(np.mean(rest**2) / np.mean(sound**2)))


@pytest.mark.timeout(300)
def test_an_hour_of_drift() -> None:
    drifts = {"fast": 500.0, "slow": -500.0}
    with studio(levelling=False) as it:
        it.ear()
        tones = dict(zip(drifts, (440.0, 700.0), strict=False))
        speakers = [Drifting(it, name, tones[name], ppm) for name, ppm in drifts.items()]
        engine = it.engine
        frames: list[np.ndarray] = []
        worst_delay, worst_residual, hurried = 0.0, -200.0, False
        frame = 0
        while frame < HOUR_SECONDS * SAMPLE_RATE // FRAME:
            it.now += TICK_SECONDS
            for speaker in speakers:
                speaker.send_until(it, it.now)
            if not engine.tick(it.now):
                continue
            frame += 1
            if frame < SETTLED_FRAMES or frame % LISTENED_EVERY > 3:
                if frames:
                    sound = np.concatenate(frames).astype(np.float64)
                    worst_residual = max(worst_residual, residual_db(sound, list(tones.values())))
                    frames = []
                for ear in it.ears:
                    ear.take()
                    ear.packets.clear()
                continue
            if (engine._speakers.rows.state[[s.source.row for s in speakers]]["rate"] != 0).any():
                frames, hurried = [], True  # by 0.4 %: the tone is another one for five seconds
                continue
            if hurried:
                hurried = False  # the limiter looks ahead: the frame after has an end of it
                continue
            (program,) = engine._spaces["room"].programs.values()
            frames.append(engine._programs.rows.mixed[program.row, :FRAME].copy())
            state = engine._speakers.rows.state[[s.source.row for s in speakers]]
            held = (state["held"] * FRAME + state["fill"]) / SAMPLE_RATE
            worst_delay = max(worst_delay, float(held.max()))
        state = engine._speakers.rows.state[[s.source.row for s in speakers]]
        assert worst_delay <= DELAY_SECONDS_MAX
        assert worst_residual < -35, "a step is a click of −20 dB or more"
        assert int(state["underruns"].sum()) == 0
        assert int(state["lost"].sum()) == 0
        assert (state["played"] > 0.24 * HOUR_SECONDS / 0.02).all()
