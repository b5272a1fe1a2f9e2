"""What it costs to tell everybody in a Space something, beside bare aiohttp sockets that send the same bytes.

One Space with many sockets, all in one other process. *Events to all*: the host mutes and unmutes himself, and all are told
(`stage`); timed from the request to each socket. *From all*: everybody taps a reaction now and then, each tap is answered, and
all are told the sums, five times a second. *Idle*: nothing happens but pings. Beside each, in turn, the floor: a bare aiohttp
server in a process of its own reads the same requests, answers with the same reply and sends the same events to as many
sockets. CPU is that of the whole server process, over the messages that came out at the other side. *Speaking*: a speaker over
WHIP is silent, then speaks; timed from his first packet to `speaking` at each socket.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from benchmarks.bare_sockets import TO_ALL
from benchmarks.beside import Tell, beside
from benchmarks.process import usage
from benchmarks.report import Grid, Number, Report
from spaces.demo.speech import read_speech
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import RtcClient
from tests.harness.server import REPOSITORY, serving

RATIO_MAX = 1.5
SPEAKING_MILLISECONDS_MAX = 200.0
SETTLE_SECONDS = 2.0
EVENTS_PER_SECOND = 10
PAUSE_SECONDS = 1.0
"""Before a talk: who has spoken within 200 ms is still shown."""
AT_ONCE = 50


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sockets", type=int, default=2_000, metavar="N", help="default 2000")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each kind, default 3")
    parser.add_argument("--events", type=int, default=50, metavar="N", help="in each round, default 50")
    parser.add_argument("--seconds", type=float, default=5.0, help="of tapping and idling in each round, default 5")
    parser.add_argument("--tap-every", type=float, default=4.0, metavar="S", help="each socket, default 4 s")
    parser.add_argument("--talks", type=int, default=20, metavar="N", help="of the speaker, default 20")


@dataclass(slots=True)
class Side:
    """Our server or the floor, its sockets, and what was measured."""

    name: str
    pid: int
    tell: Tell
    ask: tuple[str, str]
    """What the first socket says so that all are told: one, and the other time."""
    kind: str
    """How that event begins."""
    tap: str
    socket_bytes: float = 0.0
    event_cpu: list[float] = field(default_factory=list)
    event_seconds: list[float] = field(default_factory=list)
    tap_cpu: list[float] = field(default_factory=list)
    idle_cpu: list[float] = field(default_factory=list)
    heard: int = 0
    wanted: int = 0

    def cpu(self) -> float:
        return usage(self.pid).cpu_seconds


async def run(options: argparse.Namespace) -> Report:
    report = Report("events", shown=False)
    most = options.sockets + 100
    settings = {"sockets_per_address_max": most, "requests_per_minute_max": 10_000_000, "capacity_max": most}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), settings=settings) as server:
        async with aiohttp.ClientSession() as http, contextlib.AsyncExitStack() as stack:
            api = Api(http, server.url)
            host = await api.creator("ada")
            space = await api.space(host)
            path = f"/v1/spaces/{space}/socket"
            crowd = await stack.enter_async_context(
                beside("benchmarks.socket_crowd", "127.0.0.1", server.http_port, path)
            )
            mute = tuple(json.dumps({"id": 2, "type": "mute", "muted": muted}) for muted in (True, False))
            ours = Side("ours", server.process.pid, crowd, (mute[0], mute[1]), '{"type":"stage"', TAP)
            before = usage(ours.pid).resident_bytes
            people = [host, *(person(f"fan{number}") for number in range(1, options.sockets))]
            hellos = [json.dumps({"v": 1, "id": 1, "type": "hello", "token": one.token}) for one in people]
            joined = await crowd("join", hellos=hellos, at_once=AT_ONCE)
            await asyncio.sleep(SETTLE_SECONDS)
            ours.socket_bytes = (usage(ours.pid).resident_bytes - before) / options.sockets
            await ours.tell("ask", text=ours.ask[0], kind=ours.kind)
            event = (await ours.tell("last", kind=ours.kind))["text"]
            reply = (await ours.tell("last", kind="ok"))["text"]
            await ours.tell("ask", text=ours.ask[1], kind=ours.kind)
            taps = [await ours.tell("ask", text=TAP.replace("NUMBER", "2"), kind=SUMS) for _ in range(REACTIONS)]
            sums = (await ours.tell("last", kind=SUMS))["text"]
            floor = await stack.enter_async_context(_floor(options.sockets, reply, event, sums))
            for number in range(options.rounds):
                for side in (ours, floor) if number % 2 else (floor, ours):
                    await _events(side, options.events, options.sockets)
                    await _taps(side, options)
                    await _idle(side, options.seconds)
            talks = await _talks(api, space, host, crowd, options.talks)
            counted = await crowd("count")
            report.promises["every socket got in and stayed"] = joined["joined"] == counted["open"] == options.sockets
    _tell(report, ours, floor, options, talks)
    reacted = np.quantile([seconds for tap in taps for seconds in tap["seconds"]] or [np.nan], (0.5, 0.99))
    report.figures |= {
        "reaction_p50_milliseconds": 1e3 * float(reacted[0]),
        "reaction_p99_milliseconds": 1e3 * float(reacted[1]),
    }
    report.figures["joins_per_second"] = options.sockets / joined["took_seconds"]
    return report


TAP = json.dumps({"id": 0, "type": "react", "reaction": "heart"}).replace("0", "NUMBER")
"""What every socket says now and then."""
SUMS = '{"type":"reactions"'
REACTIONS = 10
"""Single taps, timed until everybody has been told of them."""


@contextlib.asynccontextmanager
async def _floor(sockets: int, reply: str, event: str, sums: str) -> AsyncIterator[Side]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bare_sockets", cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        async with beside("benchmarks.socket_crowd", "127.0.0.1", port, "/socket") as tell:
            asks = f"{TO_ALL} {'x' * 40}"
            side = Side("floor", process.pid, tell, (asks, asks), event[:20], TAP)
            before = usage(side.pid).resident_bytes
            said = json.dumps({"reply": reply, "event": event, "sums": sums})
            await tell("join", hellos=[said, *["hello"] * (sockets - 1)], at_once=AT_ONCE)
            await asyncio.sleep(SETTLE_SECONDS)
            side.socket_bytes = (usage(side.pid).resident_bytes - before) / sockets
            yield side
    finally:
        process.terminate()
        await process.wait()


async def _events(side: Side, events: int, sockets: int) -> None:
    cpu, before = side.cpu(), (await side.tell("count"))["messages"]
    for number in range(events):
        due = time.monotonic() + 1 / EVENTS_PER_SECOND
        heard = await side.tell("ask", text=side.ask[number % 2], kind=side.kind)
        side.event_seconds += heard["seconds"]
        side.heard += heard["heard"]
        side.wanted += sockets
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    messages = (await side.tell("count"))["messages"] - before
    side.event_cpu.append((side.cpu() - cpu) / messages)


async def _taps(side: Side, options: argparse.Namespace) -> None:
    cpu = side.cpu()
    done = await side.tell("tap", text=side.tap, every_seconds=options.tap_every, seconds=options.seconds)
    side.tap_cpu.append((side.cpu() - cpu) / max(1, done["heard"]))
    side.wanted += done["said"]
    side.heard += min(done["said"], done["heard"])


async def _idle(side: Side, seconds: float) -> None:
    cpu = side.cpu()
    await asyncio.sleep(seconds)
    side.idle_cpu.append((side.cpu() - cpu) / seconds)


async def _talks(api: Api, space: str, host: Any, crowd: Tell, talks: int) -> list[float]:
    """Seconds from the first packet of a talk to `speaking` at each socket."""
    speech = read_speech()
    loud = [number for number, level in enumerate(speech.levels) if level < 30][:25]
    me = (await api.ok("GET", "/v1/me", by=host))["account"]["id"]
    speaker = RtcClient(api, decrypt=False)
    await speaker.connect(f"/v1/spaces/{space}/whip", "sendonly", by=host)
    stream, found = speaker.stream(), []
    try:
        for number in range(talks):
            await asyncio.sleep(PAUSE_SECONDS + number % 10 / 100)  # anywhere between two looks
            stream.skip(50)
            hearing = asyncio.ensure_future(crowd("hear", kind='{"type":"speaking"', inside=f'"{me}":'))
            await asyncio.sleep(0.05)
            began = time.monotonic()
            for position, at in enumerate(loud):
                await asyncio.sleep(max(0.0, began + 0.02 * position - time.monotonic()))
                speaker.link.send_rtp(stream.packet(speech.packets[at], speech.levels[at], marker=not position))
            found += [at - began for at in (await hearing)["seconds"]]
    finally:
        await speaker.leave()
    return found


def _tell(report: Report, ours: Side, floor: Side, options: argparse.Namespace, talks: list[float]) -> None:
    rows: list[tuple[str | Number, ...]] = []
    for side in (ours, floor):
        p50, p99 = np.quantile(side.event_seconds, (0.5, 0.99)) if side.event_seconds else (float("nan"),) * 2
        values = {
            "event_cpu_microseconds": 1e6 * float(np.median(side.event_cpu)),
            "tap_cpu_microseconds": 1e6 * float(np.median(side.tap_cpu)),
            "event_p50_milliseconds": 1e3 * float(p50),
            "event_p99_milliseconds": 1e3 * float(p99),
            "idle_cpu_percent": 100 * float(np.median(side.idle_cpu)),
            "socket_kilobytes": side.socket_bytes / 1e3,
        }
        report.figures |= {f"{side.name}_{name}": value for name, value in values.items()}
        rows.append((side.name, *values.values()))
        report.promises[f"every message came, {side.name}"] = side.heard == side.wanted
    columns = ("", "CPU/message µs", "CPU/message, taps µs", "p50 ms", "p99 ms", "idle CPU %", "kB/socket")
    report.grids.append(Grid(f"{options.sockets} sockets, {EVENTS_PER_SECOND} events a second", columns, tuple(rows)))
    for what, key in (("event to all", "event"), ("message, all tapping", "tap")):
        mine, least = (report.figures[f"{side.name}_{key}_cpu_microseconds"] or 0.0 for side in (ours, floor))
        ratio = mine / least if least else None  # too little for the clock of /proc
        report.figures[f"{key}_cpu_times_floor"] = ratio
        report.goal(f"CPU per {what} / floor", ratio, at_most=RATIO_MAX)
    p50, p99 = np.quantile(talks, (0.5, 0.99)) if talks else (float("nan"),) * 2
    report.figures |= {"speaking_p50_milliseconds": 1e3 * float(p50), "speaking_p99_milliseconds": 1e3 * float(p99)}
    report.goal("speaking shown, p50", 1e3 * float(p50), at_most=SPEAKING_MILLISECONDS_MAX, unit="ms")
    report.goal("speaking shown, p99", 1e3 * float(p99), at_most=SPEAKING_MILLISECONDS_MAX, unit="ms")
