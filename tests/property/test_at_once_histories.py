"""Random crowds: whatever is asked for at the same moment, no seat, code, token or cent is had twice.

On PostgreSQL they are really at once; on SQLite one after the other, as everywhere there.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.benefit_model import CreatorKey
from access.errors import AccessError, TokenError
from access.model import Account, Creator, Tier
from tests.harness import gifts, tickets
from tests.harness.histories import Worlds, histories
from tests.harness.world import World, pay_ref, subscribers_only

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300)]

FANS, SEATS, TOKENS = 3, 2, 2
REFUSED = """
already_holds sold_out reservation_ending already_subscribed payment_pending checkout_closed gift_redeemed still_subscribed
already_given bad_state unknown_code already_redeemed revoked right_ended token_used token_revoked nothing_available
nothing_to_refund bad_field
"""
fans = st.integers(0, FANS - 1)
ACTS = st.one_of(
    st.tuples(st.sampled_from(["ticket", "ticket", "subscribe", "gift", "token", "merch"]), fans),
    st.tuples(st.just("payout"), st.sampled_from([1, 300, 900, 10_000])),
    st.tuples(st.sampled_from(["refund", "refund_again"]), st.sampled_from([1, 400, 1_000])),
)
CROWDS = st.lists(st.lists(ACTS, min_size=2, max_size=6), min_size=1, max_size=3)


@dataclass
class Life:
    world: World
    owner: Account
    creator: Creator
    tier: Tier
    shop: CreatorKey
    fans: list[Account]
    gift: str
    """The code of its link."""
    code: str
    """Of a discount."""
    tokens: list[str]
    payments: list[int]
    had: Counter[str] = field(default_factory=Counter)
    """What there is one of, and how often somebody had it."""
    orders: Iterator[int] = field(default_factory=itertools.count)

    async def do(self, name: str, number: int) -> None:
        access, fan = self.world.access, self.fans[number % FANS]
        match name:
            case "ticket":
                sold = await tried(tickets.reserve(self.world, fan))
                if sold is not None and sold.checkout_url is not None:
                    await tried(access.tickets.pay(tickets.ref_of(sold), "succeed"))
            case "subscribe":
                begun = await tried(access.follows.subscribe(fan, self.creator, tier=self.tier.id))
                if begun is not None and begun.checkout_url is not None:
                    await tried(access.follows.pay(pay_ref(begun), "succeed"))
            case "gift":
                self.had["gift"] += await tried(access.gifts.redeem_code(fan, self.gift)) is not None
            case "merch":
                order = f"order {next(self.orders)}"
                self.had["code"] += await tried(access.merch.redeem(self.shop, self.code, order=order)) is not None
            case "token":
                token = self.tokens[number % TOKENS]
                self.had[token] += await tried(access.redeem_join_token(token, "aSpace")) is not None
            case "payout":
                await tried(access.books.pay_out(self.owner, self.creator, currency="USD", amount_minor=number))
            case _:
                payment = self.payments[name == "refund_again"]
                await tried(access.books.refund(self.owner, self.creator, payment, amount_minor=number))

    async def check(self) -> None:
        assert max(self.had.values(), default=0) <= 1, self.had
        await tickets.check_books_and_seats(self.world)
        await gifts.check_gifts(self.world)
        twice = (
            "SELECT account FROM subscriptions WHERE status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused') "
            "GROUP BY account, creator HAVING count(*) > 1",
            "SELECT account FROM tickets WHERE state IN ('paid', 'admitted') GROUP BY account HAVING count(*) > 1",
            "SELECT p.id FROM payments p JOIN refunds r ON r.payment = p.id WHERE r.state <> 'failed' "
            "GROUP BY p.id, p.gross_minor HAVING sum(r.amount_minor) > p.gross_minor",
            "SELECT key FROM test_objects GROUP BY key HAVING count(*) > 1",
        )
        for query in twice:
            assert await self.world.rows(query) == [], query
        if not await self.world.rows("SELECT id FROM refunds"):
            (balance,) = await self.world.access.books.balances(self.owner, self.creator)
            assert balance.balance_minor >= 0, "more was paid out than there was"
        assert await self.world.access.books.check() == []


async def tried(act: Awaitable[Any]) -> Any:
    """None: refused."""
    try:
        return await act
    except (AccessError, TokenError) as refused:
        if refused.code not in REFUSED.split():
            raise
        return None


async def begin(world: World) -> Life:
    """Somebody has paid for a subscription and a gift, a week and more ago, and has what there is one of."""
    owner, creator = await tickets.on_sale(world, SEATS)
    access, patron = world.access, await world.person()
    tier = await world.tier(owner, creator, amount_minor=1_000, benefits=["space.join", "merch.discount"])
    await access.merch.offer(owner, creator, tier.id, percent=10)
    shop, _ = await access.merch.add_key(owner, creator, name="Shop")
    await world.subscribe(patron, creator, tier)
    gift = await gifts.give(world, patron, creator, tier, 1)
    world.clock.forward(days=8)
    tokens = []
    for _ in range(TOKENS):
        minted = await access.mint_join_token(patron, subscribers_only(creator))
        assert isinstance(minted, tuple)
        tokens.append(minted[0])
    code = (await access.merch.issue(patron, creator)).code
    payments = [one.id for one in await access.books.payments(owner, creator)]
    fans = [await world.person() for _ in range(FANS)]
    link = await gifts.code_for(world, patron, gift)
    return Life(world, owner, creator, tier, shop, fans, link, code, tokens, payments)


@histories(5)
@given(CROWDS)
async def test_what_there_is_one_of_is_had_once(worlds: Worlds, crowds: list[list[tuple[str, int]]]) -> None:
    life = await begin(await worlds.new())
    for crowd in crowds:
        await asyncio.gather(*(life.do(*act) for act in crowd))
        await life.world.access.desk.keep_time()
        await life.check()
