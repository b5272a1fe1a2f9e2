"""Gifts in tests of access: given, paid for, redeemed; and what must always hold of them."""

from __future__ import annotations

from typing import Any

from access.gift_model import Gift
from access.model import Account, Creator, Tier
from tests.harness.world import World


async def begin(world: World, giver: Account, creator: Creator, tier: Tier, months: int = 3, **options: Any) -> Gift:
    return await world.access.gifts.buy(giver, creator, tier=tier.id, intervals=months, **options)


async def give(world: World, giver: Account, creator: Creator, tier: Tier, months: int = 3, **options: Any) -> Gift:
    """Begin and pay."""
    return await world.access.gifts.pay(ref_of(await begin(world, giver, creator, tier, months, **options)), "succeed")


async def code_for(world: World, giver: Account, gift: Gift) -> str:
    return (await world.access.gifts.make_link(giver, gift.id))[0]


async def redeemed(world: World, giver: Account, fan: Account, gift: Gift) -> Gift:
    return await world.access.gifts.redeem_code(fan, await code_for(world, giver, gift))


async def gift_now(world: World, giver: Account, gift: Gift) -> Gift:
    return next(one for one in await world.access.gifts.of_account(giver) if one.id == gift.id)


def ref_of(gift: Gift) -> str:
    assert gift.checkout_url is not None
    return gift.checkout_url.rsplit("/", 1)[1]


async def check_gifts(world: World) -> None:
    """No right without a paid gift, no gift with two rights, and whoever paid has a gift or his money."""
    effective = await world.rows("SELECT id, account FROM grants WHERE source = 'gift' AND revoked_at IS NULL")
    had = await world.rows(
        'SELECT g."grant" AS id, g.recipient AS account FROM gifts g JOIN payments p '
        "ON p.purchase = 'gift:' || g.id WHERE g.state = 'redeemed' AND p.gross_minor > "
        "(SELECT COALESCE(SUM(r.amount_minor), 0) FROM refunds r WHERE r.payment = p.id AND r.state = 'succeeded') "
        "AND NOT EXISTS (SELECT 1 FROM disputes d WHERE d.payment = p.id AND d.state <> 'won')"
    )
    assert sorted(tuple(row) for row in effective) == sorted({tuple(row) for row in had})
    for row in await world.rows("SELECT * FROM payments WHERE purchase LIKE 'gift:%'"):
        number = int(row.purchase.removeprefix("gift:"))
        state = (await world.rows(f"SELECT state FROM gifts WHERE id = {number}"))[0].state
        assert state not in ("begun", "void"), "paid for, and neither a gift nor a refund"
