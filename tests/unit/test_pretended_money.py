"""Test money and real money do not share a database: a node does not begin, and what was pretended is taken back whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from access import pretended_money
from access.database import write
from access.decide import Deny
from access.money_model import Balance
from access.pretended_money import Held
from spaces.config import Config, ConfigError
from spaces.node import Node
from spaces.payments import refuse_mixture
from tests.harness import gifts, tickets
from tests.harness.database import fresh_database_url
from tests.harness.node import node_config
from tests.harness.provider_stands import StripeStand
from tests.harness.tickets import SPACE
from tests.harness.world import World, make_world

pytestmark = pytest.mark.thorough

NOTHING = Held(real=False, pretended=False)
LIVE: dict[str, Any] = {"stripe_secret_key": "sk_live_12345678", "stripe_webhook_secret": "whsec_12345678"}


async def nothing_is_left(world: World) -> None:
    """Of what anybody had, owes or is owed."""
    assert await world.access.books.held() == NOTHING
    assert await world.access.books.check() == []
    left = await world.rows(
        "SELECT ledger_account, creator FROM ledger_entries GROUP BY 1, 2 HAVING SUM(amount_minor) <> 0"
    )
    assert left == []
    assert await world.rows("SELECT creator FROM creator_books WHERE earned_minor <> 0") == []
    assert await world.rows("SELECT id FROM provider_tasks WHERE done_at IS NULL") == []
    live = "('incomplete', 'trialing', 'active', 'past_due', 'unpaid', 'paused')"
    assert await world.rows(f"SELECT id FROM subscriptions WHERE status IN {live}") == []


async def test_every_right_and_all_earnings_go(world: World) -> None:
    owner, creator = await tickets.on_sale(world, quantity=3)
    silver = await world.tier(owner, creator, amount_minor=2_000)
    tried = await world.tier(owner, creator, 2, trial_days=30)
    fans = [await world.person() for _ in range(7)]
    follower, part, whole, trial, giver, given, seated = fans
    for fan, tier in ((follower, silver), (part, silver), (whole, silver), (trial, tried)):
        await world.subscribe(fan, creator, tier)
    await gifts.redeemed(world, giver, given, await gifts.give(world, giver, creator, silver))
    await gifts.begin(world, giver, creator, silver)
    await tickets.buy(world, seated)
    await tickets.reserve(world, giver)
    paid = {payment.account: payment.id for payment in await world.access.books.payments(owner, creator)}
    await world.access.books.refund(owner, creator, paid[part.id], amount_minor=700)
    await world.access.books.refund(owner, creator, paid[whole.id], amount_minor=None)
    world.clock.forward(days=8)
    await world.access.desk.keep_time()
    await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=1_000)
    for fan in (follower, part, trial, given):
        assert not isinstance(await world.may_join(fan, creator), Deny)
    assert not isinstance(await tickets.may_come(world, seated, creator), Deny)
    assert await world.access.books.held() == Held(real=False, pretended=True)

    assert await world.access.books.end_pretended() == 5
    await nothing_is_left(world)
    assert await world.access.books.balances(owner, creator) == [Balance("USD", 0, 0, 0, 0)]
    for fan in fans:
        assert isinstance(await world.may_join(fan, creator), Deny)
        assert isinstance(await tickets.may_come(world, fan, creator), Deny)
    assert (await world.access.tickets.offer(SPACE)).left == 3
    assert await world.access.books.end_pretended() == 0
    world.clock.forward(days=40)
    await world.access.desk.keep_time()
    await nothing_is_left(world)


async def test_what_is_given_for_nothing_stays(world: World) -> None:
    owner, creator = await world.creator()
    silver = await world.tier(owner, creator)
    fan = await world.person()
    await world.subscribe(fan, creator, silver)
    await world.access.create_comp(owner, creator, fan, tier=silver.id)
    await world.access.books.end_pretended()
    assert not isinstance(await world.may_join(fan, creator), Deny)


async def test_it_may_be_cut_off_and_go_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each of its transactions."""
    owner, creator = await tickets.on_sale(world)
    silver = await world.tier(owner, creator)
    for _ in range(2):
        await world.subscribe(await world.person(), creator, silver)
    await tickets.reserve(world, await world.person())
    world.clock.forward(days=8)
    await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
    left = 0

    def begun(*_: Any) -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    whole = write

    async def cut(*arguments: Any) -> Any:
        if not begun():
            raise ConnectionError
        return await whole(*arguments)

    monkeypatch.setattr(pretended_money, "write", cut)
    for steps in range(1, 30):
        left = steps
        try:
            await world.access.books.end_pretended()
            break
        except ConnectionError:
            assert await world.access.books.check() == []
    else:
        raise AssertionError("it never came to its end")
    assert steps > 3
    await nothing_is_left(world)


async def test_of_stripes_test_mode_too(stripe_shop: StripeStand) -> None:
    """With a dispute, and a payout that waits: Stripe is asked for neither any more, and creators connect anew."""
    shop, books = stripe_shop, stripe_shop.access.books
    owner, creator, silver, _ = await shop.shop()
    fans = [await shop.person() for _ in range(3)]
    for fan in fans:
        await shop.follow(fan, creator, silver)
    await shop.connect(owner, creator)
    await shop.dispute((await shop.payments())[0])
    await shop.hear()
    shop.clock.forward(days=8)
    shop.fake.away = ["before"] * 4  # the SDK tries twice; what is disputed is not to be renewed either
    made = await books.pay_out(owner, creator, currency="USD", amount_minor=None)
    assert made.state == "planned"
    assert await books.held() == Held(real=False, pretended=True)
    assert await books.end_pretended() == 3
    await nothing_is_left(shop)
    asked = len(shop.fake.requests)
    shop.clock.forward(hours=7)
    await shop.access.desk.work_off()
    assert len(shop.fake.requests) == asked
    assert shop.fake.all("transfer")["data"] == []
    assert (await shop.access.payout_accounts.get(owner, creator)).state == "none"
    for fan in fans:
        assert not await shop.admits(fan, creator)


async def test_real_money_is_let_alone(stripe_shop: StripeStand) -> None:
    shop = stripe_shop
    owner, creator, silver, _ = await shop.shop()
    fan = await shop.person()
    await shop.follow(fan, creator, silver)
    await shop.connect(owner, creator)
    async with shop.engine.begin() as connection:  # as it is called with a live key
        await connection.execute(
            text("UPDATE subscriptions SET provider_ref = REPLACE(provider_ref, 'cs_test', 'cs_live')")
        )
    before = await shop.state()
    assert await shop.access.books.held() == Held(real=True, pretended=False)
    assert await shop.access.books.end_pretended() == 0
    assert (await shop.state())[:-1] == before[:-1], "but for the line in the audit log"
    assert (await shop.access.payout_accounts.get(owner, creator)).state == "ready"
    assert await shop.admits(fan, creator)
    for config in (Config(), Config(stripe_secret_key="sk_test_12345678")):
        with pytest.raises(ConfigError, match="real payments"):
            await refuse_mixture(config, shop.access)
    await refuse_mixture(Config(**LIVE), shop.access)


async def test_a_node_does_not_begin_with_real_money_where_test_money_is(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path, migrated=True) as url:
        config = node_config(tmp_path, database_url=url)
        node = Node(config)
        await node.start()
        engine = node.access.desk.engine
        try:
            world = await make_world(engine)
            owner, creator = await world.creator()
            await world.subscribe(await world.person(), creator, await world.tier(owner, creator))
            real = node_config(tmp_path, database_url=url, **LIVE)
            async with asyncio.timeout(30):
                with pytest.raises(ConfigError, match="end-test-money"):
                    await Node(real).start()
            await node.access.books.end_pretended()
            await refuse_mixture(real, node.access)
        finally:
            await node.stop()
