"""Ten speakers, a tone each: all are in the mix alike, and nobody's own is in what he hears."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import aiohttp

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import listening, speaking
from tests.harness.eventually import PATIENCE_SECONDS
from tests.harness.measure import steady_tone_levels
from tests.harness.opus import Samples
from tests.harness.server import serving
from tests.harness.signals import packed, tone

HERTZ = (311, 433, 613, 787, 1031, 1277, 1693, 2111, 2579, 3191)
"""Primes: on a grid of 10 Hz the codec's noise would repeat every tenth of a second, and be tones on that grid itself."""
AMPLITUDE = 0.05
LOOP_SECONDS = 2.0
AUDIBLE_DBFS = -60.0


async def test_ten_tones_through_the_mix(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    with serving(tmp_path, settings={"mixed": 10, "slots": 10}) as server:
        api = Api(http, server.url)
        host = await api.creator("ada")
        space = await api.space(host)
        speakers = [host, *(person(f"speaker{n}") for n in range(1, len(HERTZ)))]
        for speaker in speakers[1:]:
            await api.to_stage(space, host, speaker)
        async with contextlib.AsyncExitStack() as stack:
            for speaker, hertz in zip(speakers, HERTZ, strict=True):
                sound = packed(tone(hertz, LOOP_SECONDS, amplitude=AMPLITUDE))
                await stack.enter_async_context(speaking(api, space, sound, by=speaker))
            listener = await stack.enter_async_context(listening(api, space))
            own = await stack.enter_async_context(listening(api, space, by=speakers[3]))
            deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
            while wrong := judged(*await asyncio.gather(listener.heard(3), own.heard(3))):
                assert asyncio.get_running_loop().time() < deadline, wrong
        assert server.log_complaints() == []


def judged(heard: Samples, heard_by_own: Samples) -> str:
    """What is wrong with it."""
    levels = steady_tone_levels(heard, HERTZ)
    print("mix, dBFS:", levels.round(2))
    if levels.min() < AUDIBLE_DBFS or levels.max() - levels.min() > 1.0:
        return f"not alike: {levels.round(1)}"
    levels = steady_tone_levels(heard_by_own, HERTZ)
    # Longer spectra here: the codec's noise is spread thin in them, and a tone would stand out in every one.
    own_level = steady_tone_levels(heard_by_own, HERTZ, window_seconds=1.5)[3]
    print(f"without {HERTZ[3]} Hz, dBFS:", levels.round(2), "his own", own_level.round(2))
    others = [level for n, level in enumerate(levels) if n != 3]
    return "" if min(others) - own_level >= 40.0 else f"his own is heard: {levels.round(1)}, {own_level:.1f}"
