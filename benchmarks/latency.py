"""Mouth to ear by clicks, on stage and in the audience, the server's own part told apart; idle and with 100 listeners.

The host publishes bursts in near silence over WHIP; a second speaker hears him on stage (slots of the page's connection,
forwarded), a listener over WHEP (mixed). All processes of the machine share the monotonic clock. A click counts from the sample
spoken to the sample played by an ear without a jitter buffer (benchmarks/clicks.py), so 26.5 ms of framing and look-ahead are
in it. *Server*: from the packet handed to the kernel to the datagram at the ear, the codec's own delay taken off; in the
audience that is jitter buffer, wait for the tick, limiter and a second coder's 6.5 ms. Every phase is a new publication
whose frames lie elsewhere between two ticks: the phases cover the 20 ms evenly, random within their part.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np

from benchmarks.beside import Tell, beside
from benchmarks.clicks import FRAME_SECONDS, Heard, hear, track
from benchmarks.report import Grid, Report
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered, hearing
from tests.harness.client import Packet, listening, parse
from tests.harness.opus import RATE
from tests.harness.server import serving

STAGE_MILLISECONDS_MAX, AUDIENCE_MILLISECONDS_MAX = 28.5, 50.0
HEARD_PERCENT_MIN = 99.0
JOINING_AT_ONCE = 8


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--phases", type=int, default=24, metavar="N", help="default 24")
    parser.add_argument("--clicks", type=int, default=6, metavar="N", help="per phase, default 6")
    parser.add_argument("--listeners", type=int, default=100, metavar="N", help="in the second half, default 100")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the phases, default 1")


@dataclass(slots=True)
class Ears:
    """What was heard in one half: at the stage's ear and at the audience's. `made` are clicks."""

    name: str
    made: int = 0
    stage: list[Heard] = field(default_factory=list)
    audience: list[Heard] = field(default_factory=list)
    look_ahead: list[int] = field(default_factory=list)


async def run(options: argparse.Namespace) -> Report:
    report = Report("latency", shown=False)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        async with aiohttp.ClientSession() as http:
            api = Api(http, server.url)
            host, guest = await api.creator("ada"), person("grace")
            space = await api.space(host)
            await api.to_stage(space, host, guest)
            on_stage: list[Packet] = []
            async with (
                entered(api, space, guest) as (channel, _),
                hearing(channel, lambda data: on_stage.append(_packet(data))),
                listening(api, space, client="ear") as listener,
                beside("benchmarks.clicker", server.url, space, host.handle) as clicker,
                beside("benchmarks.listeners", server.url, space, options.listeners, 0) as crowd,
            ):
                # The socket of somebody who does not read is cut.
                draining = asyncio.create_task(channel.drain(math.inf))
                phases = Phases(clicker, on_stage, listener.packets, options)
                halves = [await phases.measure("idle")]
                await crowd("join", count=options.listeners, at_once=JOINING_AT_ONCE)
                halves.append(await phases.measure(f"{options.listeners} listeners"))
                draining.cancel()
    rows = []
    for half in halves:
        for ear, heard in (("stage", half.stage), ("audience", half.audience)):
            rows.append(_row(f"{ear}, {half.name}", heard, half.made))
            report.figures |= _figures(f"{half.name} {ear}".replace(" ", "_"), heard, half.made)
    columns = ("", "heard %", "p50", "p95", "max", "server p50", "p95", "max")
    report.grids.append(Grid("mouth to ear, milliseconds", columns, tuple(rows)))
    look_ahead = 1e3 * float(np.median([delay for half in halves for delay in half.look_ahead])) / RATE
    report.figures["framing_and_look_ahead_milliseconds"] = 1e3 * FRAME_SECONDS + look_ahead
    for half in halves:
        for ear, heard, bound in (
            ("stage", half.stage, STAGE_MILLISECONDS_MAX),
            ("audience", half.audience, AUDIENCE_MILLISECONDS_MAX),
        ):
            report.goal(f"{ear} p95, {half.name}", _quantile(heard, 0.95), at_most=bound, unit="ms")
            percent = 100 * len(heard) / max(1, half.made)
            report.promises[f"clicks heard, {ear}, {half.name}"] = percent >= HEARD_PERCENT_MIN
    return report


class Phases:
    def __init__(
        self, clicker: Tell, on_stage: list[Packet], in_audience: list[Packet], options: argparse.Namespace
    ) -> None:
        self._clicker, self._on_stage, self._in_audience, self._options = clicker, on_stage, in_audience, options
        self._die = random.Random(options.seed)

    async def measure(self, name: str) -> Ears:
        """One publication for each part of the 20 ms."""
        ears, count = Ears(name), self._options.phases
        for part in self._die.sample(range(count), count):
            phase = (part + self._die.random()) / count * FRAME_SECONDS
            seed, clicks = self._die.randrange(1 << 31), self._options.clicks
            for packets in (self._on_stage, self._in_audience):
                packets.clear()
            spoken = await self._clicker("speak", seed=seed, clicks=clicks, phase=phase)
            sound = track(seed, clicks)
            ears.made += clicks
            ears.look_ahead.append(sound.delay)
            ears.stage += hear(sound, spoken["start"], spoken["sent"], self._on_stage)
            ears.audience += hear(sound, spoken["start"], spoken["sent"], self._in_audience)
        return ears


def _packet(data: bytes) -> Packet:
    return parse(data, time.monotonic())


def _quantile(heard: list[Heard], fraction: float, what: str = "mouth_to_ear") -> float | None:
    values = [getattr(one, what) for one in heard]
    return 1e3 * float(np.quantile(values, fraction)) if values else None


def _figures(prefix: str, heard: list[Heard], made: int) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = {f"{prefix}_heard_percent": 100 * len(heard) / max(1, made)}
    for what in ("mouth_to_ear", "server"):
        for name, fraction in (("p50", 0.5), ("p95", 0.95), ("max", 1.0)):
            found[f"{prefix}_{what}_{name}_milliseconds"] = _quantile(heard, fraction, what)
    return found


def _row(name: str, heard: list[Heard], made: int) -> tuple[str | float | None, ...]:
    return (name, *(None if v is None else f"{v:,.1f}" for v in _figures("", heard, made).values()))
