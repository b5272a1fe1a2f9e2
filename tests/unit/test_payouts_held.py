"""While a creator is suspended, or owes more than he has, nothing is paid out to him: it says why, and goes on when it may."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from access.embedded_money import EmbeddedTestMoney
from access.facts import Facts
from access.model import Account, Creator
from access.money_model import Payout
from access.payments import PayoutRequest
from access.service import Access
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.money_life import forward
from tests.harness.node import running
from tests.harness.provider_stands import StripeStand
from tests.harness.world import World

pytestmark = pytest.mark.thorough

DAY = 86_400


async def with_earnings(world: World) -> tuple[Account, Creator]:
    owner, creator = await world.creator()
    await world.subscribe(await world.person(), creator, await world.tier(owner, creator, amount_minor=1_000))
    return owner, creator


@pytest.mark.parametrize(("scope", "why"), [("creator", "creator_suspended"), ("account", "suspended")])
async def test_nothing_is_sent_until_it_is_lifted(stripe_shop: StripeStand, scope: str, why: str) -> None:
    shop, books, operators = stripe_shop, stripe_shop.access.books, stripe_shop.access.operators
    owner, creator, silver, _ = await shop.shop()
    finance = await shop.person()
    await shop.access.offers.set_role(owner, creator, finance, "finance")
    await shop.follow(await shop.person(), creator, silver)
    await shop.connect(owner, creator)
    shop.clock.forward(days=8)
    await operators.suspend(None, scope, creator.id)
    made = await books.pay_out(finance, creator, currency="USD", amount_minor=None)
    assert (made.state, made.held) == ("planned", why)
    for _ in range(3):
        shop.clock.forward(hours=7)
        await shop.access.desk.keep_time()
        await shop.hear()
    assert shop.fake.all("transfer")["data"] == []
    suspended = (await shop.access.accounts([owner.id]))[owner.id]
    for reader in (suspended, finance):
        assert await books.payouts(reader, creator) == [made], "whoever is suspended is told as well"
        (balance,) = await books.balances(reader, creator)
        assert (balance.available_minor, balance.in_transit_minor) == (0, made.amount_minor)
    await operators.lift(None, scope, creator.id)
    await shop.access.desk.keep_time()
    await shop.hear()
    (paid,) = await books.payouts(owner, creator)
    assert (paid.id, paid.state, paid.held) == (made.id, "paid", None)
    assert [transfer["amount"] for transfer in shop.fake.all("transfer")["data"]] == [made.amount_minor]
    await shop.settled()


async def not_yet_sent(shop: StripeStand) -> tuple[Account, Creator, Payout]:
    """A payout whose first try found Stripe away."""
    owner, creator, silver, _ = await shop.shop()
    await shop.follow(await shop.person(), creator, silver)
    await shop.connect(owner, creator)
    shop.clock.forward(days=8)
    shop.fake.away = ["before"] * 2  # the SDK tries twice
    return owner, creator, await shop.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)


async def test_one_that_is_tried_again_waits_and_another_creators_does_not(stripe_shop: StripeStand) -> None:
    shop, books = stripe_shop, stripe_shop.access.books
    owner, creator, tried = await not_yet_sent(shop)
    shop.fake.away = []
    assert (tried.state, tried.held) == ("planned", None)
    await shop.access.operators.suspend(None, "creator", creator.id)
    shop.clock.forward(hours=1)
    await shop.access.desk.keep_time()
    (seen,) = await books.payouts(owner, creator)
    assert (seen.state, seen.held, shop.fake.all("transfer")["data"]) == ("planned", "creator_suspended", [])
    await shop.access.operators.lift(None, "creator", creator.id)
    await shop.access.desk.keep_time()
    assert [payout.state for payout in await books.payouts(owner, creator)] == ["paid"]


async def test_what_waits_is_not_sent_once_it_is_more_than_there_is(stripe_shop: StripeStand) -> None:
    """It was asked for while there was enough; meanwhile what it was of is disputed."""
    shop, books = stripe_shop, stripe_shop.access.books
    owner, creator, made = await not_yet_sent(shop)
    dispute = await shop.dispute((await shop.payments())[0])
    await shop.hear()
    shop.clock.forward(hours=1)
    await shop.access.desk.keep_time()
    (seen,) = await books.payouts(owner, creator)
    assert (seen.id, seen.state, seen.held) == (made.id, "planned", "negative_balance")
    assert shop.fake.all("transfer")["data"] == []
    await shop.decide(dispute, "won")
    shop.fake.objects[dispute]["balance_transactions"] = []  # its fee is given back
    await shop.hear()
    await shop.access.desk.keep_time()
    (paid,) = await books.payouts(owner, creator)
    assert (paid.state, paid.held) == ("paid", None)
    await shop.settled()


async def test_others_are_paid_meanwhile(world: World) -> None:
    houses = [await with_earnings(world) for _ in range(3)]
    world.clock.forward(days=8)
    await world.access.operators.suspend(None, "creator", houses[0][1].id)
    await world.access.operators.suspend(None, "space", houses[1][1].id, space="aSpace")
    states = []
    for owner, creator in houses:
        made = await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
        states.append((made.state, made.held))
    assert states == [("planned", "creator_suspended"), ("paid", None), ("paid", None)]
    assert await world.access.books.check() == []


class Suspending(EmbeddedTestMoney):
    """While it pays one creator out, an operator suspends the other."""

    access: Access
    creators: tuple[int, ...]

    async def pay_out(self, request: PayoutRequest, *, key: str, now: datetime) -> Facts:
        for other in self.creators:
            if other != request.creator:
                await self.access.operators.suspend(None, "creator", other)
        return await super().pay_out(request, key=key, now=now)


async def test_one_that_was_already_read_is_kept_back(world: World) -> None:
    """Both are due, and are read together; the second's creator is suspended while the first is sent."""
    money = Suspending(world.engine, lambda: "http://127.0.0.1:1")
    world.access = Access(world.engine, provider=money, join_token_key=b"j" * 32, now=world.clock)
    houses = [await with_earnings(world) for _ in range(2)]
    money.access, money.creators = world.access, tuple(creator.id for _, creator in houses)
    world.clock.forward(days=8)
    for _, creator in houses:
        await world.access.operators.suspend(None, "creator", creator.id)
    for owner, creator in houses:
        await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
    for _, creator in houses:
        await world.access.operators.lift(None, "creator", creator.id)
    await world.access.desk.keep_time()
    found = [(await world.access.books.payouts(owner, creator))[0] for owner, creator in houses]
    assert {(payout.state, payout.held) for payout in found} == {("paid", None), ("planned", "creator_suspended")}


async def test_the_list_of_payouts_says_so_over_http(tmp_path: Path) -> None:
    async with running(tmp_path, test_clock=True) as node, aiohttp.ClientSession() as http:
        api, boss = Api(http, node.url), person("boss")
        host = await api.creator("ada")
        await api.ok("GET", "/v1/me", by=boss)
        await api.subscribe(person("grace"), host, await api.tier(host))
        await forward(api, host, 8 * DAY)
        await node.access.people.appoint("@boss")
        await api.ok("POST", "/v1/creators/ada/suspension", by=boss, json={"reason": "spam"})
        made = await api.ok("POST", "/v1/creators/ada/payouts", by=host, json={"currency": "USD"})
        assert (made["state"], made["held"]) == ("planned", "creator_suspended")
        await api.ok("POST", "/v1/accounts/@ada/suspension", by=boss, json={"reason": "spam"})
        await api.ok("DELETE", "/v1/creators/ada/suspension", by=boss)
        await forward(api, person("grace"), DAY)
        (seen,) = (await api.ok("GET", "/v1/creators/ada/payouts", by=host))["payouts"]
        assert (seen["state"], seen["held"]) == ("planned", "suspended")
        await api.ok("DELETE", "/v1/accounts/@ada/suspension", by=boss)
        await forward(api, host, DAY)
        (paid,) = (await api.ok("GET", "/v1/creators/ada/payouts", by=host))["payouts"]
        assert (paid["state"], paid["held"]) == ("paid", None)
