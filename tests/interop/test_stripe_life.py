"""A whole life by HTTP alone, with Stripe's SDK pointed at the stand-in over real HTTP and its signed webhooks out of order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from spaces.demo.speech import read_speech
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.client import listening, speaking
from tests.harness.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, deliveries, fake_stripe, signature
from tests.harness.money_life import adds_up, forward, hear_more, payments, standing
from tests.harness.node import running

DAY = 86_400


@dataclass
class Life:
    api: Api
    stripe: FakeStripe
    fan: Person
    seeds: itertools.count[int] = field(default_factory=itertools.count)

    async def hear(self) -> None:
        """All that Stripe has ever told, again and again and in another order each time."""
        for body in deliveries(self.stripe.events, next(self.seeds)):
            assert await self.post(body, signature(body)) == 204

    async def post(self, body: bytes, signed: str) -> int:
        url, headers = f"{self.api.url}/v1/webhooks/stripe", {"Stripe-Signature": signed}
        async with self.api.http.post(url, data=body, headers=headers) as answer:
            return answer.status

    async def buy(self, tier: str) -> str:
        made = await self.api.ok("POST", "/v1/creators/ada/subscriptions", by=self.fan, json={"tier": tier})
        assert (made["status"], made["test_money"]) == ("incomplete", False)
        self.stripe.pay(made["checkout_url"].rsplit("/", 1)[1])
        await self.hear()
        return str(made["id"])

    async def catch_up(self) -> None:
        """The server's clock goes to where Stripe's is."""
        now = datetime.fromisoformat((await self.api.ok("GET", "/v1/test-clock"))["now"])
        await forward(self.api, self.fan, int(self.stripe.now - now.timestamp()) + 1)

    async def forward(self, seconds: int) -> None:
        await forward(self.api, self.fan, seconds)
        now = (await self.api.ok("GET", "/v1/test-clock"))["now"]
        self.stripe.now = int(datetime.fromisoformat(now).timestamp())

    def agreement(self) -> Any:
        return self.stripe.all("subscription")["data"][0]


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    async with (
        fake_stripe(int(datetime.now(UTC).timestamp())) as (stripe, address),
        running(
            tmp_path,
            test_clock=True,
            grace_days=7,
            stripe_secret_key=SECRET_KEY,
            stripe_webhook_secret=WEBHOOK_SECRET,
            stripe_address=address,
        ) as node,
        aiohttp.ClientSession() as http,
    ):
        yield Life(Api(http, node.url), stripe, person("grace"))
        assert stripe.unkeyed == []


async def test_from_becoming_a_creator_to_a_statement_that_adds_up(life: Life) -> None:
    api, stripe, fan = life.api, life.stripe, life.fan
    host = await api.creator("ada")
    silver = await api.tier(host, level=1, amount_minor=499)
    gold = await api.tier(host, level=2, amount_minor=999)
    space = await api.space(host, access={"policy": "subscribers", "tier": silver})
    locked = await api.offer(f"/v1/spaces/{space}/whep", "v=0", by=fan)
    assert (locked.status, locked.code) == (402, "no_subscription")

    # Paid on Stripe's page; what Stripe keeps of it it says only later.
    stripe.fees_late = True
    subscription = await life.buy(silver)
    assert (await standing(api, fan))["status"] == "active"
    assert [paid["fee_minor"] for paid in await payments(api, fan)] == [0]

    async with speaking(api, space, read_speech(), by=host), listening(api, space, by=fan) as phone:
        await phone.hear_first()
        stripe.tell_fees()
        stripe.fees_late = False
        await life.hear()
        assert [paid["fee_minor"] for paid in await payments(api, fan)] == [44]

        # A month later it has renewed, and the sound went on before and after Stripe told of it.
        stripe.renew(life.agreement()["id"])
        await life.catch_up()
        await hear_more(phone)
        await life.hear()
        assert ((await standing(api, fan))["status"], len(await payments(api, fan))) == ("active", 2)
        await hear_more(phone)

        # The next renewal fails: grace, in which the sound goes on, then it stops within a second.
        stripe.renew(life.agreement()["id"], succeed=False)
        await life.catch_up()
        await life.hear()
        assert (await standing(api, fan))["status"] == "past_due"
        await hear_more(phone)
        await life.forward(7 * DAY)
        async with asyncio.timeout(30):
            await phone.link.closed.wait()
    again = await api.offer(f"/v1/spaces/{space}/whep", "v=0", by=fan)
    assert (again.status, again.code) == (402, "lapsed")
    assert (await standing(api, fan))["status"] == "canceled"
    assert life.agreement()["status"] == "canceled"  # Stripe was told to try no more
    await life.hear()
    assert (await standing(api, fan))["id"] == subscription

    # Pay, come back in, move up, and be refunded by the creator.
    second = await life.buy(silver)
    portal = await api.ok("GET", f"/v1/subscriptions/{second}/portal?return_path=/me", by=fan)
    assert portal["url"].startswith("https://billing.stripe.invalid/")
    await life.forward(10 * DAY)
    raised = await api.ok("POST", f"/v1/subscriptions/{second}/change", by=fan, json={"tier": gold})
    assert raised["tier"] == gold
    await life.hear()
    async with speaking(api, space, read_speech(), by=host), listening(api, space, by=fan) as phone:
        await phone.hear_first()
    newest, before, *_ = await payments(api, fan)
    assert newest["gross_minor"] == 666 - 333  # two thirds of the month at the new price, less those at the old
    part = await api.ok("POST", f"/v1/creators/ada/payments/{newest['id']}/refund", by=host, json={"amount_minor": 100})
    assert part["refunded_minor"] == 100
    whole = await api.ok("POST", f"/v1/creators/ada/payments/{before['id']}/refund", by=host)
    assert whole["refunded_minor"] == whole["gross_minor"]
    await life.hear()

    # The creator connects an account; after the delay what is left is paid out to it.
    refused = await api.request("POST", "/v1/creators/ada/payouts", by=host, json={"currency": "USD"})
    assert (refused.status, refused.code) == (409, "no_payout_account")
    stranger = await api.request("POST", "/v1/creators/ada/payout-account", by=fan)
    assert (stranger.status, stranger.code) == (403, "not_creator")
    begun = await api.ok("POST", "/v1/creators/ada/payout-account", by=host, json={"country": "DE"})
    assert begun["url"].startswith("https://connect.stripe.invalid/")
    assert (await api.ok("GET", "/v1/creators/ada/payout-account", by=host))["state"] == "pending"
    stripe.onboard(stripe.all("account")["data"][0]["id"])
    await life.hear()
    assert (await api.ok("GET", "/v1/creators/ada/payout-account", by=host))["state"] == "ready"
    await api.ok("POST", f"/v1/subscriptions/{second}/cancel", by=fan, json={"at": "period_end"})
    await life.forward(8 * DAY)
    (balance,) = (await api.ok("GET", "/v1/creators/ada/balance", by=host))["balances"]
    assert balance["available_minor"] == balance["balance_minor"] > 0
    payout = await api.ok("POST", "/v1/creators/ada/payouts", by=host, json={"currency": "USD"})
    assert (payout["state"], payout["amount_minor"]) == ("paid", balance["balance_minor"])
    assert [transfer["amount"] for transfer in stripe.all("transfer")["data"]] == [payout["amount_minor"]]

    await life.hear()
    await adds_up(api, host, await payments(api, fan), payout["amount_minor"])
    body = deliveries(stripe.events, 0)[0]
    for signed in (signature(body, "whsec_another"), signature(body, at=0), "t=1,v1=00", ""):
        assert await life.post(body, signed) == 400
