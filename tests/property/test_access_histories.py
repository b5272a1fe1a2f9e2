"""Random histories of one fan and one creator, played against the real tables beside a model of a few lines.

The model knows only dates: what was paid for or given, until when, and whether a ban is on. After every step the door
must say what the model says, whatever order the steps came in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.decide import Allow, Deny
from access.errors import AccessError, TokenError
from access.model import Account, Creator, Subscription, Tier
from access.periods import period_end
from tests.harness.histories import Worlds, histories
from tests.harness.world import World, pay_ref, subscribers_only

pytestmark = pytest.mark.thorough

levels = st.sampled_from([1, 2])
STEPS = st.one_of(
    st.tuples(st.sampled_from(["subscribe", "pay", "decline", "cancel", "end", "end_comp", "ban", "unban", "token"])),
    st.tuples(st.just("subscribe"), levels),
    st.tuples(st.just("comp"), levels, st.none() | st.integers(1, 900)),
    st.tuples(st.just("wait"), st.sampled_from([1, 24, 300, 800])),
)


@dataclass
class Right:
    level: int
    end: datetime | None

    def covers(self, now: datetime) -> bool:
        return self.end is None or now < self.end


@dataclass
class Model:
    paid: Right | None = None
    comps: dict[int, Right] = field(default_factory=dict)
    banned: bool = False

    def level(self, now: datetime) -> int:
        rights = [*self.comps.values(), *([self.paid] if self.paid else [])]
        return max((right.level for right in rights if right.covers(now)), default=0)


@dataclass
class History:
    world: World
    owner: Account
    creator: Creator
    tiers: dict[int, Tier]
    fan: Account
    model: Model = field(default_factory=Model)
    checkout: Subscription | None = None
    live: Subscription | None = None
    tokens: list[str] = field(default_factory=list)
    epochs: list[int] = field(default_factory=lambda: [0])

    async def step(self, name: str, level: int = 1, hours: int | None = None) -> None:
        access, now = self.world.access, self.world.clock()
        if name == "wait":
            self.world.clock.forward(hours=level)
        elif name == "comp":
            end = None if hours is None else now + timedelta(hours=hours)
            comp = await access.create_comp(self.owner, self.creator, self.fan, tier=self.tiers[level].id, ends_at=end)
            self.model.comps[comp.id] = Right(level, end)
        elif name == "end_comp" and self.model.comps:
            comp_id, right = list(self.model.comps.items())[-1]
            await access.end_comp(self.owner, self.creator, comp_id)
            right.end = now if right.covers(now) else right.end
        elif name == "ban":
            await access.ban(self.owner, self.fan, creator=self.creator.id)
            self.model.banned = True
        elif name == "unban":
            await access.unban(self.owner, self.fan, creator=self.creator.id)
            self.model.banned = False
        elif name == "token":
            minted = await access.mint_join_token(self.fan, subscribers_only(self.creator))
            assert isinstance(minted, Deny) == (self.model.level(now) == 0 or self.model.banned)
            if not isinstance(minted, Deny):
                self.tokens.append(minted[0])
        else:
            await self.money(name, level, now)

    async def money(self, name: str, level: int, now: datetime) -> None:
        access, paid = self.world.access, self.model.paid
        subscribed = paid is not None and paid.covers(now)
        try:
            if name == "subscribe":
                self.checkout = await access.follows.subscribe(self.fan, self.creator, tier=self.tiers[level].id)
                assert not subscribed
                assert not self.model.banned
            elif name == "pay" and self.checkout is not None:
                done = await access.follows.pay(pay_ref(self.checkout), "succeed")
                if not subscribed:
                    tier = next(level for level, tier in self.tiers.items() if tier.id == done.tier)
                    self.model.paid, self.live = Right(tier, period_end(now, "month")), done
                    assert not self.model.banned
            elif name == "decline" and self.checkout is not None:
                await access.follows.pay(pay_ref(self.checkout), "decline")
            elif name == "cancel" and self.live is not None:
                await access.follows.cancel(self.fan, self.live.id, at="period_end")
            elif name == "end" and self.live is not None:
                await access.follows.cancel(self.owner, self.live.id, at="now")
                if paid is not None and subscribed:
                    paid.end = now
        except AccessError as error:
            self.expected(error.code, subscribed)

    def expected(self, refusal: str, subscribed: bool) -> None:
        assert refusal in ("already_subscribed", "blocked", "checkout_closed")
        assert refusal != "already_subscribed" or subscribed
        assert refusal != "blocked" or self.model.banned

    async def check(self) -> None:
        now, level = self.world.clock(), self.model.level(self.world.clock())
        for tier in self.tiers.values():
            answer = await self.world.may_join(self.fan, self.creator, tier)
            if isinstance(answer, Allow):
                assert level >= tier.level
                assert not self.model.banned
                assert answer.not_after is None or answer.not_after > now
                self.epochs.append(answer.epoch)
            else:
                assert level < tier.level or self.model.banned
                assert answer.status == (403 if self.model.banned else 402)
        standing = await self.world.access.follows.standing(self.fan, self.creator.id)
        assert standing.tier == (self.tiers[level].id if level else None)
        assert self.epochs == sorted(self.epochs), "epochs only grow"


@histories(40)
@given(st.lists(STEPS, min_size=3, max_size=14))
async def test_the_door_says_what_the_dates_say(worlds: Worlds, steps: list[tuple[str, ...]]) -> None:
    world = await worlds.new()
    owner, creator = await world.creator()
    tiers = {level: await world.tier(owner, creator, level) for level in (1, 2)}
    history = History(world, owner, creator, tiers, await world.person())
    for step in steps:
        cursor, level, banned = await world.access.cursor(), history.model.level(world.clock()), history.model.banned
        await history.step(*step)  # type: ignore[arg-type]
        await history.check()
        changes, _ = await world.access.changes(cursor)
        assert all((change.account, change.creator) == (history.fan.id, creator.id) for change in changes)
        if step[0] != "wait" and (history.model.level(world.clock()), history.model.banned) != (level, banned):
            assert changes, "a right changed and nobody was told"
    await no_grant_without_proof(world)
    await old_tokens_are_refused(history)


async def no_grant_without_proof(world: World) -> None:
    """And nobody has two live subscriptions to one creator."""
    assert (
        await world.rows(
            "SELECT g.id FROM grants g LEFT JOIN paid_periods p ON p.id = g.period "
            'WHERE g.source = \'period\' AND (p.id IS NULL OR p.start <> g.start OR p."end" <> g."end")'
        )
        == []
    )
    live = "status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused')"
    query = f"SELECT account FROM subscriptions WHERE {live} GROUP BY account, creator HAVING count(*) > 1"
    assert await world.rows(query) == []


async def old_tokens_are_refused(history: History) -> None:
    """After a ban nobody comes in with what he got before it."""
    if history.model.banned:
        await history.world.access.unban(history.owner, history.fan, creator=history.creator.id)
    await history.world.access.ban(history.owner, history.fan, creator=history.creator.id)
    for token in history.tokens:
        try:
            await history.world.access.redeem_join_token(token, "aSpace")
        except TokenError:
            continue
        raise AssertionError("a join token outlived a ban")
