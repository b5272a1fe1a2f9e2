"""The same clients on our server and on Debian's Janus: CPU per listener, join time, latency, sound behind bad networks.

Janus runs as its users would tune it (one event loop per core) in its three shapes for this job: AudioBridge; AudioBridge
forwarded once into a Streaming mountpoint; VideoRoom. Everything is measured in turn, ours and theirs, more than once.
Needs Debian's `janus` and the extra `bench`: see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import itertools
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import janus
from benchmarks.batches import KeptUp, perform_all
from benchmarks.beside import beside
from benchmarks.clicks import LATE_SECONDS_MAX, hear, track
from benchmarks.clicks import Heard as HeardClick
from benchmarks.losses import NONE, Loss
from benchmarks.mouth import Mouth
from benchmarks.process import usage
from benchmarks.quality import Case
from benchmarks.report import Grid, Number, Report
from benchmarks.scenes import Room, Stage
from benchmarks.shapes import JANUS, opened
from benchmarks.voices import Loop, loop_of, some_voice
from spaces.config import Config
from spaces.demo.publisher import PACKET_SECONDS
from tests.harness.client import Packet, parse
from tests.harness.opus import Samples
from tests.harness.server import serving

if TYPE_CHECKING:
    from benchmarks.scores import Score
    from benchmarks.scoring import Scorer

OURS = "spaces"
LONG = "spaces, 60 ms"
LONG_PACKETS = {"audience_packet_milliseconds": 60}
"""The setting of ours for large audiences; measured if this version has it."""
BRIDGES = ("audiobridge", "audiobridge, prebuffer 1")
CASES = tuple(
    Case(way, "fec", loss)
    for way, loss in (("up", Loss(5)), ("up", Loss(10)), ("down", Loss(5)), ("down", Loss(10)), ("jitter", NONE))
)

JOINING_AT_ONCE = 8
SETTLE_SECONDS = 2.0
MILLICORES_PER_CORE_MAX = 850.0
"""No crowd is tried of which the one before tells that it would take more: the clients need the rest."""
CLICKS, CLICK_ROOMS_AT_ONCE, CLICK_LEVEL = 6, 8, 30
CLICK_LAG_SECONDS_MAX = 0.003
SAME_MILLISECONDS = 1.0
"""What two measurements of one thing differ by."""

BEST_RATIO_MIN, BRIDGE_RATIO_MIN, LONG_RATIO_MIN = 4.5, 20.0, 9.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="one round, fewer of everything: about two minutes")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="of the whole crowd test, default 2")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="each crowd is measured, default 6")
    parser.add_argument("--speakers", type=int, nargs="+", default=[1, 3, 10], metavar="N", help="default 1 3 10")
    parser.add_argument("--listeners", type=int, nargs="+", default=[100, 400], metavar="N", help="default 100 400")
    parser.add_argument("--seeds", type=int, default=8, metavar="N", help="of each condition of sound, default 8")
    parser.add_argument("--only", choices=("crowds", "latency", "sound"), help="one part of it")


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """One running server."""

    url: str
    pid: int


@dataclasses.dataclass(frozen=True, slots=True)
class Crowd:
    """One measurement."""

    millicores_per_listener: float
    join_seconds: list[float]
    datagrams_per_second: float


Cell = tuple[str, int, int]
"""Shape, speakers, listeners."""


async def run(options: argparse.Namespace) -> Report:
    from benchmarks.scoring import Scorer  # the extra `bench`, which others need not have

    if options.quick:
        options.rounds, options.speakers, options.listeners, options.seeds = 1, [1, 3], [100], 2
    report = Report("peer-janus", shown=False)
    with tempfile.TemporaryDirectory() as name, Scorer() as scorer:
        folder = Path(name)
        async with _servers(folder) as servers:
            voice = some_voice(folder)
            if options.only in (None, "crowds"):
                _report_crowds(report, await _crowds(servers, loop_of(voice.samples), options), options)
            if options.only in (None, "latency"):
                await _latency(report, servers, 8 if options.quick else 24)
            if options.only in (None, "sound"):
                await _sound(report, servers, voice.samples, options.seeds, scorer)
    return report


@asynccontextmanager
async def _servers(folder: Path) -> AsyncIterator[Mapping[str, Server]]:
    """All of them at the same address; who is not measured idles."""
    async with AsyncExitStack() as stack:
        address = stack.enter_context(janus.reachable_address())
        ours = stack.enter_context(serving(folder / "ours", address=address))
        servers = {OURS: Server(ours.url, ours.pid), "spaces stage": Server(ours.url, ours.pid)}
        if LONG_PACKETS.keys() <= {field.name for field in dataclasses.fields(Config)}:
            long = stack.enter_context(serving(folder / "long", address=address, settings=LONG_PACKETS))
            servers[LONG] = Server(long.url, long.pid)
        peer = stack.enter_context(janus.running(folder / "janus", address))
        names = (*JANUS, *BRIDGES, *(f"{bridge}, 10 % expected" for bridge in BRIDGES))
        yield servers | dict.fromkeys(names, Server(peer.url, peer.pid))


# --- crowds


async def _crowds(servers: Mapping[str, Server], loop: Loop, options: argparse.Namespace) -> dict[Cell, list[Crowd]]:
    found: dict[Cell, list[Crowd]] = defaultdict(list)
    ours = [shape for shape in (OURS, LONG) if shape in servers]
    for _ in range(options.rounds):
        for speakers in options.speakers:
            # Ours between any two of theirs: what changes on the machine meanwhile hits both.
            order = [shape for theirs in JANUS for shape in (*ours, theirs)]
            for shape in order:
                _say(f"{speakers} speakers on {shape}")
                for listeners, crowd in await _crowd(shape, servers[shape], speakers, loop, options):
                    found[shape, speakers, listeners].append(crowd)
    return found


async def _crowd(
    shape: str, server: Server, speakers: int, loop: Loop, options: argparse.Namespace
) -> list[tuple[int, Crowd]]:
    """One room that grows from each number of listeners to the next, as far as it goes."""
    found: list[tuple[int, Crowd]] = []
    async with (
        opened(_kind(shape), server.url) as stage,
        _talking(stage, speakers, loop) as room,
        beside("benchmarks.peer_side", _kind(shape), server.url, room.reference) as tell,
    ):
        joined, seconds = 0, []
        for listeners in options.listeners:
            if found and found[-1][1].millicores_per_listener * listeners > _millicores_max():
                break
            answer = await tell("join", count=listeners - joined, at_once=JOINING_AT_ONCE)
            for refusal in answer["refused"]:
                _say(f"refused: {refusal}")
            joined, seconds = joined + answer["joined"], answer["seconds"]
            await asyncio.sleep(SETTLE_SECONDS)
            before, count = usage(server.pid).cpu_seconds, await tell("count")
            await asyncio.sleep(options.seconds)
            cpu = usage(server.pid).cpu_seconds - before
            datagrams = (await tell("count"))["datagrams"] - count["datagrams"]
            millicores = 1e3 * cpu / options.seconds / max(1, joined)
            found.append((listeners, Crowd(millicores, seconds, datagrams / options.seconds)))
        await tell("leave")
    return found


@asynccontextmanager
async def _talking(stage: Stage, speakers: int, loop: Loop) -> AsyncIterator[Room]:
    """A room in which that many talk at once, each elsewhere in the loop."""
    async with AsyncExitStack() as stack:
        room = await stack.enter_async_context(stage.room(f"crowd{_number()}"))
        playing = []
        for number in range(speakers):
            speaking = await stack.enter_async_context(room.speaker(number))
            shift = number * len(loop.packets) // speakers
            turned = dataclasses.replace(loop, packets=loop.packets[shift:] + loop.packets[:shift])
            playing.append(asyncio.create_task(Mouth(speaking.link, turned).run(speaking.stream)))
        try:
            yield room
        finally:
            for task in playing:
                task.cancel()
            await asyncio.gather(*playing, return_exceptions=True)


def _report_crowds(report: Report, found: Mapping[Cell, Sequence[Crowd]], options: argparse.Namespace) -> None:
    cells = {cell: statistics.median(one.millicores_per_listener for one in some) for cell, some in found.items()}
    shapes = [shape for shape in (OURS, LONG, *JANUS) if any(cell[0] == shape for cell in cells)]
    rows: list[tuple[str | Number, ...]] = []
    for speakers in options.speakers:
        for listeners in options.listeners:
            values = {shape: cells.get((shape, speakers, listeners)) for shape in shapes}
            rows.append((f"{speakers} × {listeners}", *values.values()))
            for shape, value in values.items():
                report.figures[f"{_key(shape)}_{speakers}_speakers_{listeners}_listeners_millicores_each"] = value
            _crowd_goals(report, f"{speakers} speakers × {listeners} listeners", values)
    title = "server CPU, millicores per listener: speakers × listeners (–: beyond this machine)"
    report.grids.append(Grid(title, ("", *shapes), tuple(rows)))
    if len(options.listeners) > 1:
        few, many = options.listeners[0], options.listeners[-1]
        slopes = []
        for speakers in options.speakers:
            row = [
                _slope(cells.get((shape, speakers, few)), cells.get((shape, speakers, many)), few, many)
                for shape in shapes
            ]
            slopes.append((f"{speakers} speakers", *row))
            for shape, slope in zip(shapes, row, strict=True):
                report.figures[f"{_key(shape)}_{speakers}_speakers_millicores_each_further_listener"] = slope
        title = f"the same, each further listener from {few} to {many}"
        report.grids.append(Grid(title, ("", *shapes), tuple(slopes)))
    times: dict[str, list[float]] = {shape: [] for shape in shapes}
    for (shape, _, _), some in found.items():
        times[shape] += [seconds for crowd in some for seconds in crowd.join_seconds]
    for shape, seconds in times.items():
        report.figures[f"{_key(shape)}_join_p50_milliseconds"] = 1e3 * float(np.quantile(seconds, 0.5))
        report.figures[f"{_key(shape)}_join_p95_milliseconds"] = 1e3 * float(np.quantile(seconds, 0.95))
    middle = {shape: 1e3 * float(np.median(seconds)) for shape, seconds in times.items()}
    joins = tuple((shape, middle[shape], 1e3 * float(np.quantile(times[shape], 0.95))) for shape in shapes)
    report.grids.append(Grid("from the first request to the first media, milliseconds", ("", "p50", "p95"), joins))
    fastest = min(middle[shape] for shape in shapes if shape in JANUS)
    report.goal("join p50, beside the fastest of Janus's shapes", middle[OURS], at_most=round(fastest, 1), unit="ms")


def _slope(each_of_few: float | None, each_of_many: float | None, few: int, many: int) -> float | None:
    if each_of_few is None or each_of_many is None:
        return None
    return (each_of_many * many - each_of_few * few) / (many - few)


def _crowd_goals(report: Report, what: str, values: Mapping[str, float | None]) -> None:
    ours, long, bridge = values.get(OURS), values.get(LONG), values.get("audiobridge")
    best = min((value for shape, value in values.items() if shape in JANUS and value), default=None)
    if best:
        report.goal_at_least(f"{what}: best of Janus over ours", best / ours if ours else None, at_least=BEST_RATIO_MIN)
        report.goal_at_least(f"{what}: the same, 60 ms packets", best / long if long else None, at_least=LONG_RATIO_MIN)
    if bridge:
        report.goal_at_least(
            f"{what}: AudioBridge over ours", bridge / ours if ours else None, at_least=BRIDGE_RATIO_MIN
        )


# --- latency


async def _latency(report: Report, servers: Mapping[str, Server], phases: int) -> None:
    found: dict[str, list[float]] = {}
    lag = 0.0
    for shape in ("spaces stage", "videoroom", OURS, *BRIDGES):
        _say(f"latency of {shape}")
        rooms: list[_Clicks] = []
        async with opened(shape, servers[shape].url) as stage:
            for start in range(0, phases, CLICK_ROOMS_AT_ONCE):
                some = range(start, min(phases, start + CLICK_ROOMS_AT_ONCE))
                rooms += await asyncio.gather(*(_click(stage, seed) for seed in some))
        found[shape] = [1e3 * one.mouth_to_ear for room in rooms for one in room.heard]
        report.figures[f"{_key(shape)}_clicks_heard_percent"] = 100 * len(found[shape]) / (phases * CLICKS)
        lag = max(lag, *(room.lag_seconds for room in rooms))
    report.figures["clicks_sent_late_p99_milliseconds"] = 1e3 * lag
    report.promises["the machine kept up while latency was measured"] = lag <= CLICK_LAG_SECONDS_MAX
    rows: list[tuple[str | Number, ...]] = []
    middle: dict[str, float | None] = {}
    for shape, times in found.items():
        p50, p95 = (float(np.quantile(times, q)) if times else None for q in (0.5, 0.95))
        report.figures[f"{_key(shape)}_mouth_to_ear_p50_milliseconds"] = p50
        report.figures[f"{_key(shape)}_mouth_to_ear_p95_milliseconds"] = p95
        rows.append((shape, p50, p95))
        middle[shape] = p50
    report.grids.append(Grid("mouth to ear, milliseconds, the codec's 26.5 included", ("", "p50", "p95"), tuple(rows)))
    forwarded, mixed = middle["videoroom"], min((m for b in BRIDGES if (m := middle[b]) is not None), default=None)
    if forwarded is not None:
        bound = round(forwarded + SAME_MILLISECONDS, 1)
        report.goal("stage p50, beside VideoRoom and 1 ms", middle["spaces stage"], at_most=bound, unit="ms")
    if mixed is not None:
        report.goal("audience p50, beside AudioBridge's best", middle[OURS], at_most=round(mixed, 1), unit="ms")


@dataclasses.dataclass(frozen=True, slots=True)
class _Clicks:
    heard: list[HeardClick]
    lag_seconds: float
    """By how much packets left late (p99)."""


async def _click(stage: Stage, seed: int) -> _Clicks:
    """One room; its speaker begins at a random moment of the server's tick."""
    sound, packets = track(seed, CLICKS), list[Packet]()
    loop = Loop(sound.decoded, sound.packets, (CLICK_LEVEL,) * len(sound.packets))

    def on_rtp(data: bytes) -> None:
        packets.append(parse(data, asyncio.get_running_loop().time()))

    async with AsyncExitStack() as stack:
        room = await stack.enter_async_context(stage.room(f"clicks{_number()}"))
        speaking = await stack.enter_async_context(room.speaker(0))
        await stack.enter_async_context(room.listener(0, on_rtp))
        await asyncio.sleep(float(np.random.default_rng(seed).uniform(0.5, 0.6)))
        mouth = Mouth(speaking.link, loop)
        playing = asyncio.create_task(mouth.run(speaking.stream))
        while len(mouth.times) < len(sound.packets) and not playing.done():  # noqa: ASYNC110 - cheaper than an event a packet
            await asyncio.sleep(PACKET_SECONDS)
        await asyncio.sleep(LATE_SECONDS_MAX)
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    sent = mouth.times[: len(sound.packets)]
    return _Clicks(hear(sound, sent[0] - PACKET_SECONDS, sent, packets), mouth.lag())


# --- sound


async def _sound(report: Report, servers: Mapping[str, Server], voice: Samples, seeds: int, scorer: Scorer) -> None:
    from benchmarks.scoring import Job, mean

    loops = {percent: loop_of(voice, loss_percent=percent) for percent in sorted({c.loss.percent for c in CASES})}
    scores: dict[tuple[str, Case], Score] = {}
    worst = KeptUp(0.0)
    for shape in (OURS, *BRIDGES):
        _say(f"sound of {shape}")
        for told, cases in _told(shape):
            scenes = {case: list(case.scenes(seeds, loops)) for case in cases}
            async with opened(told, servers[told].url) as stage:
                results, kept_up = await perform_all(stage, [scene for some in scenes.values() for scene in some])
            worst |= kept_up
            for case, some in scenes.items():
                heard = [one for _ in some for one in results.pop(0)]
                scores[shape, case] = await mean(scorer.heard([Job(voice, one.samples) for one in heard]))
    report.promises["the machine kept up while sound was measured"] = worst.in_time
    report.figures["sound_batches_done_again"] = worst.again
    rows: list[tuple[str | Number, ...]] = []
    for case in CASES:
        ours, theirs = scores[OURS, case].pesq, [scores[bridge, case].pesq for bridge in BRIDGES]
        rows.append((str(case), ours, *theirs))
        for shape in (OURS, *BRIDGES):
            report.figures[f"{_key(shape)}_{case.key}_pesq"] = scores[shape, case].pesq
            report.figures[f"{_key(shape)}_{case.key}_stoi"] = scores[shape, case].stoi
        best = round(max(theirs), 2)
        report.goal_at_least(f"{case}: PESQ, beside AudioBridge's best", ours, at_least=best)
    report.grids.append(Grid(f"PESQ-WB, {seeds} seeds", ("", OURS, *BRIDGES), tuple(rows)))


def _told(shape: str) -> list[tuple[str, list[Case]]]:
    """Which shape to open for which cases: Janus must be told of the downlink's loss beforehand."""
    if shape not in BRIDGES:
        return [(shape, list(CASES))]
    down = [case for case in CASES if case.way == "down"]
    return [(shape, [case for case in CASES if case.way != "down"]), (f"{shape}, 10 % expected", down)]


# --- small things


def _kind(shape: str) -> str:
    return OURS if shape == LONG else shape


def _key(shape: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in shape).split())


_numbers = itertools.count(1)


def _number() -> int:
    """Names of rooms are used once."""
    return next(_numbers)


def _millicores_max() -> float:
    return MILLICORES_PER_CORE_MAX * (os.cpu_count() or 1)


def _say(what: str) -> None:
    print(f"peer-janus: {what}", file=sys.stderr, flush=True)
