"""A whole life by HTTP alone, as a new user would live it, from an offer to a statement that adds up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from spaces.demo.speech import read_speech
from spaces.node import Node
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import listening, speaking
from tests.harness.money_life import adds_up, forward, hear_more, payments, standing
from tests.harness.node import running

DAY = 86_400


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path, test_clock=True, grace_days=7) as node:
        yield node


@pytest.fixture
async def api(node: Node) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as http:
        yield Api(http, node.url)


async def test_from_becoming_a_creator_to_a_statement_that_adds_up(api: Api, node: Node) -> None:
    host, fan = await api.creator("ada"), person("grace")
    silver = await api.tier(host, level=1, amount_minor=499)
    gold = await api.tier(host, level=2, amount_minor=999)
    space = await api.space(host, access={"policy": "subscribers", "tier": silver})
    locked = await api.offer(f"/v1/spaces/{space}/whep", "v=0", by=fan)
    assert (locked.status, locked.code) == (402, "no_subscription")

    bought = await api.ok("POST", "/v1/creators/ada/subscriptions", by=fan, json={"tier": silver})
    for outcome, payment in (("decline", "declined"), ("requires_action", "requires_action")):
        tried = await api.ok("POST", bought["checkout_url"], json={"outcome": outcome})
        assert (tried["status"], tried["payment"], tried["test_money"]) == ("incomplete", payment, True)
    assert (await api.ok("POST", bought["checkout_url"], json={"outcome": "succeed"}))["status"] == "active"
    subscription = bought["id"]

    async with speaking(api, space, read_speech(), by=host), listening(api, space, by=fan) as phone:
        await phone.hear_first()

        # A month later it has renewed by itself, and the sound went on.
        await forward(api, fan, 31 * DAY)
        mine = await standing(api, fan)
        assert (mine["status"], len(await payments(api, fan))) == ("active", 2)
        await hear_more(phone)

        # The next renewal fails: grace, in which the sound goes on, then it stops within a second.
        await api.ok("POST", f"/v1/subscriptions/{subscription}/payment", by=fan, json={"outcome": "decline"})
        await forward(api, fan, 31 * DAY)
        assert (await standing(api, fan))["status"] == "past_due"
        await hear_more(phone)
        await api.ok("POST", "/v1/test-clock", by=fan, json={"forward_seconds": 7 * DAY})
        async with asyncio.timeout(30):
            await phone.link.closed.wait()
    again = await api.offer(f"/v1/spaces/{space}/whep", "v=0", by=fan)
    assert (again.status, again.code) == (402, "lapsed")
    assert (await standing(api, fan))["status"] == "canceled"

    # Pay, come back in, move up, and be refunded by the creator.
    second = await api.subscribe(fan, host, silver)
    raised = await api.ok("POST", f"/v1/subscriptions/{second}/change", by=fan, json={"tier": gold})
    assert raised["tier"] == gold
    async with speaking(api, space, read_speech(), by=host), listening(api, space, by=fan) as phone:
        await phone.hear_first()
    newest, before, *_ = await payments(api, fan)
    part = await api.ok("POST", f"/v1/creators/ada/payments/{newest['id']}/refund", by=host, json={"amount_minor": 100})
    assert part["refunded_minor"] == 100
    whole = await api.ok("POST", f"/v1/creators/ada/payments/{before['id']}/refund", by=host)
    assert whole["refunded_minor"] == whole["gross_minor"]
    stranger = await api.request("GET", "/v1/creators/ada/payments", by=fan)
    assert (stranger.status, stranger.code) == (403, "not_creator")

    # After the delay what is left is paid out.
    await api.ok("POST", f"/v1/subscriptions/{second}/cancel", by=fan, json={"at": "period_end"})
    await forward(api, fan, 8 * DAY)
    (balance,) = (await api.ok("GET", "/v1/creators/ada/balance", by=host))["balances"]
    assert balance["available_minor"] == balance["balance_minor"] > 0
    payout = await api.ok("POST", "/v1/creators/ada/payouts", by=host, json={"currency": "USD"})
    assert (payout["state"], payout["amount_minor"]) == ("paid", balance["balance_minor"])
    await adds_up(api, host, await payments(api, fan), payout["amount_minor"])
