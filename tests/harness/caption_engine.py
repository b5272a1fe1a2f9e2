"""An engine for captions that hears one thing: how long somebody was loud. For tests of all that stands around an engine."""

from __future__ import annotations

import os
import time

import numpy as np

from spaces.captioning.recognizer import SAMPLE_RATE, Engine, Heard

LOUD = 500
PAUSE_SAMPLES = SAMPLE_RATE // 4


class Loudness:
    """A sentence is what is loud up to a pause; a guess is made every half second."""

    def __init__(self) -> None:
        self.loud = self.quiet = 0
        self.guessed = 0

    def hear(self, samples: bytes) -> list[Heard]:
        heard: list[Heard] = []
        pcm = np.abs(np.frombuffer(samples, np.int16).astype(np.int32))
        for start in range(0, len(pcm), 160):
            part = pcm[start : start + 160]
            if part.mean() > LOUD:
                self.loud, self.quiet = self.loud + len(part), 0
            elif self.loud:
                self.quiet += len(part)
            if self.quiet >= PAUSE_SAMPLES:
                heard.append(Heard(f"loud for {self.loud / SAMPLE_RATE:.1f} s", True))
                self.loud = self.quiet = self.guessed = 0
            elif self.loud - self.guessed >= SAMPLE_RATE // 2:
                self.guessed = self.loud
                heard.append(Heard("loud", False))
        return heard

    def close(self) -> None: ...


class LoudnessEngine:
    def voice(self) -> Loudness:
        return Loudness()


class Stuck(Loudness):
    def hear(self, samples: bytes) -> list[Heard]:
        time.sleep(3_600)
        return []


class StuckEngine:
    def voice(self) -> Stuck:
        return Stuck()


class Dying(Loudness):
    def hear(self, samples: bytes) -> list[Heard]:
        os._exit(3)


class DyingEngine:
    def voice(self) -> Dying:
        return Dying()


def load(model: str) -> Engine:
    engines: dict[str, type[Engine]] = {"": LoudnessEngine, "stuck": StuckEngine, "dying": DyingEngine}
    return engines[model]()
