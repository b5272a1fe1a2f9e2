"""Random lives of discount codes beside a model: one use each, and worth nothing without the right behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.benefit_model import CreatorKey
from access.merch_codes import MONTH
from access.model import Account, Creator, Tier
from tests.harness.histories import Worlds, histories, outcome
from tests.harness.world import World

pytestmark = pytest.mark.thorough

FANS = 2
BENEFITS = ["space.join", "merch.discount"]
fans = st.integers(0, FANS - 1)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["comp", "comp_high", "end_comp", "ban", "unban"]), fans),
    st.tuples(st.sampled_from(["issue", "issue", "redeem", "redeem", "redeem_again", "revoke"]), fans),
    st.tuples(st.just("wait"), st.sampled_from([1, 10, 31])),
)


@dataclass
class Code:
    id: int
    code: str
    level: int
    issued_at: datetime
    state: str = "issued"
    order: str = ""


@dataclass
class Fan:
    account: Account
    comps: list[tuple[int, int]] = field(default_factory=list)
    """Comp and level."""
    codes: list[Code] = field(default_factory=list)
    banned: bool = False

    @property
    def level(self) -> int:
        return 0 if self.banned else max((level for _, level in self.comps), default=0)

    def good(self, code: Code) -> bool:
        return code.state == "issued" and self.level >= code.level


@dataclass
class Life:
    world: World
    owner: Account
    creator: Creator
    key: CreatorKey
    tiers: dict[int, Tier]
    fans: list[Fan]
    orders: int = 0

    async def step(self, name: str, number: int) -> None:
        access, merch = self.world.access, self.world.access.merch
        fan = self.fans[number % FANS]
        match name:
            case "wait":
                self.world.clock.now += timedelta(days=number)
            case "comp" | "comp_high" if len(fan.comps) < 3:
                level = 1 if name == "comp" else 2
                comp = await access.create_comp(self.owner, self.creator, fan.account, tier=self.tiers[level].id)
                fan.comps.append((comp.id, level))
            case "end_comp" if fan.comps:
                await access.end_comp(self.owner, self.creator, fan.comps.pop()[0])
            case "ban":
                await access.ban(self.owner, fan.account, creator=self.creator.id)
                fan.banned = True
            case "unban":
                await access.unban(self.owner, fan.account, creator=self.creator.id)
                fan.banned = False
            case "issue":
                await self.issue(fan)
            case "revoke" if fan.codes:
                code = fan.codes[-1]
                _, refused = await outcome(merch.revoke(self.owner, self.creator, code.id))
                assert (refused is not None and refused.code == "already_redeemed") == (code.state == "redeemed")
                code.state = "redeemed" if refused else "revoked"
            case "redeem" | "redeem_again" if fan.codes:
                await self.redeem(fan, fan.codes[-1 - number % len(fan.codes)], again=name == "redeem_again")

    async def issue(self, fan: Fan) -> None:
        now = self.world.clock()
        standing = [code for code in fan.codes if code.state == "issued"]
        made, refused = await outcome(self.world.access.merch.issue(fan.account, self.creator))
        if made is None:
            assert refused is not None
            if refused.code == "too_many_codes":
                used = [code for code in fan.codes if code.state == "redeemed" and code.issued_at > now - MONTH]
                assert used
                assert all(code.level != fan.level for code in standing)
            else:
                assert refused.code == ("blocked" if fan.banned else "no_subscription")
                assert fan.level == 0
            return
        assert made.good
        assert made.tier == self.tiers[fan.level].id
        if made.id not in {code.id for code in standing}:
            assert all(code.level != fan.level for code in standing), "two good codes of one discount"
            for code in standing:
                code.state = "revoked"
            fan.codes.append(Code(made.id, made.code, fan.level, now))

    async def redeem(self, fan: Fan, code: Code, *, again: bool) -> None:
        self.orders += 1
        order = code.order if again and code.order else f"A-{self.orders}"
        good, told_again = fan.good(code), code.state == "redeemed" and order == code.order
        done, refused = await outcome(self.world.access.merch.redeem(self.key, code.code, order=order))
        if done is None:
            assert refused is not None
            assert not good
            assert not told_again
            states = {"redeemed": "already_redeemed", "revoked": "revoked", "issued": "right_ended"}
            assert refused.code == states[code.state]
            return
        assert good or told_again
        assert done.state == "redeemed"
        code.state, code.order = "redeemed", order

    async def check(self) -> None:
        merch = self.world.access.merch
        good = {code.code for code in await merch.good_codes(self.owner, self.creator)}
        assert good == {code.code for fan in self.fans for code in fan.codes if fan.good(code)}
        for fan in self.fans:
            for code in fan.codes:
                seen = await merch.verify(self.key, code.code)
                assert (seen.state, seen.good) == (code.state, fan.good(code))


@histories(30)
@given(st.lists(STEPS, min_size=4, max_size=24))
async def test_a_code_is_used_once_and_only_while_its_right_stands(
    worlds: Worlds, steps: list[tuple[str, int]]
) -> None:
    world = await worlds.new()
    owner, creator = await world.creator()
    tiers = {level: await world.tier(owner, creator, level, benefits=BENEFITS) for level in (1, 2)}
    for level, tier in tiers.items():
        await world.access.merch.offer(owner, creator, tier.id, percent=10 * level)
    key, _ = await world.access.merch.add_key(owner, creator, name="The shop")
    life = Life(world, owner, creator, key, tiers, [Fan(await world.person()) for _ in range(FANS)])
    for name, number in steps:
        await life.step(name, number)
        await life.check()
