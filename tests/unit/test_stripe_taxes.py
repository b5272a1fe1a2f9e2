"""Taxes and fees as Stripe reports them: kept apart, given back in proportion, converted; every statement adds up."""

from __future__ import annotations

import pytest

from access.model import Account, Creator
from spaces.config import Config
from spaces.stripe_setup import make_stripe
from tests.harness import gifts, tickets
from tests.harness.fake_stripe import SECRET_KEY, WEBHOOK_SECRET
from tests.harness.provider_stands import StripeStand

pytestmark = pytest.mark.thorough

SILVER, PERCENT = 499, 19


async def lines_add_up(shop: StripeStand, owner: Account, creator: Creator, gross: list[int]) -> None:
    """`gross`: of every line, in order."""
    lines = await shop.access.books.statement(owner, creator, "2026-01")
    for line in lines:
        parts = line.fee_minor + line.tax_minor + line.platform_share_minor + line.creator_minor
        assert line.gross_minor == parts, line
    assert [line.gross_minor for line in lines] == gross


@pytest.mark.parametrize(("included", "gross", "tax"), [(True, 499, 80), (False, 594, 95)])
async def test_the_tax_of_a_subscription_is_nobodys_share(
    stripe_shop: StripeStand, included: bool, gross: int, tax: int
) -> None:
    shop = stripe_shop
    shop.fake.tax_percent, shop.fake.tax_included = PERCENT, included
    owner, creator, silver, _ = await shop.shop()
    fan = await shop.person()
    await shop.follow(fan, creator, silver)
    assert await shop.admits(fan, creator)
    (payment,) = await shop.payments()
    assert (payment.gross_minor, payment.tax_minor) == (gross, tax)
    assert await tickets.balance(shop, "taxes") == -tax
    books = shop.access.books
    for amount, left in ((100, gross - 100), (None, 0)):
        await books.refund(owner, creator, payment.id, amount_minor=amount)
        await shop.hear()
        assert await tickets.balance(shop, "taxes") == -round(tax * left / gross)
        assert await tickets.balance(shop, "provider_clearing") == left
    await lines_add_up(shop, owner, creator, [gross, -100, 100 - gross])
    await shop.settled()


@pytest.mark.parametrize(("included", "gross", "tax"), [(True, 998, 159), (False, 1_188, 190)])
async def test_the_tax_of_what_is_paid_once_too(stripe_shop: StripeStand, included: bool, gross: int, tax: int) -> None:
    shop = stripe_shop
    shop.fake.tax_percent, shop.fake.tax_included = PERCENT, included
    owner, creator, silver, _ = await shop.shop()
    gift = await gifts.begin(shop, await shop.person(), creator, silver, months=2)
    ((checkout,),) = await shop.rows("SELECT provider_ref FROM gifts")
    await shop.answer(checkout, "succeed")
    await shop.hear()
    (payment,) = await shop.payments()
    assert (payment.purchase, payment.gross_minor, payment.tax_minor) == (f"gift:{gift.id}", gross, tax)
    await shop.access.books.refund(owner, creator, payment.id, amount_minor=None)
    await shop.hear()
    assert await tickets.balance(shop, "taxes") == 0
    await lines_add_up(shop, owner, creator, [gross, -gross])
    await shop.settled()


async def test_a_fee_in_the_platforms_own_currency_is_converted(stripe_shop: StripeStand) -> None:
    """499 USD cents are 449 EUR cents at 0.9, of which 43 are kept: 48 USD cents."""
    shop = stripe_shop
    shop.fake.settles = ("eur", 0.9)
    owner, creator, silver, _ = await shop.shop()
    await shop.follow(await shop.person(), creator, silver)
    (payment,) = await shop.payments()
    assert (payment.currency, payment.gross_minor, payment.fee_minor) == ("USD", SILVER, 48)
    await lines_add_up(shop, owner, creator, [SILVER])
    await shop.settled()


@pytest.mark.parametrize("asked", [True, False])
async def test_a_checkout_asks_for_tax_if_the_operator_says_so(stripe_shop: StripeStand, asked: bool) -> None:
    shop = stripe_shop
    config = Config(stripe_secret_key=SECRET_KEY, stripe_webhook_secret=WEBHOOK_SECRET, stripe_automatic_tax=asked)
    shop.provider._automatic_tax = make_stripe(config, shop.engine, b"key", lambda: "")._automatic_tax
    _, creator, silver, _ = await shop.shop()
    fan = await shop.person()
    await shop.access.follows.subscribe(fan, creator, tier=silver.id)
    await gifts.begin(shop, fan, creator, silver, months=2)
    sessions = [found for found in shop.fake.objects.values() if found["object"] == "checkout.session"]
    assert sorted(session["mode"] for session in sessions) == ["payment", "subscription"]
    assert [session["_form"].get("automatic_tax") for session in sessions] == [
        {"enabled": "true"} if asked else None
    ] * 2
