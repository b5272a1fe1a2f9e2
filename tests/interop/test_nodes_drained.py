"""Three nodes as processes: the owner of a live Space is drained, and nobody who listens hears a gap that is worth the name."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from spaces.mixing.opus import FRAME
from spaces.mixing.phases import TICK_SAMPLES
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import duplicates_and_losses, listening
from tests.harness.eventually import until, until_so
from tests.harness.page import Page, staying
from tests.harness.redis import RedisServer
from tests.harness.server import REPOSITORY, Server
from tests.harness.signals import packed, tone
from tests.harness.stalls import watching_stalls
from tests.interop.test_nodes_killed import owner_of, three

pytestmark = [pytest.mark.needs("redis"), pytest.mark.thorough]

SILENCE_SECONDS_MAX = 0.3
QUIET_BEFORE_SECONDS = 2.0
"""How long is listened before and after: what the machine itself leaves out is not the move's."""
TONE = packed(tone(600, 2.0))
"""Without pauses, in which nothing would be sent."""


@asynccontextmanager
async def watched(api: Api) -> AsyncIterator[list[tuple[int, str]]]:
    """What `/readyz` says meanwhile, each time that it is another thing."""
    said: list[tuple[int, str]] = []

    async def look() -> None:
        while True:
            try:
                async with api.http.get(f"{api.url}/readyz") as answer:
                    one = answer.status, str((await answer.json())["status"])
            except (aiohttp.ClientError, OSError):
                one = 0, "gone"
            if said[-1:] != [one]:
                said.append(one)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(look())
    try:
        yield said
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def drain(redis: RedisServer, server: Server) -> int:
    """`spaces drain`, from anywhere; the exit status of it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spaces", "drain", "--node", "node0", "--redis-url", redis.url),
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if not name.startswith("SPACES_")},
    )
    status = await process.wait()
    await ended(server)
    return status


async def ended(server: Server) -> None:
    assert await asyncio.to_thread(server.process.wait, 30) == 0, server.log()[-2000:]


def longest(arrivals: Sequence[float], since: float, until: float) -> float:
    """Between two packets of that time."""
    heard = [since, *(at for at in arrivals if since < at < until), until]
    return max(b - a for a, b in itertools.pairwise(heard))


def assert_no_gap(who: str, arrivals: Sequence[float], began: float, over: float, late: float) -> None:
    """`late`: seconds that the machine itself was meanwhile."""
    usual = longest(arrivals, began - QUIET_BEFORE_SECONDS, began)
    gap = longest(arrivals, began, over)
    print(f"{who}: {gap * 1e3:.0f} ms without a packet, {usual * 1e3:.0f} ms before the move; late {late * 1e3:.0f} ms")
    assert gap < SILENCE_SECONDS_MAX + usual + late, who


@pytest.mark.parametrize("by", ["spaces drain", "SIGTERM"])
async def test_a_drained_owner_leaves_no_gap(tmp_path: Path, by: str) -> None:
    loop = asyncio.get_running_loop()
    async with three(tmp_path) as (servers, apis, redis):
        first, second, third = apis
        host, guest, fan = await first.creator("ada"), person("bob"), person("cleo")
        await first.ok("GET", "/v1/me", by=guest)
        space = await first.space(host)
        await first.to_stage(space, host, guest)
        assert await owner_of(redis, space) == "node0"
        async with (
            staying([first, second], space, host, TONE) as ada,
            staying([second], space, guest) as bob,
            staying([first, third], space, fan) as cleo,
            staying([first, third], space) as nobody,
            listening(second, space) as at_second,
            listening(third, space) as at_third,
            watching_stalls() as stalls,
        ):
            pages: dict[str, Page] = {"on stage": bob, "in the audience": cleo, "unknown": nobody}
            await until(lambda: all(len(page.arrivals) > 10 for page in pages.values()), seconds=30)
            await at_second.hear_first()
            await at_third.hear_first()
            await asyncio.sleep(QUIET_BEFORE_SECONDS)
            began = loop.time()
            async with watched(first) as said:
                if by == "SIGTERM":
                    servers[0].process.send_signal(signal.SIGTERM)
                    await ended(servers[0])
                else:
                    assert await drain(redis, servers[0]) == 0
                await until(lambda: said[-1][0] == 0)
            await asyncio.sleep(QUIET_BEFORE_SECONDS)
            over = loop.time()
            late = stalls.seconds(began, over)  # the loop's clock is time.monotonic()
            assert said[-2:] == [(503, "draining"), (0, "gone")]
            assert await owner_of(redis, space) in ("node1", "node2")
            for who, page in pages.items():
                assert_no_gap(f"page {who}", page.arrivals, began, over, late)
            for who, client in (("second", at_second), ("third", at_third)):
                assert_no_gap(f"listener at the {who}", [p.arrival for p in client.packets], began, over, late)
                assert not client.link.closed.is_set()
                assert duplicates_and_losses(client.packets)[0] == 0
                assert len({packet.ssrc for packet in client.packets}) == 1
                steps = {(b.timestamp - a.timestamp) % (1 << 32) for a, b in itertools.pairwise(client.packets)}
                assert all(FRAME <= step < 48_000 and step % TICK_SAMPLES == 0 for step in steps), steps
            assert set(ada.closed) == set(cleo.closed) == {1012}
            assert ada.welcome["you"]["role"] == "host"
            assert bob.welcome["you"]["role"] == "speaker"
            assert servers[0].udp_port not in {ada.ports[-1], bob.ports[-1], cleo.ports[-1], nobody.ports[-1]}

            async def all_counted() -> bool:
                shown = await second.ok("GET", f"/v1/spaces/{space}", by=host)
                return bool(shown["listeners"] == 4)

            await until_so(all_counted)
        for server in servers:
            assert not server.log_complaints()
