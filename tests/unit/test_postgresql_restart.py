"""PostgreSQL dies and comes back while people buy, or while a payment provider tells of payments: they hear 503 and when to ask
again, and nothing is lost or counts twice."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from access.database import make_engine
from spaces.node import Node
from spaces.stripe_setup import make_inbox
from tests.harness.accounts import Person, person
from tests.harness.api import Api, Reply
from tests.harness.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, deliveries, fake_stripe, signature
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


async def delivered(api: Api, body: bytes, answers: list[int]) -> None:
    """As Stripe does it: again until it is taken."""
    for _ in range(TRIES_MAX):
        url, headers = f"{api.url}/v1/webhooks/stripe", {"Stripe-Signature": signature(body)}
        async with api.http.post(url, data=body, headers=headers) as answer:
            answers.append(answer.status)
            if answer.status < 300:
                return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never taken: {answers}")


@pytest.mark.postgresql
async def test_of_webhooks_none_is_lost_and_none_counts_twice(own_cluster: str, tmp_path: Path) -> None:
    data = await data_folder(own_cluster)
    answers: list[int] = []
    try:
        async with (
            fake_stripe(int(datetime.now(UTC).timestamp())) as (stripe, address),
            running(
                tmp_path,
                database_url=own_cluster,
                stripe_secret_key=SECRET_KEY,
                stripe_webhook_secret=WEBHOOK_SECRET,
                stripe_address=address,
            ) as node,
            aiohttp.ClientSession() as http,
        ):
            api = Api(http, node.url)
            host = await api.creator("ada")
            tier = await api.tier(host, amount_minor=499)
            for fan in [person(f"fan{number}") for number in range(BUYERS)]:
                begun = await api.ok("POST", "/v1/creators/ada/subscriptions", by=fan, json={"tier": tier})
                stripe.pay(begun["checkout_url"].rsplit("/", 1)[1])
            news = [asyncio.create_task(delivered(api, body, answers)) for body in deliveries(stripe.events, 1)]
            for _ in range(RESTARTS):
                await asyncio.sleep(0.1)
                await asyncio.to_thread(pg_ctl, "restart", data, "-l", "/dev/null")
            await asyncio.gather(*news)
            assert set(answers) <= {204, 503}
            assert 503 in answers, "it was not away while they came"
            await until_worked_off(node)
            paid = (await api.ok("GET", "/v1/creators/ada/payments", by=host))["payments"]
            assert sorted(one["purchase"] for one in paid) == sorted({one["purchase"] for one in paid})
            assert [one["gross_minor"] for one in paid] == [499] * BUYERS
            found = (await api.ok("GET", "/v1/creators/ada/subscriptions", by=host))["subscriptions"]
            assert [one["status"] for one in found] == ["active"] * BUYERS
            assert await node.access.books.check() == []
            assert stripe.unkeyed == []
    finally:
        await asyncio.to_thread(pg_ctl, "stop", data)


async def until_worked_off(node: Node) -> None:
    """An event that was written down, and whose rest was cut off, is due again within a minute: here it is not waited for."""
    engine = node.access.desk.engine
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE webhook_events SET due_at = received_at WHERE state = 'received'"))
    inbox = make_inbox(node.config, node.access, lambda: datetime.now(UTC))
    assert inbox is not None
    while await inbox.work_off():
        pass
    async with engine.connect() as connection:
        left = await connection.execute(text("SELECT count(*) FROM webhook_events WHERE state <> 'applied'"))
        assert left.scalar_one() == 0
