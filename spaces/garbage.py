"""Python's search for cycles of garbage, kept from the sound.

A full collection goes through every object there is and holds the GIL meanwhile: 30 to 60 ms with 500 listeners, in which
no tick can end. Almost everything here dies by its reference count, so the young generations are collected as ever and the
full collection waits for a moment in which nobody speaks; only a lot of what has aged does not wait.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from spaces.tasks import Stop

LOOK_SECONDS = 1.0
AGED_MAX = 64
"""Collections of the middle generation since the last full one (each has seen some 7,000 new objects) that are enough to
collect while people speak: the alternative is to grow without bound."""
PAUSE_SECONDS_MIN = 60.0
"""Between two collections when nobody speaks."""
NEVER = 1_000_000_000


async def collect_when_quiet(quiet: Callable[[], bool], stop: Stop, clock: Callable[[], float]) -> None:
    """Runs until it is told to stop; then collecting is Python's own affair again."""
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], NEVER)
    collected_at = clock()
    try:
        while not await stop.within(LOOK_SECONDS):
            aged = gc.get_count()[2]
            rested = clock() - collected_at >= PAUSE_SECONDS_MIN
            if aged >= AGED_MAX or (aged and rested and quiet()):
                gc.collect()
                collected_at = clock()
    finally:
        gc.set_threshold(*before)
