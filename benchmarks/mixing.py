"""CPU per 20 ms of all sound of a node, next to the floor: libopus alone, and adding up alone.

Spaces × speakers who all talk (packets of recorded speech, no two the same at a time). *Tick*: `AudioEngine.tick`, everything
but the fan-out. *libopus*: the same packets decoded and the very frames that the engine mixed encoded, by coders with the same
settings and past, from one compiled loop; that it makes the engine's packets is checked. *Mixing*: the compiled part of a tick
with the codec taken out (benchmarks/silent_opus.py), next to `np.sum(axis=1)` of the same frames; *around it* is what is left
of such a tick. All are thread CPU time, measured in turn frame by frame (A B A B), in blocks of which the medians count; then
all again beside a Python thread that never rests.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.bare_opus import BareOpus
from benchmarks.busy import busy_thread
from benchmarks.report import Grid, Report
from benchmarks.talk import Talk
from spaces.demo.speech import read_speech
from tests.harness.server import REPOSITORY

SPACES, VOICES = (1, 10, 50, 100), (1, 3, 10)
WARM_UP_FRAMES = 25
BLOCK_SECONDS = 0.15
"""About as long a block is; the cost of a frame is guessed for it at COST_GUESSED_SECONDS per coder."""
COST_GUESSED_SECONDS = 60e-6
MANY_SPACES = 10
RATIO_MAX, RATIO_ONE_SPACE_MAX, SUM_RATIO_MAX = 1.15, 1.5, 10.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Microseconds of CPU per frame of all Spaces. `ratio` is the median over pairs of blocks, as is `alone_ratio`."""

    spaces: int
    voices: int
    tick: float
    tick_wall_p99: float
    bare: float
    ratio: float
    equal_percent: float
    silent_tick: float
    alone: float
    sum: float
    alone_ratio: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="blocks of each kind, default 7")
    parser.add_argument("--spaces", type=int, nargs="+", default=SPACES, metavar="N", help="default 1 10 50 100")
    parser.add_argument("--voices", type=int, nargs="+", default=VOICES, metavar="N", help="default 1 3 10")


async def run(options: argparse.Namespace) -> Report:
    report = Report("mixing", shown=False)
    cells: dict[str, list[Cell]] = {"alone": [], "beside": []}
    for spaces in options.spaces:
        for voices in options.voices:
            for name, cell in (await measure(spaces, voices, options.rounds)).items():
                cells[name].append(cell)
    for name, title in (("alone", "by itself"), ("beside", "beside a busy Python thread")):
        report.grids.append(grid(f"CPU per frame of 20 ms, microseconds, {title}", cells[name]))
        for cell in cells[name]:
            report.figures |= figures(cell, name)
        set_goals(report, cells[name], title)
    return report


async def measure(spaces: int, voices: int, rounds: int) -> dict[str, Cell]:
    """One size, by itself and beside a busy thread."""
    count = max(5, round(BLOCK_SECONDS / COST_GUESSED_SECONDS / spaces / (voices + 1)))
    silent = await without_codec(spaces, voices, rounds, count)
    packets = read_speech().packets
    talk = Talk(spaces, voices, packets)
    bare = BareOpus(spaces, voices, packets, talk.settings)
    pair = Pair(talk, bare)
    pair.block(WARM_UP_FRAMES)
    cells = {}
    for name, beside in (("alone", contextlib.nullcontext), ("beside", busy_thread)):
        with beside():
            blocks = [pair.block(count) for _ in range(rounds)]
        walls = np.concatenate([block.walls for block in blocks])
        cells[name] = Cell(
            spaces,
            voices,
            tick=1e6 * statistics.median(block.tick for block in blocks),
            tick_wall_p99=1e6 * float(np.quantile(walls, 0.99)),
            bare=1e6 * statistics.median(block.bare for block in blocks),
            ratio=statistics.median(block.tick / block.bare for block in blocks),
            equal_percent=100 * statistics.mean(block.equal for block in blocks),
            silent_tick=silent[name]["tick"],
            alone=silent[name]["mixing"],
            sum=silent[name]["sum"],
            alone_ratio=silent[name]["ratio"],
        )
    return cells


@dataclass(frozen=True, slots=True)
class Block:
    """Seconds per frame; `equal` is the share of packets that were the same."""

    tick: float
    walls: list[float]
    bare: float
    equal: float


class Pair:
    """The engine and its floor doing the same work, frame by frame in turn, so that neither has the caches to itself."""

    def __init__(self, talk: Talk, bare: BareOpus) -> None:
        self._talk, self._bare = talk, bare

    def block(self, count: int) -> Block:
        talk, bare = self._talk, self._bare
        speakers = range(talk.spaces * talk.voices)
        ticking, walls, floor, equal = 0.0, [], 0.0, 0
        for _ in range(count):
            numbers = np.array([talk.number(talk.frames, k) for k in speakers], np.int64)
            talk.feed()
            wall, start = time.perf_counter(), time.thread_time()
            talk.tick()
            ticking += time.thread_time() - start
            walls.append(time.perf_counter() - wall)
            mixed = talk.mixed()
            start = time.thread_time()
            bare.run(numbers, mixed)
            floor += time.thread_time() - start
            equal += sum(ours == theirs for ours, theirs in zip(talk.encoded(), bare.encoded(), strict=True))
        return Block(ticking / count, walls, floor / count, equal / count / talk.spaces)


async def without_codec(spaces: int, voices: int, rounds: int, count: int) -> dict[str, dict[str, float]]:
    """Measured in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.silent_opus", *map(str, (spaces, voices, rounds, count))),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, "benchmarks.silent_opus failed"
    found: dict[str, dict[str, float]] = json.loads(output)
    return found


def grid(title: str, cells: list[Cell]) -> Grid:
    columns = ("Spaces × speakers", "tick", "libopus", "ratio", "mixing", "np.sum", "ratio", "around it", "wall p99")
    rows = tuple(
        (
            f"{c.spaces} × {c.voices}",
            *(f"{value:,.0f}" for value in (c.tick, c.bare)),
            f"{c.ratio:.2f}",
            *(f"{value:,.0f}" for value in (c.alone, c.sum)),
            f"{c.alone_ratio:.1f}",
            *(f"{value:,.0f}" for value in (c.silent_tick - c.alone, c.tick_wall_p99)),
        )
        for c in cells
    )
    return Grid(title, columns, rows)


def figures(cell: Cell, name: str) -> dict[str, float | int | None]:
    prefix = f"{cell.spaces}_spaces_{cell.voices}_speakers_{name}"
    return {
        f"{prefix}_tick_microseconds": cell.tick,
        f"{prefix}_tick_wall_p99_microseconds": cell.tick_wall_p99,
        f"{prefix}_libopus_microseconds": cell.bare,
        f"{prefix}_tick_to_libopus_ratio": cell.ratio,
        f"{prefix}_packets_equal_percent": cell.equal_percent,
        f"{prefix}_tick_without_codec_microseconds": cell.silent_tick,
        f"{prefix}_mixing_microseconds": cell.alone,
        f"{prefix}_sum_microseconds": cell.sum,
        f"{prefix}_mixing_to_sum_ratio": cell.alone_ratio,
    }


def set_goals(report: Report, cells: list[Cell], title: str) -> None:
    many = [cell for cell in cells if cell.spaces >= MANY_SPACES]
    one = [cell for cell in cells if cell.spaces < MANY_SPACES]
    if many:
        worst = max(cell.ratio for cell in many)
        report.goal(f"tick / libopus, {MANY_SPACES} Spaces and more, worst, {title}", worst, at_most=RATIO_MAX)
    if one:
        worst = max(cell.ratio for cell in one)
        report.goal(f"tick / libopus, one Space, worst, {title}", worst, at_most=RATIO_ONE_SPACE_MAX)
    if many:
        worst = max(cell.alone_ratio for cell in many)
        report.goal(f"mixing / np.sum, {MANY_SPACES} Spaces and more, worst, {title}", worst, at_most=SUM_RATIO_MAX)
    same = min(cell.equal_percent for cell in cells)
    report.promises[f"libopus alone made the engine's packets, {title}"] = same == 100.0
