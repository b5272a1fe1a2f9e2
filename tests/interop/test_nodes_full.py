"""A full Space goes to another node, its owner killed or stopped: who sat keeps his seat, and no newcomer gets one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from spaces.demo.speech import Speech
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import RtcClient, listening, speaking
from tests.harness.eventually import until, until_so
from tests.harness.nodes import talking
from tests.harness.page import staying
from tests.interop.test_nodes_killed import kill, owner_of, three

pytestmark = [pytest.mark.needs("redis"), pytest.mark.thorough, pytest.mark.timeout(300)]

CAPACITY = 5
"""The host and four listeners: two by WHEP and two pages, of each kind one whom nobody knows."""
KEEN_SECONDS = 0.1
PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def pressing(apis: list[Api], space: str) -> AsyncIterator[Counter[str]]:
    """Newcomers who try again and again, at both doors; what they were told, and how often."""
    told: Counter[str] = Counter()

    async def press(api: Api, number: int) -> None:
        by = person(f"keen{number}") if number % 2 else None
        client = RtcClient(api)
        try:
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    reply = await api.offer(f"/v1/spaces/{space}/whep", client.offer_text("recvonly"), by=by)
                    told["in" if reply.status == 201 else reply.code] += 1
                await asyncio.sleep(KEEN_SECONDS)
        finally:
            await client.close()

    tasks = [asyncio.create_task(press(apis[number % len(apis)], number)) for number in range(4)]
    try:
        yield told
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_who_sat_in_a_full_space_sits_in_it_at_its_next_owner(tmp_path: Path, speech: Speech, how: str) -> None:
    async with three(tmp_path) as (servers, (first, second, third), redis):
        host, fan, page = await first.creator("ada"), person("bob"), person("cleo")
        space = await first.space(host)
        await first.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"capacity": CAPACITY})
        assert await owner_of(redis, space) == "node0"

        async def listeners() -> int:
            reply = await third.request("GET", f"/v1/spaces/{space}", by=host)
            return int(reply.body["listeners"]) if reply.status == 200 else -1

        async def all_counted() -> bool:
            return await listeners() == CAPACITY - 1

        async with (
            listening(second, space, by=fan) as known,
            listening(third, space) as unknown,
            staying([second], space, page) as cleo,
            staying([third], space) as nobody,
            talking(first, space, speech, host),
        ):

            def heard() -> list[int]:
                return [len(known.packets), len(unknown.packets), len(cleo.arrivals), len(nobody.arrivals)]

            await until(lambda: min(heard()) > 0, seconds=PATIENCE_SECONDS)
            await until_so(all_counted, PATIENCE_SECONDS)
            async with pressing([second, third], space) as told:
                await until(lambda: told["full"] > 4, seconds=PATIENCE_SECONDS)
                seats = [one.welcome["you"]["seat"] for one in (cleo, nobody)]
                if how == "killed":
                    kill(servers[0])
                else:
                    servers[0].process.send_signal(signal.SIGTERM)

                async def moved() -> bool:
                    return await owner_of(redis, space) not in (None, "node0")

                await until_so(moved, PATIENCE_SECONDS)
                await until_so(all_counted, PATIENCE_SECONDS)
                refused, before = told["full"], heard()
                async with speaking(second, space, speech, by=host):
                    await until(
                        lambda: all(now > then + 10 for now, then in zip(heard(), before, strict=True)),
                        seconds=PATIENCE_SECONDS,
                    )
                    await until(lambda: told["full"] > refused + 4, seconds=PATIENCE_SECONDS)
                    assert await listeners() == CAPACITY - 1
                print(f"newcomers were told {dict(told)}")
                assert told["in"] == 0
                assert [one.welcome["you"]["seat"] for one in (cleo, nobody)] == seats
                assert not known.link.closed.is_set()
                assert not unknown.link.closed.is_set()
