"""What can happen to three nodes and their Redis: one fault, or two at once. Each says to whom it happened, and until when."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field

from redis.asyncio import Redis

from tests.harness.fault_schedule import GONE, OF_ALL, Planned
from tests.harness.fault_stand import NODES, Stand

STOPPED_SECONDS = 10.0
DRAINED_SECONDS_MAX = 60.0
REDIS_DOWN_SECONDS = 1.5
REDIS_PAUSED_SECONDS = 4.0
CUT_SECONDS = 5.0
REDIS_FULL_SECONDS = 3.0
NAMED_SECONDS_MAX = 30.0
"""Beyond all bounds that are checked: then there is no owner."""


@dataclass(slots=True)
class Fault:
    kind: str
    node: int | None
    """None: what all share."""
    began: float = 0.0
    ended: float = 0.0
    """Of a node that was killed: at once, for it does not come back by itself. Of one that was drained: when it had ended."""

    @property
    def of_all(self) -> bool:
        return self.node is None

    @property
    def of_redis(self) -> bool:
        """Redis itself was away or unwilling, for everybody."""
        return self.kind in OF_ALL

    def lasts(self, at: float) -> bool:
        return self.kind in GONE or not self.ended or at < self.ended

    def __str__(self) -> str:
        return self.kind if self.node is None else f"{self.kind} of node{self.node}"


@dataclass(slots=True)
class Trouble:
    faults: list[Fault]
    owner: int
    """When it began."""
    named: list[tuple[float, int]] = field(default_factory=list)
    """When Redis named which owner."""

    @property
    def began(self) -> float:
        return min(fault.began for fault in self.faults)

    @property
    def ended(self) -> float:
        return max(fault.ended for fault in self.faults)

    @property
    def planned(self) -> bool:
        """Nothing but a drain, which nobody is to hear anything of."""
        return all(fault.kind == "drain" for fault in self.faults)

    @property
    def of_owner(self) -> list[Fault]:
        return [fault for fault in self.faults if fault.node == self.owner]

    @property
    def of_redis(self) -> list[Fault]:
        return [fault for fault in self.faults if fault.of_redis]

    def of_node(self, node: int) -> list[Fault]:
        return [fault for fault in self.faults if fault.node == node]

    def struck(self, node: int, at: float) -> bool:
        """Whether that node is not itself then."""
        return any(fault.began <= at and fault.lasts(at) for fault in self.of_node(node))

    def well_since(self, moment: float) -> float | None:
        """The first time from then on that Redis named an owner that was itself."""
        return next((at for at, node in self.named if at >= moment and not self.struck(node, at)), None)

    def __str__(self) -> str:
        return " and ".join(f"{fault}{', the owner' if fault.node == self.owner else ''}" for fault in self.faults)


async def happen(stand: Stand, planned: list[Planned]) -> Trouble:
    """Until all of it is over, and an owner that is itself has the Space; who was killed is not there yet."""
    owner = await stand.owner()
    assert owner is not None
    faults = [Fault(one.kind, _node(one, owner)) for one in planned]
    trouble = Trouble(faults, owner)
    over = asyncio.Event()
    watching = asyncio.create_task(_watch_owner(stand, trouble, over))
    try:
        pauses = [0.0, *(one.pause for one in planned[1:])]
        await asyncio.gather(*(_do(stand, fault, pause) for fault, pause in zip(faults, pauses, strict=True)))
        if trouble.of_owner:
            since = max(fault.began for fault in faults)
            async with asyncio.timeout(NAMED_SECONDS_MAX):
                while trouble.well_since(since) is None:  # noqa: ASYNC110 - a lease in Redis has no event
                    await asyncio.sleep(0.02)
    finally:
        over.set()  # redis-py can take a cancellation for something that went wrong, and go on
        await watching
    return trouble


def _node(planned: Planned, owner: int) -> int | None:
    if planned.kind in OF_ALL:
        return None
    return owner if planned.to_owner else (owner + planned.other) % NODES


async def _do(stand: Stand, fault: Fault, pause: float) -> None:
    await asyncio.sleep(pause)
    fault.began = time.monotonic()
    if fault.node is None:
        await _to_all(stand, fault)
    else:
        await _to_node(stand, fault, fault.node)
    fault.ended = fault.ended or time.monotonic()


async def _to_all(stand: Stand, fault: Fault) -> None:
    match fault.kind:
        case "redis restart":
            stand.redis.stop()
            await asyncio.sleep(REDIS_DOWN_SECONDS)
            await asyncio.to_thread(stand.redis.start)
        case "redis pause":
            stand.redis.freeze()
            await asyncio.sleep(REDIS_PAUSED_SECONDS)
            stand.redis.thaw()
        case "redis full":
            async with Redis(port=stand.redis.port) as client:
                await client.config_set("maxmemory", 1)
                await asyncio.sleep(REDIS_FULL_SECONDS)
                await client.config_set("maxmemory", 0)
        case "all dark":
            stand.redis.freeze()
            await asyncio.gather(*(way.cut_off() for way in stand.database_ways))
            await asyncio.sleep(REDIS_PAUSED_SECONDS)
            for way in stand.database_ways:
                way.cut = False
            stand.redis.thaw()


async def _to_node(stand: Stand, fault: Fault, node: int) -> None:
    match fault.kind:
        case "kill":
            server = stand.servers[node]
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
        case "drain":
            server = stand.servers[node]
            stand.drained.append((server.udp_port, fault.began))
            server.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(server.process.wait, DRAINED_SECONDS_MAX)
        case "stop":
            process = stand.servers[node].process
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(STOPPED_SECONDS)
            fault.ended = time.monotonic()
            process.send_signal(signal.SIGCONT)
        case "cut" | "dark":
            ways = [stand.ways[node], *([stand.database_ways[node]] if fault.kind == "dark" else [])]
            await asyncio.gather(*(way.cut_off() for way in ways))
            await asyncio.sleep(CUT_SECONDS)
            for way in ways:
                way.cut = False
        case "silent cut":
            stand.ways[node].fall_silent()
            await asyncio.sleep(CUT_SECONDS)
            stand.ways[node].silent = False


async def _watch_owner(stand: Stand, trouble: Trouble, over: asyncio.Event) -> None:
    while not over.is_set():
        owner = await stand.owner()
        if owner is not None:
            trouble.named.append((time.monotonic(), owner))
        await asyncio.sleep(0.02)
