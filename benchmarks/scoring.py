"""Scores worked out in processes of their own, once the sound has been recorded."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType

import numpy as np

from benchmarks.losses import Pattern
from benchmarks.playout import straight
from benchmarks.scores import Score, score
from benchmarks.voices import Loop, loop_of
from tests.harness.opus import Samples


@dataclass(frozen=True, slots=True)
class Job:
    """Score a recording."""

    said: Samples
    heard: Samples


@dataclass(frozen=True, slots=True)
class TwoGenerations:
    """What a codec alone leaves of a loop: decoded and encoded again in between, packets lost on one of the two ways.

    `first` was encoded for the loss on the way up, the second generation is for `loss_percent` on the way down.
    """

    first: Loop
    lost_up: Pattern | None = None
    copies_up: int = 0
    lost_down: Pattern | None = None
    loss_percent: int = 0


class Scorer:
    """A pool of processes, one a core."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))

    def __enter__(self) -> Scorer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def heard(self, jobs: Sequence[Job]) -> list[Awaitable[Score]]:
        loop = asyncio.get_running_loop()
        return [loop.run_in_executor(self._pool, score, job.said, job.heard) for job in jobs]

    def without_server(self, jobs: Sequence[TwoGenerations]) -> list[Awaitable[Score]]:
        loop = asyncio.get_running_loop()
        return [loop.run_in_executor(self._pool, _two_generations, job) for job in jobs]


async def mean(scores: Sequence[Awaitable[Score]]) -> Score:
    done = await asyncio.gather(*scores)
    return Score(float(np.mean([one.pesq for one in done])), float(np.mean([one.stoi for one in done])))


def _two_generations(job: TwoGenerations) -> Score:
    between = straight(job.first.packets, _or_none(job.lost_up, job.first), job.copies_up)
    second = loop_of(between, loss_percent=job.loss_percent)
    heard = straight(second.packets, _or_none(job.lost_down, second))
    return score(job.first.samples, heard)


def _or_none(lost: Pattern | None, loop: Loop) -> Pattern:
    return np.zeros(len(loop.packets), np.bool_) if lost is None else lost
