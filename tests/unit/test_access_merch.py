"""Codes for the creator's shop: one use each, and worth nothing once the right behind them has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import pytest

from access.benefit_model import CreatorKey
from access.errors import AccessError, TokenError
from access.merch_codes import ALPHABET, MONTH
from access.model import Account, Creator, Tier
from tests.harness.world import World

pytestmark = pytest.mark.thorough

BENEFITS = ["space.join", "merch.discount"]


@dataclass
class Shop:
    world: World
    owner: Account
    creator: Creator
    tier: Tier
    key: CreatorKey

    async def fan(self, tier: Tier | None = None) -> Account:
        fan = await self.world.person()
        await self.world.access.create_comp(self.owner, self.creator, fan, tier=(tier or self.tier).id)
        return fan


async def a_shop(world: World, percent: int = 10, per_month: int = 1) -> Shop:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator, benefits=BENEFITS)
    merch = world.access.merch
    await merch.offer(owner, creator, tier.id, percent=percent, codes_per_month_max=per_month)
    key, _ = await merch.add_key(owner, creator, name="The shop")
    return Shop(world, owner, creator, tier, key)


async def refused(act: Awaitable[object]) -> str:
    with pytest.raises(AccessError) as caught:
        await act
    return f"{caught.value.status} {caught.value.code}"


async def test_a_code_is_issued_verified_and_redeemed_once(world: World) -> None:
    shop, merch = await a_shop(world), world.access.merch
    fan = await shop.fan()
    code = await merch.issue(fan, shop.creator)
    assert (code.percent, code.state, code.good) == (10, "issued", True)
    assert [len(group) for group in code.code.split("-")] == [4, 4, 4, 4]
    assert set(code.code) <= {*ALPHABET, "-"}
    assert await merch.issue(fan, shop.creator) == code
    for spelling in (
        code.code,
        code.code.lower().replace("-", ""),
        f" {code.code} ".replace("0", "o").replace("1", "l"),
    ):
        assert (await merch.verify(shop.key, spelling)).good
    used = await merch.redeem(shop.key, code.code, order="A-1")
    assert (used.state, used.good, used.redeemed_at) == ("redeemed", False, world.clock.now)
    assert await merch.redeem(shop.key, code.code, order="A-1") == used, "the same order may ask again"
    assert await refused(merch.redeem(shop.key, code.code, order="A-2")) == "409 already_redeemed"
    assert await refused(merch.issue(fan, shop.creator)) == "409 too_many_codes"
    assert await refused(merch.revoke(shop.owner, shop.creator, code.id)) == "409 already_redeemed"
    world.clock.now += MONTH
    assert (await merch.issue(fan, shop.creator)).code != code.code


async def test_a_code_is_good_only_while_its_right_stands(world: World) -> None:
    shop, merch = await a_shop(world), world.access.merch
    fan = await shop.world.person()
    assert await refused(merch.issue(fan, shop.creator)) == "403 no_subscription"
    paid = await world.subscribe(fan, shop.creator, shop.tier)
    code = await merch.issue(fan, shop.creator)
    assert [c.code for c in await merch.good_codes(shop.owner, shop.creator)] == [code.code]
    await world.access.ban(shop.owner, fan, creator=shop.creator.id)
    assert not (await merch.verify(shop.key, code.code)).good
    assert await refused(merch.issue(fan, shop.creator)) == "403 blocked"
    await world.access.unban(shop.owner, fan, creator=shop.creator.id)
    assert (await merch.verify(shop.key, code.code)).good
    assert paid.until is not None
    world.clock.now = paid.until + MONTH
    assert not (await merch.verify(shop.key, code.code)).good
    assert await refused(merch.redeem(shop.key, code.code, order="A-1")) == "409 right_ended"
    assert await merch.good_codes(shop.owner, shop.creator) == []
    await world.access.create_comp(shop.owner, shop.creator, fan, tier=shop.tier.id)
    assert (await merch.redeem(shop.key, code.code, order="A-1")).state == "redeemed"


async def test_a_higher_tier_replaces_the_code_and_keeps_what_a_lower_gave(world: World) -> None:
    shop, merch = await a_shop(world), world.access.merch
    high = await world.tier(shop.owner, shop.creator, 2, benefits=BENEFITS)
    fan = await shop.fan()
    small = await merch.issue(fan, shop.creator)
    await world.access.create_comp(shop.owner, shop.creator, fan, tier=high.id)
    assert await merch.issue(fan, shop.creator) == small, "the higher tier offers nothing yet"
    await merch.offer(shop.owner, shop.creator, high.id, percent=25)
    large = await merch.issue(fan, shop.creator)
    assert (large.percent, large.tier) == (25, high.id)
    assert await refused(merch.redeem(shop.key, small.code, order="A-1")) == "409 revoked"
    for comp in await world.access.comps(shop.owner, shop.creator):
        if comp.tier == high.id:
            await world.access.end_comp(shop.owner, shop.creator, comp.id)
    assert await refused(merch.redeem(shop.key, large.code, order="A-1")) == "409 right_ended"


async def test_ended_offers_and_revoked_codes(world: World) -> None:
    shop, merch = await a_shop(world, per_month=2), world.access.merch
    fan, late = await shop.fan(), await shop.fan()
    code = await merch.issue(fan, shop.creator)
    await merch.end_offer(shop.owner, shop.creator, shop.tier.id)
    assert await refused(merch.issue(late, shop.creator)) == "409 no_discount"
    assert (await merch.verify(shop.key, code.code)).good
    await merch.revoke(shop.owner, shop.creator, code.id)
    await merch.revoke(shop.owner, shop.creator, code.id)
    assert (await merch.verify(shop.key, code.code)).state == "revoked"
    actions = [
        row.action for row in await world.rows("SELECT action FROM audit_log WHERE action LIKE 'merch.%' ORDER BY id")
    ]
    assert actions == ["merch.discount", "merch.code.issued", "merch.discount.ended", "merch.code.revoked"]


async def test_a_shop_knows_the_codes_of_its_creator_only(world: World) -> None:
    shop, other = await a_shop(world), await a_shop(world)
    merch = world.access.merch
    code = await merch.issue(await shop.fan(), shop.creator)
    for unknown in (code.code, "", "AAAA-BBBB-CCCC-DDDD", "ä" * 16, "x" * 64, "A\x00" * 8):
        assert await refused(merch.verify(other.key, unknown)) == "404 unknown_code"
        assert await refused(merch.redeem(other.key, unknown, order="A-1")) == "404 unknown_code"
    assert await refused(merch.revoke(other.owner, other.creator, code.id)) == "404 unknown_code"
    assert await refused(merch.codes_of(other.owner, shop.creator)) == "403 not_creator"
    assert await refused(merch.offer(other.owner, shop.creator, shop.tier.id, percent=99)) == "403 not_creator"
    assert await refused(merch.offer(shop.owner, shop.creator, other.tier.id, percent=99)) == "404 unknown_tier"
    assert await refused(merch.offer(shop.owner, shop.creator, shop.tier.id, percent=101)) == "422 bad_field"


async def test_keys_are_shown_once_and_revoked(world: World) -> None:
    shop, merch = await a_shop(world), world.access.merch
    key, token = await merch.add_key(shop.owner, shop.creator, name="Another")
    assert await merch.authenticate(token) == key
    secret = token.partition(".")[2]
    assert await world.rows(f"SELECT id FROM creator_keys WHERE secret_sha256 LIKE '%{secret}%'") == []
    for bad in ("", "x", token[:-1] + ("A" if token[-1] != "A" else "B"), f"{shop.key.id}.{secret}", "ck\x00"):
        with pytest.raises(TokenError, match="key_unknown"):
            await merch.authenticate(bad)
    stranger = await world.person()
    assert await refused(merch.add_key(stranger, shop.creator, name="Mine")) == "403 not_creator"
    assert await refused(merch.revoke_key(stranger, shop.creator, key.id)) == "403 not_creator"
    await merch.revoke_key(shop.owner, shop.creator, key.id)
    with pytest.raises(TokenError, match="key_revoked"):
        await merch.authenticate(token)
    assert [k.revoked_at is None for k in await merch.keys(shop.owner, shop.creator)] == [True, False]


async def test_of_fifty_who_redeem_at_once_one_succeeds(world: World) -> None:
    shop, merch = await a_shop(world), world.access.merch
    code = await merch.issue(await shop.fan(), shop.creator)
    results = await asyncio.gather(
        *(merch.redeem(shop.key, code.code, order=f"A-{n}") for n in range(50)), return_exceptions=True
    )
    refusals = [result for result in results if isinstance(result, AccessError)]
    assert len(refusals) == 49
    assert {refusal.code for refusal in refusals} == {"already_redeemed"}
    assert len(await world.rows("SELECT id FROM merch_codes WHERE state = 'redeemed'")) == 1


async def test_who_asks_twice_at_once_has_one_code(world: World) -> None:
    shop, merch = await a_shop(world, per_month=5), world.access.merch
    fan = await shop.fan()
    codes = await asyncio.gather(*(merch.issue(fan, shop.creator) for _ in range(10)))
    assert len({code.code for code in codes}) == 1
