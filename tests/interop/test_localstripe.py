"""A second opinion: our way to Stripe against a stand-in that others wrote, as far as it goes.

localstripe knows customers, products, coupons, plans, payment intents, refunds and subscriptions of plans, and signs its
webhooks. It knows neither prices nor Checkout, schedules, pauses, portals, accounts, transfers or disputes; it has a
subscription's period where older versions of the API had it, and ignores idempotency keys. So what runs here is the SDK behind
our adapter, and our reading of errors, payments, refunds and signatures; a whole agreement it cannot serve.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from access import stripe_facts as says
from access.errors import AccessError
from access.payments import ProviderError
from access.stripe_api import StripeApi, asking
from access.stripe_provider import StripeProvider
from access.stripe_webhooks import read_webhook
from tests.harness.database import fresh_engine
from tests.harness.localstripe import localstripe

pytestmark = pytest.mark.needs("localstripe")
SECRET = "whsec_of_localstripe"
GOOD, DECLINED = "4242424242424242", "4000000000000341"


@dataclass
class Shop:
    api: StripeApi
    address: str

    async def customer(self, number: str) -> Any:
        with asking():
            made = await self.api.v1.customers.create_async({"email": "grace@example.org"})
            card: Any = {"number": number, "exp_month": 12, "exp_year": datetime.now(UTC).year + 2, "cvc": "123"}
            method = await self.api.v1.payment_methods.create_async({"type": "card", "card": card})
            await self.api.v1.payment_methods.attach_async(method.id, {"customer": made.id})
            settings: Any = {"invoice_settings": {"default_payment_method": method.id}}
            return await self.api.v1.customers.update_async(made.id, settings)

    async def charge(self, customer: Any, amount: int) -> Any:
        with asking():
            return await self.api.v1.payment_intents.create_async(
                {
                    "amount": amount,
                    "currency": "usd",
                    "customer": customer.id,
                    "payment_method": customer.invoice_settings.default_payment_method,
                    "confirm": True,
                    "metadata": {says.SERVER: "spaces_test", says.PURCHASE: "ticket:1"},
                }
            )

    async def subscribe(self, customer: Any) -> Any:
        with asking():
            await self.api.v1.plans.create_async(
                {"id": "silver", "amount": 499, "currency": "usd", "interval": "month", "product": {"name": "Silver"}}
            )
            bag = {says.SERVER: "spaces_test", says.PURCHASE: "subscription:1"}
            items: Any = [{"plan": "silver"}]
            return await self.api.v1.subscriptions.create_async(
                {"customer": customer.id, "items": items, "metadata": bag}
            )


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with localstripe(tmp_path) as address:
        api = StripeApi("sk_test_12345678", address)
        try:
            yield Shop(api, address)
        finally:
            await api.close()


async def test_a_payment_and_its_refunds_are_read_as_they_are_written(shop: Shop) -> None:
    intent = await shop.charge(await shop.customer(GOOD), 1_000)
    assert says.purchase_of(intent.metadata, "spaces_test") == "ticket:1"
    assert says.purchase_of(intent.metadata, "spaces_other") is None
    with asking():
        for amount in (300, 700):
            await shop.api.v1.refunds.create_async({"payment_intent": intent.id, "amount": amount})
        found = await shop.api.v1.refunds.list_async({"payment_intent": intent.id, "limit": 100})
        told = [says.refund(entry, intent.id) for entry in found.data]
    assert sorted(fact.amount_minor for fact in told) == [300, 700]
    assert {(fact.payment, fact.state) for fact in told} == {(intent.id, "succeeded")}


async def test_a_refund_is_made_once_by_its_key_although_keys_mean_nothing_here(shop: Shop, tmp_path: Path) -> None:
    """By the provider itself, in parts. It does the deed, and cannot ask here what was paid for: an answer that is lost."""
    intent = await shop.charge(await shop.customer(GOOD), 1_000)
    async with fresh_engine(tmp_path) as engine:
        provider = StripeProvider(shop.api, engine, "spaces_test", lambda: "http://127.0.0.1:1")
        for key, amount in (("a", 300), ("a", 300), ("b", 200), ("a", 300)):
            with pytest.raises(ProviderError) as caught:
                await provider.refund(intent.id, amount_minor=amount, key=key, now=datetime.now(UTC))
            assert caught.value.may_pass
    with asking():
        found = await shop.api.v1.refunds.list_async({"payment_intent": intent.id, "limit": 100})
    assert sorted(entry.amount for entry in found.data) == [200, 300]


async def test_a_declined_card_is_a_declined_payment(shop: Shop) -> None:
    customer = await shop.customer(DECLINED)
    with pytest.raises(AccessError) as caught:
        await shop.charge(customer, 1_000)
    assert (caught.value.status, caught.value.code) == (402, "payment_declined")


async def test_what_it_refuses_is_refused_and_what_it_does_not_know_may_pass(shop: Shop) -> None:
    with pytest.raises(ProviderError) as caught, asking():
        await shop.api.v1.payment_intents.retrieve_async("pi_of_nobody")
    assert caught.value.code == "provider_refused"
    with pytest.raises(ProviderError) as caught, asking():
        await shop.api.v1.prices.list_async({"lookup_keys": ["a"]})
    assert caught.value.may_pass


async def test_the_coupons_that_we_make_are_coupons_to_it(shop: Shop) -> None:
    with asking():
        half = await shop.api.v1.coupons.create_async({"id": "half", "percent_off": 12.5, "duration": "once"})
        months = await shop.api.v1.coupons.create_async(
            {"id": "m", "amount_off": 99, "currency": "usd", "duration": "repeating", "duration_in_months": 3}
        )
    assert (half.percent_off, half.duration) == (12.5, "once")
    assert (months.amount_off, months.duration_in_months) == (99, 3)


async def test_a_subscription_ends_with_its_period_or_at_once(shop: Shop) -> None:
    subscription = await shop.subscribe(await shop.customer(GOOD))
    assert says.purchase_of(subscription.metadata, "spaces_test") == "subscription:1"
    with asking():
        name = subscription.id
        later = await shop.api.v1.subscriptions.update_async(name, {"cancel_at_period_end": True})
        assert (later.status, later.cancel_at_period_end) == ("active", True)
        back = await shop.api.v1.subscriptions.update_async(name, {"cancel_at_period_end": False})
        assert not back.cancel_at_period_end
        ended = await shop.api.v1.subscriptions.cancel_async(name)
    assert ended.status == "canceled"
    assert ended.ended_at


async def test_its_signed_webhooks_are_taken_and_forged_ones_are_not(shop: Shop) -> None:
    came: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        came.put_nowait((await request.read(), request.headers["Stripe-Signature"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        here = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        wanted = ["customer.subscription.created", "payment_intent.payment_failed"]
        await _configure(shop, {"url": here, "secret": SECRET, "events": wanted})
        subscription = await shop.subscribe(await shop.customer(GOOD))
        poor = await shop.customer(DECLINED)
        with pytest.raises(AccessError):
            await shop.charge(poor, 1_000)
        told = {}
        for _ in wanted:
            body, signature = await asyncio.wait_for(came.get(), 20)
            event = read_webhook(body, signature, ("whsec_old", SECRET), live=False, now=datetime.now(UTC))
            told[event.type] = (event.kind, event.subject)
            for forged, secret in ((body + b" ", SECRET), (body, "whsec_other")):
                with pytest.raises(AccessError) as caught:
                    read_webhook(forged, signature, (secret,), live=False, now=datetime.now(UTC))
                assert caught.value.code == "bad_signature"
    finally:
        await runner.cleanup()
    assert told["customer.subscription.created"] == ("agreement", subscription.id)
    kind, subject = told["payment_intent.payment_failed"]
    assert kind == "payment"
    assert subject.startswith("pi_")


async def _configure(shop: Shop, webhook: dict[str, Any]) -> None:
    async with aiohttp.ClientSession() as http, http.post(f"{shop.address}/_config/webhooks/here", json=webhook) as ok:
        assert ok.status == 200
