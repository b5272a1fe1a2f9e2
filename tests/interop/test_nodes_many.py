"""Thirty live Spaces on one node that is drained, and on one that is killed: all are on air elsewhere, whoever is slow."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.harness.accounts import Person
from tests.harness.api import Api
from tests.harness.eventually import until_so
from tests.harness.redis import RedisServer
from tests.harness.server import Server
from tests.interop.test_nodes_drained import drain, ended
from tests.interop.test_nodes_killed import kill, owner_of, three

pytestmark = [pytest.mark.needs("redis"), pytest.mark.thorough, pytest.mark.timeout(300)]

SPACES = 30
PATIENCE_SECONDS = 60.0


async def live_spaces(api: Api, host: Person) -> list[str]:
    return [await api.space(host) for _ in range(SPACES)]


async def owners(redis: RedisServer, spaces: list[str]) -> Counter[str | None]:
    return Counter(await asyncio.gather(*(owner_of(redis, space) for space in spaces)))


async def all_on_air(api: Api, host: Person, redis: RedisServer, spaces: list[str], nodes: set[str]) -> str:
    """Each is, at one of these nodes: an owner says so who is asked through any node, and may store. How soon, for whoever
    reads on: with sixty Spaces asked for by this process too a busy machine is late by that."""
    began, taken = time.monotonic(), 0.0

    async def is_on_air(space: str) -> None:
        nonlocal taken

        async def has() -> bool:
            return await owner_of(redis, space) in nodes

        async def answered() -> bool:
            return (await api.request("GET", f"/v1/spaces/{space}/stage-invitations", by=host)).status == 200

        await until_so(has, PATIENCE_SECONDS)
        taken = max(taken, time.monotonic() - began)
        await until_so(answered, PATIENCE_SECONDS)

    await asyncio.gather(*map(is_on_air, spaces))
    return f"the last was taken after {taken:.2f} s and on air after {time.monotonic() - began:.2f} s"


async def moves(server: Server) -> dict[str, float]:
    metrics = await server.metrics()
    found = {how: metrics.get(f"spaces_moves_total{{how={how}}}", 0.0) for how in ("received", "not_received", "lost")}
    return {how: count for how, count in found.items() if count}


async def test_all_spaces_of_a_node_are_on_air_elsewhere_when_it_is_drained_and_when_it_is_killed(
    tmp_path: Path,
) -> None:
    async with three(tmp_path) as (servers, (first, second, third), redis):
        host = await first.creator("ada")
        spaces = await live_spaces(first, host)
        assert await owners(redis, spaces) == {"node0": SPACES}
        assert await drain(redis, servers[0]) == 0
        after = await all_on_air(third, host, redis, spaces, {"node1", "node2"})
        # Each was received, which is make before break: what a node gives back is taken without that.
        received = [await moves(server) for server in servers[1:]]
        print(f"drained, and from its end: {after}; {received}")
        assert sum(one.get("received", 0) for one in received) == SPACES
        assert all(one.keys() == {"received"} for one in received), "both have got some, and none was lost"

        spaces += await live_spaces(second, host)
        assert (await owners(redis, spaces))["node1"] >= SPACES
        kill(servers[1])
        after = await all_on_air(third, host, redis, spaces, {"node2"})
        print(f"killed: {after}")
        for server in (servers[0], servers[2]):
            assert not server.log_complaints()


async def test_a_node_that_stands_still_does_not_hold_up_those_that_go_elsewhere(tmp_path: Path) -> None:
    async with three(tmp_path) as (servers, (first, second, _), redis):
        host = await first.creator("ada")
        spaces = await live_spaces(first, host)
        servers[2].process.send_signal(signal.SIGSTOP)
        try:
            servers[0].process.send_signal(signal.SIGTERM)
            await ended(servers[0])
            await all_on_air(second, host, redis, spaces, {"node1"})
            received = await moves(servers[1])
            print(f"beside one that stood still: {received}")
            assert received["received"] >= SPACES / 2
        finally:
            servers[2].process.send_signal(signal.SIGCONT)
