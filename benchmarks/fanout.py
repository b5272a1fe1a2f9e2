"""One talking speaker, many WHEP listeners: who is lost, how late the ticks are, what a listener costs.

The server, the listeners and the speaker are processes of their own on this machine; the datagrams are real ones on
loopback. A listener is lost if his link has ended, or if nothing reached him in the last second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.histogram import between, bucket_counts, quantile
from benchmarks.process import usage
from benchmarks.report import Report
from spaces.demo.speech import read_speech
from tests.harness.api import Api
from tests.harness.client import speaking
from tests.harness.server import REPOSITORY, serving

LATENESS_SECONDS_MAX = 0.005
LATENESS = "spaces_tick_lateness_seconds"
LINE_BYTES_MAX = 1 << 22


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listeners", type=int, default=200, metavar="N", help="default 200")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="how long it is measured, default 60")
    parser.add_argument("--decoding", type=int, default=3, metavar="N", help="listeners that also decode, default 3")


async def run(options: argparse.Namespace) -> Report:
    report = Report("fanout")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        async with aiohttp.ClientSession() as http:
            api = Api(http, server.url)
            host = await api.creator("ada")
            space = await api.space(host)
            async with (
                speaking(api, space, read_speech(), by=host),
                crowd(server.url, space, options.listeners, options.decoding) as tell,
            ):
                await asyncio.sleep(2)
                alone = usage(server.pid)
                joined = await tell("join")
                after_joining = usage(server.pid)
                await asyncio.sleep(3)
                before, metrics_before, used_before = await tell("count"), await server.metrics(), usage(server.pid)
                await asyncio.sleep(options.seconds)
                after, metrics_after, used_after = await tell("count"), await server.metrics(), usage(server.pid)
                sound = await tell("sound")
                await tell("leave")
        if after["closed"]:
            print("the server's log ends:", server.log()[-4000:], sep="\n", file=sys.stderr)
    counts = [b - a for a, b in zip(before["datagrams"], after["datagrams"], strict=True)]
    lost = sum(silent > 1.0 for silent in after["silent_seconds"])
    lateness = between(bucket_counts(metrics_before, LATENESS), bucket_counts(metrics_after, LATENESS))
    p50, p99 = quantile(lateness, 0.5), quantile(lateness, 0.99)
    cpu = used_after.cpu_seconds - used_before.cpu_seconds
    out = metrics_after["spaces_packets_total{direction=out}"] - metrics_before["spaces_packets_total{direction=out}"]
    report.figures = {
        "listeners": options.listeners,
        "seconds": options.seconds,
        "joined": joined["joined"],
        "join_median_milliseconds": _milliseconds(statistics.median(joined["seconds"])) if joined["seconds"] else None,
        "join_server_cpu_milliseconds_each": 1e3 * (after_joining.cpu_seconds - alone.cpu_seconds) / options.listeners,
        "listeners_lost": lost + after["closed"],
        "datagrams_per_listener_min": min(counts),
        "datagrams_per_listener_max": max(counts),
        "datagrams_missing_percent": 100.0 * (1 - sum(counts) / max(1, max(counts) * len(counts))),
        "tick_lateness_p50_milliseconds": _milliseconds(p50),
        "tick_lateness_p99_milliseconds": _milliseconds(p99),
        "server_cpu_percent_of_a_core": 100 * cpu / options.seconds,
        "server_millicores_per_listener": 1e3 * cpu / options.seconds / options.listeners,
        "server_microseconds_per_datagram": 1e6 * cpu / max(1.0, out),
        "server_kilobytes_per_listener": (used_after.resident_bytes - alone.resident_bytes) / 1e3 / options.listeners,
        "clients_cpu_percent_of_a_core": 100 * (after["cpu_seconds"] - before["cpu_seconds"]) / options.seconds,
        "sound_correlation_min": min(sound["correlation"], default=None),
    }
    report.promises = {
        "every listener joined": joined["joined"] == options.listeners,
        "no listener lost": lost + after["closed"] == 0,
        "p99 tick lateness at most 5 ms": p99 is not None and p99 <= LATENESS_SECONDS_MAX,
    }
    for refusal in joined["refused"]:
        print("refused:", refusal, file=sys.stderr)
    return report


@contextlib.asynccontextmanager
async def crowd(url: str, space: str, count: int, decoding: int) -> AsyncIterator[Any]:
    """The listeners' process; yields the function that gives it a command and returns its answer."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.listeners", url, space, str(count), str(decoding)),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def tell(what: str) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"do": what}).encode() + b"\n")
        line = await process.stdout.readline()
        assert line, "the listeners' process has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    try:
        yield tell
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds
