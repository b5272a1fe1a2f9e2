"""Stripe's SDK against a stand-in over real HTTP: what is told, in any order and more than once, ends in the same rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from access import webhook_events
from access.database import read, write
from access.decide import Allow
from access.errors import AccessError
from access.facts import Amounts, CheckoutChanged
from access.payments import CheckoutRequest, ProviderError
from access.stripe_inbox import PAGE
from spaces.config import Config, ConfigError
from spaces.stripe_setup import check_stripe
from tests.harness.fake_stripe import (
    SECRET_KEY,
    WEBHOOK_SECRET,
    deliveries,
    fake_stripe,
    signature,
)
from tests.harness.node import served
from tests.harness.provider_stands import StripeStand

pytestmark = pytest.mark.thorough


def wall() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("seed", range(5))
async def test_a_life_told_in_any_order_ends_in_the_same_rows(stripe_shop: StripeStand, seed: int) -> None:
    fan, creator, tier, begun = await stripe_shop.follower()
    assert begun.checkout_url is not None
    assert not isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)
    agreement = str(stripe_shop.fake.pay(await stripe_shop.session())["subscription"])
    await stripe_shop.deliver(seed)
    assert isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)

    stripe_shop.fake.renew(agreement, succeed=False)
    stripe_shop.follow_clock()
    await stripe_shop.deliver(seed)
    assert isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)  # grace
    stripe_shop.fake.retry(agreement, succeed=True)
    await stripe_shop.deliver(seed)
    before = await stripe_shop.state()
    await stripe_shop.deliver(seed + 1)
    assert await stripe_shop.state() == before
    paid = await stripe_shop.rows("SELECT ref, gross_minor, fee_minor FROM payments ORDER BY ref")
    assert [row.gross_minor for row in paid] == [499, 499]
    assert [row.fee_minor for row in paid] == [44, 44]
    assert (await stripe_shop.rows("SELECT SUM(amount_minor) AS total FROM ledger_entries"))[0].total == 0


async def test_an_event_heard_again_writes_nothing(stripe_shop: StripeStand) -> None:
    await stripe_shop.follower()
    stripe_shop.fake.pay(await stripe_shop.session())
    await stripe_shop.deliver()
    counted = "SELECT (SELECT COUNT(*) FROM audit_log) AS log, (SELECT COUNT(*) FROM outbox) AS box"
    before = await stripe_shop.rows(counted)
    await stripe_shop.deliver(7)
    for kind, ref in (("agreement", next(name for name in stripe_shop.fake.objects if name.startswith("sub_"))),):
        await stripe_shop.access.desk.take(await stripe_shop.provider.fetch(kind, ref, now=stripe_shop.clock()))  # type: ignore[arg-type]
    assert await stripe_shop.rows(counted) == before


async def test_a_refund_and_a_lost_dispute_take_the_right_and_the_money_back(stripe_shop: StripeStand) -> None:
    fan, creator, tier, _ = await stripe_shop.follower()
    stripe_shop.fake.pay(await stripe_shop.session())
    await stripe_shop.deliver()
    payment = str((await stripe_shop.rows("SELECT ref FROM payments"))[0].ref)
    for _ in range(2):  # asked again with its key it is done once, also when Stripe has forgotten the key
        stripe_shop.fake._kept.clear()
        await stripe_shop.access.desk.take(
            await stripe_shop.provider.refund(payment, amount_minor=99, key="r", now=stripe_shop.clock())
        )
    assert len(await stripe_shop.rows("SELECT * FROM refunds")) == 1
    assert isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)
    dispute = stripe_shop.fake.dispute(payment)
    await stripe_shop.deliver(1)
    assert not isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)
    stripe_shop.fake.decide(dispute, "won")
    await stripe_shop.deliver(2)
    assert isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_write_whose_answer_is_lost_is_done_once(stripe_shop: StripeStand, fault: str) -> None:
    stripe_shop.fake.away = [fault] * 2  # the SDK tries twice
    request = CheckoutRequest("subscription:1", 1, 1, "A gift", 500, "USD")
    with pytest.raises(ProviderError) as caught:
        await stripe_shop.provider.begin_checkout(request, key="k", now=stripe_shop.clock())
    assert caught.value.may_pass
    stripe_shop.clock.forward(minutes=5)
    first = await stripe_shop.provider.begin_checkout(request, key="k", now=stripe_shop.clock())
    assert await stripe_shop.provider.begin_checkout(request, key="k", now=stripe_shop.clock()) == first
    assert len([name for name in stripe_shop.fake.objects if name.startswith("cs_")]) == 1


async def test_what_no_webhook_brought_is_found_in_the_list(stripe_shop: StripeStand) -> None:
    fan, creator, tier, _ = await stripe_shop.follower()
    stripe_shop.fake.pay(await stripe_shop.session())
    found = await stripe_shop.inbox.catch_up()
    assert found == len(stripe_shop.fake.events)
    assert await stripe_shop.inbox.work_off() == found
    assert isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)
    assert await stripe_shop.inbox.counts() == {"received": 0, "dead": 0}
    assert await stripe_shop.inbox.catch_up() == 0


async def test_after_a_month_away_all_that_stripe_still_knows_is_read(stripe_shop: StripeStand) -> None:
    """The cursor is forgotten, and what came first is no longer on the newest page."""
    fan, creator, tier, _ = await stripe_shop.follower()
    fake, now = stripe_shop.fake, wall()
    fake.now = int(now.timestamp()) - 3_600
    stripe_shop.follow_clock()
    fake.pay(await stripe_shop.session())
    paid = len(fake.events)
    agreement = fake.objects[str(fake.objects[await stripe_shop.session()]["subscription"])]
    for _ in range(2 * PAGE):
        fake.tell("customer.subscription.updated", agreement)
    await write(stripe_shop.engine, webhook_events.move_cursor, "stripe", "evt_forgotten", now)
    assert await stripe_shop.inbox.catch_up() == paid + 2 * PAGE
    while await stripe_shop.inbox.work_off():
        pass
    assert isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)
    assert await stripe_shop.inbox.catch_up() == 0
    assert (await read(stripe_shop.engine, webhook_events.cursor, "stripe") or ("",))[0] == fake.events[-1]["id"]


async def test_an_event_stays_until_stripe_can_be_asked(stripe_shop: StripeStand) -> None:
    await stripe_shop.follower()
    stripe_shop.fake.pay(await stripe_shop.session())
    right, stripe_shop.provider.api.client._requestor._options.api_key = SECRET_KEY, "sk_test_wrong"
    await stripe_shop.deliver()
    assert (await stripe_shop.inbox.counts())["received"] > 0
    assert await stripe_shop.rows("SELECT * FROM payments") == []
    stripe_shop.provider.api.client._requestor._options.api_key = right


FORGERIES: list[tuple[str, Callable[[bytes], str]]] = [
    ("bad_signature", lambda body: signature(body, "whsec_another")),
    ("bad_signature", lambda body: ""),
    ("bad_signature", lambda body: "t=,v1=" + "x" * 3_000),
    ("stale_signature", lambda body: signature(body, at=wall().timestamp() - 3_600)),
    ("stale_signature", lambda body: signature(body, at=wall().timestamp() + 3_600)),
]


async def test_a_forged_stale_or_future_webhook_is_refused(stripe_shop: StripeStand) -> None:
    body = b'{"id": "evt_1", "object": "event"}'
    for code, sign in FORGERIES:
        with pytest.raises(AccessError) as caught:
            await stripe_shop.inbox.receive(body, sign(body))
        assert (caught.value.status, caught.value.code) == (400, code), sign(body)[:40]
    assert await stripe_shop.rows("SELECT * FROM webhook_events") == []


NO_EVENTS = [b"", b"[]", b"null", b"{}", b"\xff", b'{"object": "event"}', b"[" * 10_000]


async def test_a_signed_body_that_is_no_event_is_refused(stripe_shop: StripeStand) -> None:
    for body in NO_EVENTS:
        with pytest.raises(AccessError) as caught:
            await stripe_shop.inbox.receive(body, signature(body))
        assert caught.value.status == 400, body[:20]
    assert await stripe_shop.rows("SELECT * FROM webhook_events") == []


async def test_cancelled_resumed_and_ended_with_its_period(stripe_shop: StripeStand) -> None:
    fan, creator, tier, begun = await stripe_shop.follower()
    agreement = str(stripe_shop.fake.pay(await stripe_shop.session())["subscription"])
    await stripe_shop.deliver()
    follows = stripe_shop.access.follows
    assert (await follows.cancel(fan, begun.id, at="period_end")).cancel_at_period_end
    assert not (await follows.resume(fan, begun.id)).cancel_at_period_end
    await follows.cancel(fan, begun.id, at="period_end")
    stripe_shop.fake.renew(agreement)
    stripe_shop.follow_clock()
    await stripe_shop.deliver(3)
    assert not isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)


async def test_a_trial_admits_and_takes_no_money(stripe_shop: StripeStand) -> None:
    owner, creator = await stripe_shop.creator()
    tier = await stripe_shop.tier(owner, creator)
    async with stripe_shop.engine.begin() as connection:
        await connection.execute(text("UPDATE tiers SET trial_days = 7"))
    fan = await stripe_shop.person()
    await stripe_shop.access.follows.subscribe(fan, creator, tier=tier.id)
    stripe_shop.fake.pay(await stripe_shop.session())
    await stripe_shop.deliver()
    assert isinstance(await stripe_shop.may_join(fan, creator, tier), Allow)
    assert await stripe_shop.rows("SELECT * FROM payments") == []


async def test_the_webhook_over_http(tmp_path: Path) -> None:
    now = int(wall().timestamp())
    async with (
        fake_stripe(now) as (fake, address),
        served(
            tmp_path, stripe_secret_key=SECRET_KEY, stripe_webhook_secret=WEBHOOK_SECRET, stripe_address=address
        ) as api,
    ):
        fake.tell("invoice.paid", {"id": "in_of_somebody_else", "object": "invoice"})
        body = deliveries(fake.events, 0)[0]
        url = f"{api.url}/v1/webhooks/stripe"
        for headers, sent, status in (
            ({"Stripe-Signature": signature(body)}, body, 204),
            ({"Stripe-Signature": signature(body)}, body, 204),
            ({"Stripe-Signature": signature(body, "whsec_another")}, body, 400),
            ({}, body, 400),
            ({}, b" " * 300_000, 413),
        ):
            async with api.http.post(url, data=sent, headers=headers) as response:
                assert response.status == status


async def test_without_stripe_there_is_no_such_address(tmp_path: Path) -> None:
    async with served(tmp_path) as api, api.http.post(f"{api.url}/v1/webhooks/stripe", data=b"{}") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"stripe_secret_key": "pk_test_12345678"},
        {"stripe_webhook_secret": ""},
        {"stripe_webhook_secret": "secret"},
        {"stripe_secret_key": "sk_live_12345678", "stripe_address": "http://127.0.0.1:1"},
    ],
)
def test_settings_that_cannot_be_stripes_are_refused_without_showing_them(wrong: dict[str, str]) -> None:
    values: dict[str, Any] = {"stripe_secret_key": SECRET_KEY, "stripe_webhook_secret": WEBHOOK_SECRET} | wrong
    with pytest.raises(ConfigError) as caught:
        check_stripe(Config(**values))
    assert not any(value and value in str(caught.value) for value in values.values() if value.startswith(("sk", "pk")))


async def test_a_single_payment_is_told_with_its_fee(stripe_shop: StripeStand) -> None:
    request = CheckoutRequest("ticket:1", 1, 1, "An evening", 500, "USD", quantity=2)
    begun = await stripe_shop.provider.begin_checkout(request, key="k", now=stripe_shop.clock())
    assert await stripe_shop.provider.fetch("checkout", begun.provider_ref, now=stripe_shop.clock()) == ()
    intent = stripe_shop.fake.pay(begun.provider_ref)["payment_intent"]
    (fact,) = await stripe_shop.provider.fetch("payment", intent, now=stripe_shop.clock())
    assert isinstance(fact, CheckoutChanged)
    assert fact.amounts == Amounts(currency="USD", gross_minor=1_000, fee_minor=59)
    assert (fact.state, fact.purchase, fact.payment) == ("paid", "ticket:1", intent)
    assert await stripe_shop.provider.expire_checkout(begun.provider_ref, key="e", now=stripe_shop.clock()) == (fact,)
    assert await stripe_shop.provider.fetch("checkout", "cs_unknown", now=stripe_shop.clock()) == ()


async def test_whoever_comes_back_to_an_open_checkout_is_sent_to_the_same_page(stripe_shop: StripeStand) -> None:
    fan, creator, tier, begun = await stripe_shop.follower()
    again = await stripe_shop.access.follows.subscribe(fan, creator, tier=tier.id)
    assert (again.id, again.checkout_url) == (begun.id, begun.checkout_url)
    assert begun.checkout_url is not None
