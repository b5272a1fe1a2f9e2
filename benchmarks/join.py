"""What a join costs and how long it takes, one by one and in a storm.

A join is WHEP: the offer's request, ICE, DTLS, the first media datagram. Three times on a fresh server: *one by one*, a speaker
talking: the time to the first packet. *Silent*: a storm into a Space where nobody speaks: the server's CPU per join, less what
it takes at rest, without the fan-out to those who are in. *Storm*: the same while the speaker talks: joins per second, time to
the first packet, and how late the ticks of those who listen end. The clients are light ones in a process of their own on the
same machine: joins per second are bound by them as soon as they take a core (`clients CPU`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from benchmarks.beside import beside
from benchmarks.histogram import between, bucket_counts, quantile
from benchmarks.process import usage
from benchmarks.report import Grid, Report
from spaces.demo.speech import read_speech
from tests.harness.api import Api
from tests.harness.client import speaking
from tests.harness.server import serving

CPU_MILLISECONDS_MAX, LATENESS_SECONDS_MAX = 2.5, 0.010
LATENESS = "spaces_tick_lateness_seconds"
RESTING_SECONDS = 3.0
HEARD_SECONDS_MAX = 30.0
ONE_BY_ONE = 30


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--joins", type=int, default=500, metavar="N", help="of a storm, default 500")
    parser.add_argument("--at-once", type=int, default=500, metavar="N", help="under way at a time, default 500")


@dataclass(frozen=True, slots=True)
class Found:
    """Of one go. Times are seconds."""

    name: str
    wanted: int
    joined: int
    took: float
    first_packet: np.ndarray
    server_cpu: float
    """Of the whole server meanwhile, less what it took before at rest."""
    clients_cpu: float
    lateness: dict[float, float]

    @property
    def late(self) -> float:
        """Ticks that ended more than LATENESS_SECONDS_MAX after their time."""
        return self.lateness[float("inf")] - self.lateness[LATENESS_SECONDS_MAX]

    @property
    def latest(self) -> float:
        """The bound of the histogram's last bucket that has a tick."""
        total = self.lateness[float("inf")]
        return min((bound for bound, count in self.lateness.items() if count >= total), default=0.0)


async def run(options: argparse.Namespace) -> Report:
    calm = await go("one by one", ONE_BY_ONE, at_once=1, talking=True)
    silent = await go("silent", options.joins, at_once=options.at_once, talking=False)
    storm = await go("storm", options.joins, at_once=options.at_once, talking=True)
    report = Report("join", shown=False)
    columns = (
        "",
        "joins/s",
        "server CPU ms",
        "clients CPU ms",
        "first packet p50 ms",
        "p95",
        "tick p50 ms",
        "p99",
        "latest ≤",
    )
    report.grids.append(Grid("per join; ticks: how late they ended", columns, tuple(map(row, (calm, silent, storm)))))
    for found in (calm, silent, storm):
        report.figures |= figures(found)
        report.promises[f"everybody joined, {found.name}"] = found.joined == found.wanted
    cpu = 1e3 * silent.server_cpu / max(1, silent.joined)
    report.goal("server CPU per join", cpu, at_most=CPU_MILLISECONDS_MAX, unit="ms")
    report.goal(f"ticks more than {1e3 * LATENESS_SECONDS_MAX:g} ms late in the storm", int(storm.late), at_most=0)
    return report


async def go(name: str, count: int, *, at_once: int, talking: bool) -> Found:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        async with aiohttp.ClientSession() as http, contextlib.AsyncExitStack() as stack:
            api = Api(http, server.url)
            host = await api.creator("ada")
            space = await api.space(host)
            if talking:
                await stack.enter_async_context(speaking(api, space, read_speech(), by=host))
            # One more, who is there before: somebody must listen for ticks to have work.
            tell = await stack.enter_async_context(beside("benchmarks.listeners", server.url, space, count + 1, 0))
            await tell("join", count=1, at_once=1)
            resting = usage(server.pid).cpu_seconds
            await asyncio.sleep(RESTING_SECONDS)
            before, metrics = usage(server.pid).cpu_seconds, await server.metrics()
            heard = HEARD_SECONDS_MAX if talking else 0.0
            answer = await tell("join", count=count, at_once=at_once, heard_within=heard)
            used, after = usage(server.pid).cpu_seconds - before, await server.metrics()
    for refusal in answer["refused"]:
        print("refused:", refusal, file=sys.stderr)
    return _found(
        name, count, answer, used - (before - resting) / RESTING_SECONDS * answer["took_seconds"], metrics, after
    )


def _found(
    name: str, wanted: int, answer: dict[str, Any], cpu: float, before: dict[str, float], after: dict[str, float]
) -> Found:
    return Found(
        name,
        wanted,
        joined=answer["joined"],
        took=answer["took_seconds"],
        first_packet=np.array(answer["seconds"]),
        server_cpu=cpu,
        clients_cpu=answer["cpu_seconds"],
        lateness=between(bucket_counts(before, LATENESS), bucket_counts(after, LATENESS)),
    )


def figures(found: Found) -> dict[str, float | int | None]:
    prefix = found.name.replace(" ", "_")
    joined = max(1, found.joined)
    p50, p99 = quantile(found.lateness, 0.5), quantile(found.lateness, 0.99)
    heard = found.first_packet if len(found.first_packet) and found.name != "silent" else None
    return {
        f"{prefix}_joined": found.joined,
        f"{prefix}_joins_per_second": found.joined / found.took,
        f"{prefix}_server_cpu_milliseconds_per_join": 1e3 * found.server_cpu / joined,
        f"{prefix}_clients_cpu_milliseconds_per_join": 1e3 * found.clients_cpu / joined,
        f"{prefix}_first_packet_p50_milliseconds": None if heard is None else 1e3 * float(np.quantile(heard, 0.5)),
        f"{prefix}_first_packet_p95_milliseconds": None if heard is None else 1e3 * float(np.quantile(heard, 0.95)),
        f"{prefix}_tick_lateness_p50_milliseconds": None if p50 is None else 1e3 * p50,
        f"{prefix}_tick_lateness_p99_milliseconds": None if p99 is None else 1e3 * p99,
        f"{prefix}_tick_lateness_bound_milliseconds": 1e3 * found.latest,
        f"{prefix}_late_ticks": int(found.late),
    }


def row(found: Found) -> tuple[str | float | None, ...]:
    values = list(figures(found).values())
    return (f"{found.name} ({found.joined})", *(None if v is None else f"{v:,.1f}" for v in values[1:9]))
