"""Scenes in batches that one process can play and hear in time; what a busy machine disturbed is done again."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.histogram import between, bucket_counts, quantile
from benchmarks.scenes import Heard, Scene, Stage, perform

PEOPLE_AT_ONCE = 40
"""Speakers and listeners whose packets one Python process sends and writes down on a slow core."""
LAG_SECONDS_MAX = 0.015
"""Beyond it the sound tells of a busy machine, not of the network that is simulated."""
TRIES_MAX = 4

TICKS = "spaces_tick_lateness_seconds"

Metrics = Callable[[], Awaitable[dict[str, float]]]


@dataclass(frozen=True, slots=True)
class KeptUp:
    """How well the machine kept up; of several batches the worst. Seconds."""

    lag: float
    """By how much packets left late, p99 of the worst speaker."""
    lateness: float | None = None
    """p99 of the server's ticks, where it tells."""
    again: int = 0
    """Batches that were done again."""

    @property
    def in_time(self) -> bool:
        return max(self.lag, self.lateness or 0.0) <= LAG_SECONDS_MAX

    def __or__(self, other: KeptUp) -> KeptUp:
        known = [lateness for lateness in (self.lateness, other.lateness) if lateness is not None]
        return KeptUp(max(self.lag, other.lag), max(known, default=None), self.again + other.again)


def batches(scenes: Sequence[Scene], people_at_once: int = PEOPLE_AT_ONCE) -> Iterator[list[Scene]]:
    """In order, each batch with no more people than that, or a single scene."""
    batch: list[Scene] = []
    for scene in scenes:
        if batch and sum(one.people for one in batch) + scene.people > people_at_once:
            yield batch
            batch = []
        batch.append(scene)
    if batch:
        yield batch


async def perform_all(
    stage: Stage, scenes: Sequence[Scene], people_at_once: int = PEOPLE_AT_ONCE, metrics: Metrics | None = None
) -> tuple[list[list[Heard]], KeptUp]:
    """What was heard in each scene, in their order. The last of TRIES_MAX tries stands, whatever it was.

    `metrics` reads the figures of a server of ours.
    """
    heard: list[list[Heard]] = []
    worst = KeptUp(0.0)
    for batch in batches(scenes, people_at_once):
        results, kept_up = await _in_time(stage, batch, metrics)
        heard += results
        worst |= kept_up
        print(f"{len(heard)} of {len(scenes)} Spaces, {kept_up}", file=sys.stderr, flush=True)
    return heard, worst


async def _in_time(stage: Stage, scenes: Sequence[Scene], metrics: Metrics | None) -> tuple[list[list[Heard]], KeptUp]:
    for again in range(TRIES_MAX):
        before = {} if metrics is None else bucket_counts(await metrics(), TICKS)
        tried = [replace(scene, name=f"{scene.name}-{again}") for scene in scenes]
        results = await perform(stage, tried)
        after = {} if metrics is None else bucket_counts(await metrics(), TICKS)
        lag = max(one.lag_seconds for result in results for one in result)
        kept_up = KeptUp(lag, quantile(between(before, after), 0.99), again)
        if kept_up.in_time:
            break
    return results, kept_up
