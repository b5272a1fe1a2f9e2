"""What a listener costs, next to the floor: the server's CPU per datagram beside `sendmmsg` alone, memory, tick lateness.

One speaker talks. At 100 listeners and again at 1,000, in turn (A B A B): the server fans out (A); the speaker is muted and a
bare process sends datagrams of the very sizes to the very sockets with the same flags and control messages (B). What counts is
the slope between the two crowds: CPU of the whole process over datagrams, so whatever does not grow with listeners falls out.
Lateness is that of a tick's begin, and of its end beyond what sending alone takes: a thousand datagrams are on their way for
some milliseconds, whoever sends them.
Server, speaker, listeners and bare sender are processes of their own on this machine; datagrams are real ones on loopback.
A listener is lost if his link has ended, or if nothing reached him in the last second.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from benchmarks.beside import Tell, beside
from benchmarks.histogram import between, bucket_counts, quantile
from benchmarks.process import usage
from benchmarks.report import Grid, Report
from spaces.demo.speech import read_speech
from tests.harness.api import Api
from tests.harness.channel import Channel, entered
from tests.harness.client import speaking
from tests.harness.server import Server, serving

RATIO_MAX, KILOBYTES_MAX, LATENESS_MILLISECONDS_MAX = 1.25, 64.0, 2.0
BEGIN_LATENESS, LATENESS = "spaces_tick_begin_lateness_seconds", "spaces_tick_lateness_seconds"
OUT = "spaces_packets_total{direction=out}"
JOINING_AT_ONCE = 8
SETTLING_SECONDS = 3.0
SOUND_SECONDS = 9.0
"""Undisturbed, at the end, for those who decode."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listeners", type=int, nargs=2, default=(100, 1_000), metavar="N", help="the two crowds, default 100 1000"
    )
    parser.add_argument("--seconds", type=float, default=15.0, metavar="S", help="how long a turn is, default 15")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="turns of each kind per crowd, default 3")
    parser.add_argument("--decoding", type=int, default=3, metavar="N", help="listeners that also decode, default 3")


@dataclass(slots=True)
class Crowd:
    """What was found with so many listeners."""

    listeners: int
    resident_bytes: int = 0
    cpu_seconds: list[float] = field(default_factory=list)
    """Of the server, per second of a turn, as the following are."""
    datagrams: list[float] = field(default_factory=list)
    clients_cpu_seconds: list[float] = field(default_factory=list)
    bare_cpu_seconds: list[float] = field(default_factory=list)
    bare_datagrams: list[float] = field(default_factory=list)
    begin_lateness: Counter[float] = field(default_factory=Counter)
    lateness: Counter[float] = field(default_factory=Counter)
    bare_lateness: list[float] = field(default_factory=list)
    missing: float = 0.0
    lost: int = 0


async def run(options: argparse.Namespace) -> Report:
    report = Report("fanout")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        async with aiohttp.ClientSession() as http:
            api = Api(http, server.url)
            host = await api.creator("ada")
            space = await api.space(host)
            async with (
                entered(api, space, host) as (channel, _),
                speaking(api, space, read_speech(), by=host),
                beside("benchmarks.listeners", server.url, space, max(options.listeners), options.decoding) as tell,
                beside("benchmarks.bare_send") as bare,
            ):
                crowds, joined = [], 0
                for listeners in options.listeners:
                    answer = await tell("join", count=listeners - joined, at_once=JOINING_AT_ONCE)
                    for refusal in answer["refused"]:
                        print("refused:", refusal, file=sys.stderr)
                    report.promises[f"all of {listeners} joined"] = answer["joined"] == listeners - joined
                    joined = listeners
                    crowds.append(await Turns(server, channel, tell, bare).measure(listeners, options))
                await asyncio.sleep(SOUND_SECONDS)
                sound = await tell("sound")
    few, many = crowds
    for crowd in crowds:
        report.figures |= figures(crowd)
        report.promises[f"nobody lost of {crowd.listeners}"] = crowd.lost == 0
    report.figures["sound_correlation_min"] = min(sound["correlation"], default=None)
    set_goals(report, few, many)
    return report


class Turns:
    """The server and the bare sender, one after the other."""

    def __init__(self, server: Server, channel: Channel, listeners: Tell, bare: Tell) -> None:
        self._server, self._channel, self._listeners, self._bare = server, channel, listeners, bare

    async def measure(self, listeners: int, options: argparse.Namespace) -> Crowd:
        crowd = Crowd(listeners)
        ports = (await self._listeners("ports"))["ports"]
        for _ in range(options.rounds):
            await self._mute(False)
            await self._fan_out(crowd, options.seconds)
            sizes = (await self._listeners("sizes"))["sizes"]
            await self._mute(True)
            found, _ = await asyncio.gather(
                self._bare("send", ports=ports, sizes=sizes, seconds=options.seconds),
                self._channel.drain(options.seconds),
            )
            crowd.bare_cpu_seconds.append(found["cpu_seconds"] / found["seconds"])
            crowd.bare_datagrams.append(found["datagrams"] / found["seconds"])
            crowd.bare_lateness.extend(found["ended_late_seconds"])
        await self._mute(False)
        return crowd

    async def _mute(self, muted: bool) -> None:
        await self._channel.ok("mute", muted=muted)
        self._channel.events.clear()
        await asyncio.sleep(SETTLING_SECONDS)

    async def _fan_out(self, crowd: Crowd, seconds: float) -> None:
        await self._listeners("sizes")
        before = await self._snapshot()
        await self._channel.drain(seconds)
        after = await self._snapshot()
        took = after.at - before.at
        crowd.resident_bytes = after.resident_bytes
        crowd.cpu_seconds.append((after.cpu_seconds - before.cpu_seconds) / took)
        crowd.datagrams.append((after.metrics[OUT] - before.metrics[OUT]) / took)
        crowd.clients_cpu_seconds.append((after.clients["cpu_seconds"] - before.clients["cpu_seconds"]) / took)
        for name, seen in ((BEGIN_LATENESS, crowd.begin_lateness), (LATENESS, crowd.lateness)):
            seen.update(between(bucket_counts(before.metrics, name), bucket_counts(after.metrics, name)))
        counts = [b - a for a, b in zip(before.clients["datagrams"], after.clients["datagrams"], strict=True)]
        crowd.missing = max(crowd.missing, 1 - sum(counts) / max(1, max(counts) * len(counts)))
        silent = sum(seconds > 1.0 for seconds in after.clients["silent_seconds"])
        crowd.lost = max(crowd.lost, silent + after.clients["closed"])

    async def _snapshot(self) -> Snapshot:
        clients, metrics, used = await self._listeners("count"), await self._server.metrics(), usage(self._server.pid)
        at = asyncio.get_running_loop().time()
        return Snapshot(at, used.cpu_seconds, used.resident_bytes, metrics, clients)


@dataclass(frozen=True, slots=True)
class Snapshot:
    at: float
    cpu_seconds: float
    resident_bytes: int
    metrics: dict[str, float]
    clients: dict[str, Any]


def figures(crowd: Crowd) -> dict[str, float | int | None]:
    prefix = f"{crowd.listeners}_listeners"
    cpu, datagrams = statistics.median(crowd.cpu_seconds), statistics.median(crowd.datagrams)
    return {
        f"{prefix}_server_cpu_percent_of_a_core": 100 * cpu,
        f"{prefix}_server_millicores_per_listener": 1e3 * cpu / crowd.listeners,
        f"{prefix}_server_microseconds_per_datagram": 1e6 * cpu / max(1.0, datagrams),
        f"{prefix}_datagrams_per_second": datagrams,
        f"{prefix}_bare_cpu_percent_of_a_core": 100 * statistics.median(crowd.bare_cpu_seconds),
        f"{prefix}_bare_datagrams_per_second": statistics.median(crowd.bare_datagrams),
        f"{prefix}_clients_cpu_percent_of_a_core": 100 * statistics.median(crowd.clients_cpu_seconds),
        f"{prefix}_tick_begins_late_p50_milliseconds": _milliseconds(crowd.begin_lateness, 0.5),
        f"{prefix}_tick_begins_late_p99_milliseconds": _milliseconds(crowd.begin_lateness, 0.99),
        f"{prefix}_tick_ends_late_p50_milliseconds": _milliseconds(crowd.lateness, 0.5),
        f"{prefix}_tick_ends_late_p99_milliseconds": _milliseconds(crowd.lateness, 0.99),
        f"{prefix}_bare_ends_late_p50_milliseconds": 1e3 * float(np.quantile(crowd.bare_lateness, 0.5)),
        f"{prefix}_bare_ends_late_p99_milliseconds": 1e3 * float(np.quantile(crowd.bare_lateness, 0.99)),
        f"{prefix}_datagrams_missing_percent": 100 * crowd.missing,
        f"{prefix}_lost": crowd.lost,
    }


def slopes(few: list[float], many: list[float], few_count: list[float], many_count: list[float]) -> list[float]:
    """Microseconds of CPU per datagram more, of each round."""
    rounds = zip(few, many, few_count, many_count, strict=True)
    return [1e6 * (m - f) / max(1.0, mc - fc) for f, m, fc, mc in rounds]


def set_goals(report: Report, few: Crowd, many: Crowd) -> None:
    ours = slopes(few.cpu_seconds, many.cpu_seconds, few.datagrams, many.datagrams)
    bare = slopes(few.bare_cpu_seconds, many.bare_cpu_seconds, few.bare_datagrams, many.bare_datagrams)
    rounds = tuple((f"round {n + 1}", o, b, o / b) for n, (o, b) in enumerate(zip(ours, bare, strict=True)))
    report.grids.append(Grid("CPU per datagram more, microseconds", ("", "server", "sendmmsg alone", "ratio"), rounds))
    kilobytes = (many.resident_bytes - few.resident_bytes) / 1e3 / (many.listeners - few.listeners)
    report.figures |= {
        "server_slope_microseconds_per_datagram": statistics.median(ours),
        "bare_slope_microseconds_per_datagram": statistics.median(bare),
        "slope_ratio": statistics.median(ours) / statistics.median(bare),
        "kilobytes_per_listener": kilobytes,
    }
    report.goal("server / sendmmsg alone, per datagram", report.figures["slope_ratio"], at_most=RATIO_MAX)
    report.goal("memory per listener", kilobytes, at_most=KILOBYTES_MAX, unit="kB")
    for crowd in (few, many):
        prefix = f"{crowd.listeners}_listeners"
        begins = report.figures[f"{prefix}_tick_begins_late_p99_milliseconds"]
        ends = _milliseconds(crowd.lateness, 0.99)
        more = None if ends is None else ends - 1e3 * float(np.quantile(crowd.bare_lateness, 0.99))
        for what, figure in (("begins late", begins), ("ends later than sendmmsg alone", more)):
            report.goal(
                f"a tick {what}, p99, {crowd.listeners} listeners", figure, at_most=LATENESS_MILLISECONDS_MAX, unit="ms"
            )


def _milliseconds(lateness: Counter[float], fraction: float) -> float | None:
    seconds = quantile(dict(sorted(lateness.items())), fraction)
    return None if seconds is None else 1e3 * seconds
