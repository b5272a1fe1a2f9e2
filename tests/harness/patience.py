"""Waiting for sound that comes when it comes, or stops: listened to in short turns, until one is as it should be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spaces.demo.speech import SPEECH_FILE
from tests.harness.eventually import PATIENCE_SECONDS
from tests.harness.measure import correlations, steady_tone_levels
from tests.harness.opus import RATE, Samples, decode_file

AUDIBLE_DBFS, SILENT_DBFS = -35.0, -60.0
TURN_SECONDS = 0.5
SPEECH_SECONDS = 4.0
ALIKE = 0.9
"""The median correlation of half seconds of speech with what was spoken."""

Levels = NDArray[np.float64]


class Ear(Protocol):
    """Whoever listens for a while from now on: a client, or a page in a browser."""

    async def heard(self, seconds: float, /) -> Samples: ...


async def until_levels(ear: Ear, hertz: Sequence[float], so: Callable[[Levels], object]) -> Levels:
    """Until these tones are `so`, in dBFS; what they are then."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not so(levels := steady_tone_levels(await ear.heard(TURN_SECONDS), hertz)):
        assert asyncio.get_running_loop().time() < deadline, f"{dict(zip(hertz, levels.round(1), strict=True))} dBFS"
    return levels


async def until_heard(ear: Ear, *hertz: float) -> Levels:
    return await until_levels(ear, hertz, lambda levels: bool((levels > AUDIBLE_DBFS).all()))


async def until_silent(ear: Ear, *hertz: float) -> None:
    """These tones are not heard any more; others may be."""
    await until_levels(ear, hertz, lambda levels: bool((levels < SILENT_DBFS).all()))


@cache
def spoken() -> Samples:
    """The speech that the tests' speakers say again and again."""
    return decode_file(str(SPEECH_FILE))


async def until_speech(ear: Ear, seconds: float = SPEECH_SECONDS) -> None:
    """Until the speech is heard as it was spoken for so long; a machine that stumbles may spoil a turn, and not each."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        # In a thread: who speaks here goes on meanwhile.
        heard = await ear.heard(seconds)
        found = await asyncio.to_thread(correlations, heard, spoken(), jumps=True)
        print(f"{len(heard) / RATE:.2f} s, rms {np.sqrt(np.mean(heard**2)) if len(heard) else 0:.3f}: {found.round(2)}")
        if len(found) >= seconds and np.median(found) >= ALIKE:
            return
        assert asyncio.get_running_loop().time() < deadline, f"not like what was spoken: {found.round(2)}"
