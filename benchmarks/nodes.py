"""What a listener costs on a node that is not the owner, next to one on the owner; what Redis costs; what the relay adds.

Nodes and a Redis, processes of their own on this machine, one Space with one speaker. The edge's sound is compared packet by
packet: the same packet's arrival at a listener of the edge, less its arrival at one of the owner, in one process. Then one, two
and three nodes get equally many listeners each: how many there are for a core's worth of CPU, the nodes' and Redis' together.
Then two nodes get a crowd, a small one and then a large one, at the same time, so that both are disturbed alike: what counts is
the slope between the two, CPU of a node's process over its datagrams. Redis' CPU is that of its process: for a packet to one
subscribed node (published alone, or fifty at once), for a renewed lease, and for as many live Spaces as are asked for, each
published and renewed as nodes do it; how many one Redis carries is reckoned from the last.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import struct
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from redis.asyncio import Redis

from benchmarks.beside import Tell, beside
from benchmarks.process import usage
from benchmarks.report import Grid, Report
from spaces.demo.speech import read_speech
from spaces.directory import Lease, Place
from spaces.redis_directory import RedisDirectory
from spaces.tenure import RENEW_SECONDS
from tests.harness.api import Api
from tests.harness.client import Packet, listening, speaking
from tests.harness.database import fresh_database_url
from tests.harness.redis import RedisServer, redis_server
from tests.harness.server import Server, serving

RATIO_MAX, ADDED_MILLISECONDS_MAX = 1.05, 2.0
OUT, RELAYED = "spaces_packets_total{direction=out}", "spaces_relayed_packets_total{direction=out}"
PACKETS_PER_SECOND = 50
SETTLING_SECONDS = 2.0
LEASES = 500
STAMP = struct.Struct("!d")
NAMES = ("owner", "edge", "third")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listeners",
        type=int,
        nargs=2,
        default=(50, 300),
        metavar="N",
        help="the two crowds of each node, default 50 300",
    )
    parser.add_argument(
        "--each", type=int, default=150, metavar="N", help="listeners of each of one, two and three nodes, default 150"
    )
    parser.add_argument(
        "--spaces", type=int, default=100, metavar="N", help="live Spaces that Redis alone is given, default 100"
    )
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="how long a turn is, default 10")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="turns per crowd, default 3")


@dataclass(slots=True)
class Used:
    """Of one node in the turns of one crowd, per second."""

    cpu_seconds: list[float] = field(default_factory=list)
    datagrams: list[float] = field(default_factory=list)


async def run(options: argparse.Namespace) -> Report:
    report = Report("nodes")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(redis_server(folder))
        url = await stack.enter_async_context(fresh_database_url(folder, migrated=True))

        async def begin(name: str, until: AsyncExitStack) -> Server:
            settings = {"redis_url": redis.url, "database_url": url, "node_name": name, "host": "127.0.0.1"}
            begun = serving(folder / name, settings=settings)
            server = await asyncio.to_thread(begun.__enter__)
            until.push_async_callback(asyncio.to_thread, begun.__exit__, None, None, None)
            return server

        servers = [await begin(name, stack) for name in NAMES[:2]]
        http = await stack.enter_async_context(aiohttp.ClientSession())
        owner, edge = (Api(http, server.url) for server in servers)
        host = await owner.creator("ada")
        space = await owner.space(host)
        await stack.enter_async_context(speaking(owner, space, read_speech(), by=host))
        async with listening(owner, space) as here, listening(edge, space) as there:
            await there.hear_first()
            await asyncio.sleep(options.seconds)
            added = [1e3 * seconds for seconds in later(here.packets, there.packets)]
        async with AsyncExitStack() as meanwhile:
            third = await begin(NAMES[2], meanwhile)
            await spread([*servers, third], redis, space, options, report)
        few, many = options.listeners
        tells = [
            await stack.enter_async_context(beside("benchmarks.listeners", server.url, space, many, 0))
            for server in servers
        ]
        found: dict[int, list[Used]] = {}
        joined = 0
        for count in (few, many):
            for name, tell in zip(NAMES, tells, strict=False):
                await join(tell, count - joined, f"all of {count} joined at the {name}", report)
            joined = count
            await asyncio.sleep(SETTLING_SECONDS)
            found[count], redis_share, published = await turns(servers, redis, options)
            report.promises[f"nobody lost of twice {count}"] = await silent(tells) == 0
            report.figures |= {
                f"{count}_owner_cpu_percent_of_a_core": 100 * statistics.median(found[count][0].cpu_seconds),
                f"{count}_edge_cpu_percent_of_a_core": 100 * statistics.median(found[count][1].cpu_seconds),
                f"{count}_redis_cpu_percent_of_a_core": 100 * redis_share,
                f"{count}_relayed_packets_per_second": published,
            }
    await redis_alone(options, report)
    slopes = [
        [
            1e6 * (large_cpu - small_cpu) / max(1.0, large_count - small_count)
            for small_cpu, large_cpu, small_count, large_count in zip(
                small.cpu_seconds, large.cpu_seconds, small.datagrams, large.datagrams, strict=True
            )
        ]
        for small, large in zip(found[few], found[many], strict=True)
    ]
    rounds = tuple((f"round {n + 1}", o, e, e / o) for n, (o, e) in enumerate(zip(*slopes, strict=True)))
    report.grids.append(Grid("CPU per datagram more, microseconds", ("", "owner", "edge", "ratio"), rounds))
    report.figures |= {
        "owner_slope_microseconds_per_datagram": statistics.median(slopes[0]),
        "edge_slope_microseconds_per_datagram": statistics.median(slopes[1]),
        "edge_ratio": statistics.median(slopes[1]) / statistics.median(slopes[0]),
        "added_p50_milliseconds": float(np.quantile(added, 0.5)),
        "added_p95_milliseconds": float(np.quantile(added, 0.95)),
        "packets_compared": len(added),
    }
    report.goal("edge / owner, CPU per datagram", report.figures["edge_ratio"], at_most=RATIO_MAX)
    report.goal(
        "added by the relay, p95", report.figures["added_p95_milliseconds"], at_most=ADDED_MILLISECONDS_MAX, unit="ms"
    )
    return report


def later(here: list[Packet], there: list[Packet]) -> list[float]:
    """Seconds by which each packet came later to the second than to the first; the same sound is the same bytes."""
    first: dict[bytes, list[float]] = {}
    for packet in here:
        first.setdefault(packet.payload, []).append(packet.arrival)
    return [
        packet.arrival - arrivals[0]
        for packet in there
        if len(packet.payload) > 8 and len(arrivals := first.get(packet.payload, [])) == 1
    ]


async def join(tell: Tell, count: int, promise: str, report: Report) -> None:
    answer = await tell("join", count=count, at_once=8)
    for refusal in answer["refused"]:
        print("refused:", refusal, file=sys.stderr)
    report.promises[promise] = answer["joined"] == count


async def silent(tells: list[Tell]) -> int:
    """How many of those listeners have heard nothing for a second."""
    return sum([sum(seconds > 1.0 for seconds in (await tell("count"))["silent_seconds"]) for tell in tells])


async def spread(
    servers: list[Server], redis: RedisServer, space: str, options: argparse.Namespace, report: Report
) -> None:
    """As many listeners at one node, then at another as well, then at a third."""
    rows: list[tuple[str | float | int, ...]] = []
    async with AsyncExitStack() as stack:
        tells: list[Tell] = []
        alone = 0.0
        for server, name in zip(servers, NAMES, strict=True):
            tell = await stack.enter_async_context(beside("benchmarks.listeners", server.url, space, options.each, 0))
            tells.append(tell)
            await join(tell, options.each, f"all of {options.each} joined at the {name}", report)
            await asyncio.sleep(SETTLING_SECONDS)
            count, listeners = len(tells), options.each * len(tells)
            used, redis_share, _ = await turns(servers[:count], redis, options)
            report.promises[f"nobody lost of {listeners} at {count}"] = await silent(tells) == 0
            cpu = sum(statistics.median(one.cpu_seconds) for one in used)
            per_core = listeners / max(1e-9, cpu + redis_share)
            alone = alone or per_core
            rows.append((f"{count}", listeners, 100 * cpu, 100 * redis_share, per_core, per_core / alone))
            report.figures |= {
                f"{count}_nodes_cpu_percent_of_a_core": 100 * cpu,
                f"{count}_nodes_redis_cpu_percent_of_a_core": 100 * redis_share,
                f"{count}_nodes_listeners_per_core": per_core,
                f"{count}_nodes_against_one": per_core / alone,
            }
        await asyncio.gather(*(tell("leave") for tell in tells))
    columns = ("nodes", "listeners", "their CPU, % of a core", "Redis', %", "listeners per core used", "against one")
    report.grids.append(Grid("Listeners against nodes, by the CPU that nodes and Redis used", columns, tuple(rows)))


async def turns(
    servers: list[Server], redis: RedisServer, options: argparse.Namespace
) -> tuple[list[Used], float, float]:
    """What each node used, Redis' share of a core, and packets published per second."""
    used = [Used() for _ in servers]
    redis_seconds, published, seconds = 0.0, 0.0, 0.0
    assert redis.process is not None
    for _ in range(options.rounds):
        before = [(usage(server.pid).cpu_seconds, await server.metrics()) for server in servers]
        redis_before, at = usage(redis.process.pid).cpu_seconds, time.monotonic()
        await asyncio.sleep(options.seconds)
        took = time.monotonic() - at
        seconds += took
        redis_seconds += usage(redis.process.pid).cpu_seconds - redis_before
        for one, server, (cpu, metrics) in zip(used, servers, before, strict=True):
            now = await server.metrics()
            one.cpu_seconds.append((usage(server.pid).cpu_seconds - cpu) / took)
            one.datagrams.append((now[OUT] - metrics[OUT]) / took)
            published += now.get(RELAYED, 0.0) - metrics.get(RELAYED, 0.0)
    return used, redis_seconds / seconds, published / seconds


async def redis_alone(options: argparse.Namespace, report: Report) -> None:
    """Redis' CPU for one packet to one subscribed node, for one renewal, and for live Spaces."""
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        assert server.process is not None
        pid = server.process.pid
        client = Redis.from_url(server.url, socket_timeout=None)  # waits as long as it takes, as nodes do not
        alone, together = await publishing(client, pid, at_once=1), await publishing(client, pid, at_once=50)
        directory, place = RedisDirectory(client), Place("one.1", "http://one")
        leases: dict[str, Lease] = {f"space{n}": await directory.claim(f"space{n}", place) for n in range(LEASES)}
        before = usage(pid).cpu_seconds
        for _ in range(10):
            await asyncio.gather(*(directory.renew(space, lease) for space, lease in leases.items()))
        renew = (usage(pid).cpu_seconds - before) / (10 * LEASES)
        share, later_seconds, missing = await carrying(client, directory, place, pid, options)
        await client.aclose()
    report.figures |= {
        "redis_microseconds_per_packet_alone_to_one_node": 1e6 * alone,
        "redis_microseconds_per_packet_of_fifty_to_one_node": 1e6 * together,
        "redis_microseconds_per_renewal": 1e6 * renew,
        "redis_percent_of_a_core_per_space_reckoned": 100 * (PACKETS_PER_SECOND * together + renew / RENEW_SECONDS),
        f"redis_percent_of_a_core_for_{options.spaces}_spaces": 100 * share,
        f"redis_publish_to_receipt_p95_milliseconds_of_{options.spaces}_spaces": 1e3 * later_seconds,
        f"redis_packets_missing_of_{options.spaces}_spaces": missing,
        "spaces_per_redis_core_reckoned": int(options.spaces / max(1e-9, share)),
    }


def channel_name(number: int) -> str:
    return f"spaces:{{space:space{number}}}:mix"


async def publishing(client: Any, pid: int, *, at_once: int, packets: int = 20_000) -> float:
    """Redis' CPU seconds for a packet that one subscriber gets."""
    data, channel = secrets.token_bytes(180), channel_name(0)
    async with client.pubsub() as pubsub:
        await pubsub.ssubscribe(channel)

        over = asyncio.Event()

        async def read() -> None:
            while not over.is_set():
                await pubsub.get_message(timeout=0.1)
                await asyncio.sleep(0)  # what is there already is read without a turn for anybody else

        reading = asyncio.create_task(read())
        before = usage(pid).cpu_seconds
        for _ in range(packets // at_once):
            async with client.pipeline(transaction=False) as pipeline:
                for _ in range(at_once):
                    pipeline.execute_command("SPUBLISH", channel, data)
                await pipeline.execute()
        used = (usage(pid).cpu_seconds - before) / packets
        over.set()  # redis-py can take a cancellation for something that went wrong, and go on
        await reading
    return used


async def carrying(
    client: Any, directory: RedisDirectory, place: Place, pid: int, options: argparse.Namespace
) -> tuple[float, float, int]:
    """So many Spaces of one node to another: Redis' share of a core, seconds to receipt (p95), packets that did not come."""
    leases = {f"space{n}": await directory.claim(f"space{n}", place) for n in range(options.spaces)}
    padding, came = secrets.token_bytes(172), list[float]()
    sent = 0
    async with client.pubsub() as pubsub:
        await pubsub.ssubscribe(*map(channel_name, range(options.spaces)))

        over = asyncio.Event()

        async def read() -> None:
            while not over.is_set():
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
                await asyncio.sleep(0)
                if message is not None and message["type"] == "smessage":
                    came.append(time.monotonic() - STAMP.unpack_from(message["data"])[0])

        async def renew() -> None:
            while not over.is_set():
                await asyncio.gather(*(directory.renew(space, lease) for space, lease in leases.items()))
                await asyncio.sleep(RENEW_SECONDS)

        besides = [asyncio.create_task(read()), asyncio.create_task(renew())]
        await asyncio.sleep(1.0)  # the subscriptions' own answers, and the first renewal
        cpu, began = usage(pid).cpu_seconds, time.monotonic()
        for turn in range(int(options.seconds * PACKETS_PER_SECOND)):
            await asyncio.sleep(max(0.0, began + turn / PACKETS_PER_SECOND - time.monotonic()))
            async with client.pipeline(transaction=False) as pipeline:
                for number in range(options.spaces):
                    pipeline.execute_command("SPUBLISH", channel_name(number), STAMP.pack(time.monotonic()) + padding)
                await pipeline.execute()
            sent += options.spaces
        share = (usage(pid).cpu_seconds - cpu) / (time.monotonic() - began)
        await asyncio.sleep(1.0)
        over.set()
        await asyncio.gather(*besides)
    return share, float(np.quantile(came, 0.95)) if came else float("inf"), sent - len(came)
