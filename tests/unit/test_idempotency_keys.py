"""`Idempotency-Key` on every write that costs money: sent again it gets the first answer, also at once, after a restart,
and when the server died before it answered; with another body, or by another account, it is another request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from access.database import make_engine
from access.tables_money import idempotency_keys
from spaces.signaling.routes import API
from tests.harness.accounts import Person, person
from tests.harness.api import Api, Reply, read_reply
from tests.harness.database import fresh_database_url
from tests.harness.node import running

pytestmark = pytest.mark.thorough

MONEY_ROWS = ("payments", "refunds", "payouts", "tickets", "subscriptions", "grants", "ledger_transfers")


@dataclass(frozen=True)
class Write:
    """One that costs money. `other`: the path or the body of another request."""

    path: str
    by: Person
    body: Any = None
    other: Any = None


async def send(api: Api, write: Write, key: str, *, path: str | None = None, body: Any = None) -> Reply:
    headers = {"Authorization": f"Bearer {write.by.token}", "Idempotency-Key": key}
    json = write.body if body is None else body
    async with api.http.post(api.url + (path or write.path), headers=headers, json=json) as answer:
        return await read_reply(answer)


async def send_other(api: Api, write: Write, key: str) -> Reply:
    if isinstance(write.other, str):
        return await send(api, write, key, path=write.other)
    return await send(api, write, key, body=write.other)


async def shop(api: Api) -> dict[str, Write]:
    """Everything that can be asked, by the path of its route; each is the first of its kind and would go well."""
    host, fan, giver = await api.creator("ada"), person("fan"), person("giver")
    low, high = [await api.tier(host, level=level, amount_minor=500 * level) for level in (1, 2)]
    fans = [person(f"fan{number}") for number in range(5)]
    for one in (fan, giver, *fans):
        await api.ok("GET", "/v1/me", by=one)
    subscribed = [await api.subscribe(one, host, low) for one in fans]
    await api.ok("POST", f"/v1/subscriptions/{subscribed[2]}/cancel", by=fans[2], json={"at": "period_end"})
    space = await api.space(host, access={"policy": "ticketed"}, live=False)
    offer = {"amount_minor": 1_500, "currency": "USD", "quantity": 9}
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=offer)
    tickets = [await api.ok("POST", f"/v1/spaces/{space}/tickets", by=one) for one in fans[:2]]
    await api.ok("POST", tickets[0]["checkout_url"], json={"outcome": "succeed"})
    gifts = []
    for recipient in ("@fan", None, None):
        begun = await api.ok("POST", "/v1/creators/ada/gifts", by=giver, json={"tier": low, "recipient": recipient})
        await api.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
        gifts.append(begun["id"])
    link = await api.ok("POST", f"/v1/gifts/{gifts[1]}/link", by=giver)
    await api.ok("POST", "/v1/test-clock", by=host, json={"forward_seconds": 8 * 86_400})
    payment = (await api.ok("GET", "/v1/me/payments", by=fans[4]))["payments"][0]["id"]
    me, mine = "/v1/subscriptions", [f"/v1/subscriptions/{number}" for number in subscribed]
    return {
        "/v1/creators/{handle}/subscriptions": Write(
            "/v1/creators/ada/subscriptions", giver, {"tier": high}, {"tier": low}
        ),
        f"{me}/{{subscription}}/change": Write(f"{mine[0]}/change", fans[0], {"tier": high}, {"tier": low}),
        f"{me}/{{subscription}}/cancel": Write(f"{mine[1]}/cancel", fans[1], {"at": "period_end"}, {"at": "now"}),
        f"{me}/{{subscription}}/resume": Write(f"{mine[2]}/resume", fans[2], None, f"{mine[2]}/pause"),
        f"{me}/{{subscription}}/pause": Write(f"{mine[3]}/pause", fans[3], None, f"{mine[3]}/resume"),
        f"{me}/{{subscription}}/payment": Write(
            f"{mine[4]}/payment", fans[4], {"outcome": "succeed"}, {"outcome": "decline"}
        ),
        "/v1/creators/{handle}/payments/{payment}/refund": Write(
            f"/v1/creators/ada/payments/{payment}/refund", host, {"amount_minor": 100}, {"amount_minor": 101}
        ),
        "/v1/creators/{handle}/payouts": Write(
            "/v1/creators/ada/payouts",
            host,
            {"currency": "USD", "amount_minor": 50},
            {"currency": "USD", "amount_minor": 51},
        ),
        "/v1/spaces/{space}/tickets": Write(f"/v1/spaces/{space}/tickets", fan, None, "/v1/spaces/another/tickets"),
        "/v1/tickets/{ticket}/refund": Write(
            f"/v1/tickets/{tickets[0]['id']}/refund", host, None, f"/v1/tickets/{tickets[1]['id']}/refund"
        ),
        "/v1/tickets/{ticket}/cancel": Write(
            f"/v1/tickets/{tickets[1]['id']}/cancel", fans[1], None, f"/v1/tickets/{tickets[0]['id']}/cancel"
        ),
        "/v1/creators/{handle}/gifts": Write("/v1/creators/ada/gifts", fan, {"tier": low}, {"tier": high}),
        "/v1/gifts/{gift}/redemption": Write(
            f"/v1/gifts/{gifts[0]}/redemption", fan, None, f"/v1/gifts/{gifts[1]}/redemption"
        ),
        "/v1/gifts/{gift}/refund": Write(f"/v1/gifts/{gifts[2]}/refund", giver, None, f"/v1/gifts/{gifts[1]}/refund"),
        "/v1/gift-links/redemption": Write(
            "/v1/gift-links/redemption", fan, {"code": link["code"]}, {"code": "1.another"}
        ),
    }


@asynccontextmanager
async def serving(folder: Path, url: str) -> AsyncIterator[Api]:
    limits = {"requests_per_minute_max": 100_000, "test_clock": True}
    async with running(folder, database_url=url, **limits) as node, aiohttp.ClientSession() as http:
        yield Api(http, node.url)


async def rows(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        found = {name: await connection.execute(text(f"SELECT count(*) FROM {name}")) for name in MONEY_ROWS}
        return {name: result.scalar_one() for name, result in found.items()}


async def test_what_costs_money_is_done_once_by_its_key(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path, migrated=True) as url:
        engine = make_engine(url)
        async with serving(tmp_path, url) as api:
            writes = await shop(api)
            assert writes.keys() == {route.path for route in API if route.costs_money}
            first = {path: await at_once(api, path, write) for path, write in writes.items()}
            for path, write in writes.items():
                await again(api, path, write, first[path])
            before = await rows(engine)  # with what a stranger has begun by the same keys
        async with serving(tmp_path, url) as api:  # another server on the same database
            for path, write in writes.items():
                await again(api, path, write, first[path])
            assert await rows(engine) == before
            await forget_answers(engine)
            for path, write in writes.items():
                await send(api, write, path)
            after = await rows(engine)
            assert after == before, "the server died before it answered, and something was done twice"
        await engine.dispose()


async def at_once(api: Api, path: str, write: Write) -> Reply:
    """Three at the same time: one of them does it."""
    replies = await asyncio.gather(*(send(api, write, path) for _ in range(3)))
    done = [reply for reply in replies if reply.status < 300]
    assert done, f"{path}: {replies}"
    assert sum("Idempotency-Replayed" not in reply.headers for reply in done) == 1, path
    assert all(reply.code == "in_progress" for reply in replies if reply not in done), path
    return next(reply for reply in done if "Idempotency-Replayed" not in reply.headers)


async def again(api: Api, path: str, write: Write, first: Reply) -> None:
    reply = await send(api, write, path)
    assert (reply.status, reply.body) == (first.status, first.body), path
    assert reply.headers["Idempotency-Replayed"] == "true"
    other = await send_other(api, write, path)
    assert (other.status, other.code) == (422, "idempotency_mismatch"), path
    stranger = await send(api, Write(write.path, person("stranger"), write.body), path)
    assert stranger.body != first.body, path


async def forget_answers(engine: AsyncEngine) -> None:
    """As a server leaves them that dies before it answers; others take over after a minute."""
    async with engine.begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        await connection.execute(update(idempotency_keys).values(status=None, answer=None, created_at=long_ago))
