"""PostgreSQL dies and comes back while people buy: they hear 503 and when to ask again, and nothing is lost or sold twice."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from access.database import make_engine
from tests.harness.accounts import Person, person
from tests.harness.api import Api, Reply
from tests.harness.node import running
from tests.harness.postgresql import as_somebody, cluster, programs

BUYERS, SEATS, RESTARTS, TRIES_MAX = 24, 10, 2, 60


@pytest.fixture
def own_cluster() -> Iterator[str]:
    with cluster() as url:
        yield url


async def data_folder(url: str) -> str:
    """Where a commit is one that a crash does not undo, unlike in the run's own cluster."""
    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER DATABASE postgres SET synchronous_commit = on"))
        found = (await connection.execute(text("SHOW data_directory"))).scalar_one()
    await engine.dispose()
    return str(found)


def pg_ctl(act: str, data: str, *options: str) -> None:
    binaries = programs()
    assert binaries is not None
    command = [str(binaries / "pg_ctl"), act, "-D", data, "-m", "immediate", "-w", *options]
    subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, **as_somebody())


async def persists(api: Api, method: str, path: str, seen: list[Reply], **options: Any) -> Reply:
    for _ in range(TRIES_MAX):
        reply = await api.request(method, path, **options)
        seen.append(reply)
        if reply.status < 429:
            return reply
        await asyncio.sleep(0.1)
    raise AssertionError(f"it does not come back: {reply}")


async def buys(api: Api, fan: Person, space: str, seen: list[Reply]) -> str:
    begun = await persists(api, "POST", f"/v1/spaces/{space}/tickets", seen, by=fan)
    if begun.status >= 400:
        return begun.code
    ref = begun.body["checkout_url"].rsplit("/", 1)[1]
    paid = await persists(api, "POST", f"/pay/{ref}", seen, json={"outcome": "succeed"})
    return str(paid.body["state"]) if paid.status < 400 else paid.code


@pytest.mark.postgresql
async def test_buyers_hear_503_and_nothing_is_lost_or_sold_twice(own_cluster: str, tmp_path: Path) -> None:
    data = await data_folder(own_cluster)
    seen: list[Reply] = []
    try:
        async with running(tmp_path, database_url=own_cluster) as node, aiohttp.ClientSession() as http:
            api = Api(http, node.url)
            host = await api.creator("ada")
            space = await api.space(host, access={"policy": "ticketed"})
            offer = {"amount_minor": 1_500, "currency": "USD", "quantity": SEATS}
            await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=offer)
            buyers = [asyncio.create_task(buys(api, person(f"fan{n}"), space, seen)) for n in range(BUYERS)]
            for _ in range(RESTARTS):
                await asyncio.sleep(0.1)
                await asyncio.to_thread(pg_ctl, "restart", data, "-l", "/dev/null")
            outcomes = await asyncio.gather(*buyers)
            away = [reply for reply in seen if reply.status >= 500]
            assert {reply.status for reply in away} <= {503}, away
            assert all(reply.headers.get("Retry-After") for reply in away)
            assert set(outcomes) <= {"paid", "sold_out"}
            assert outcomes.count("paid") == SEATS
            assert await node.access.books.check() == []
            sold = await api.ok("GET", f"/v1/spaces/{space}/tickets", by=host)
            assert len([ticket for ticket in sold["tickets"] if ticket["state"] == "paid"]) == SEATS
    finally:
        await asyncio.to_thread(pg_ctl, "stop", data)
