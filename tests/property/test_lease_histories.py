"""Random rights, and a database that is away or stuck for random times: who may not be in is out within a second while it can
be asked; else nobody new comes in, and nobody's seat outlives the lease. Nobody is put out for nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import SQLAlchemyError

from access.decide import Allow
from access.model import Account, Creator, Tier
from spaces.errors import RequestError
from spaces.room_record import AccessRule
from spaces.room_rules import Kind
from spaces.signaling.live import Entry, Live
from spaces.signaling.rights import POLL_SECONDS_MAX
from tests.harness.histories import histories
from tests.harness.in_place import template
from tests.harness.out_of_reach import Ears, Watch, watched
from tests.simulation.virtual_time import VirtualClock, run_virtually

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300)]

FANS = 2
SAMPLE_SECONDS = 0.1
BOUND_SECONDS = 1.0 + SAMPLE_SECONDS
LEASE_SECONDS = 30.0
fans = st.integers(0, FANS - 1)
STEPS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.7, 3.0, 8.0, 31.0])),
    st.tuples(st.sampled_from(["enter", "enter", "end_comp", "ban", "unban"]), fans),
    st.tuples(st.sampled_from(["comp", "comp_2", "comp_20", "comp_45"]), fans),
    st.tuples(st.sampled_from(["here", "here", "away", "stuck"]), st.just(0)),
)


@dataclass
class Seat:
    entry: Entry
    ears: Ears
    since: float


@dataclass
class Life:
    clock: VirtualClock
    watch: Watch
    owner: Account
    creator: Creator
    tier: Tier
    paid: Live
    fans: list[Account]
    free: Seat
    """Of somebody in a Space that is open to all."""
    comps: dict[int, list[int]] = field(default_factory=dict)
    seats: list[tuple[int, Seat]] = field(default_factory=list)
    reached_at: float = 0.0
    """When it was reached last; while it is, now."""
    back_at: float = 0.0
    """Since when the watch can reach it again."""
    stuck_until: float = 0.0
    wronged_at: dict[int, float] = field(default_factory=dict)
    """Since when a fan has had no right."""

    async def step(self, name: str, number: Any) -> None:
        if name == "wait":
            until = self.clock.now + number
            while self.clock.now < until:
                await asyncio.sleep(SAMPLE_SECONDS)
                await self.check()
            return
        if name in ("here", "away", "stuck"):
            await self.turn(name)
        elif name == "enter":
            await self.enter(number)
        else:
            with self.watch.reach.from_elsewhere():
                await self.act(name, number)
        await self.check()

    async def act(self, name: str, number: int) -> None:
        access, fan = self.watch.world.access, self.fans[number]
        match name.partition("_"):
            case "comp", _, seconds:
                end = access.now() + timedelta(seconds=int(seconds)) if seconds else None
                made = await access.create_comp(self.owner, self.creator, fan, tier=self.tier.id, ends_at=end)
                self.comps.setdefault(number, []).append(made.id)
            case "end", _, _ if self.comps.get(number):
                await access.end_comp(self.owner, self.creator, self.comps[number].pop())
            case "ban", _, _:
                await access.ban(self.owner, fan, creator=self.creator.id)
            case "unban", _, _:
                await access.unban(self.owner, fan, creator=self.creator.id)

    async def turn(self, state: str) -> None:
        before, self.watch.reach.state = self.watch.reach.state, state
        if before == "stuck":  # the watch goes on waiting for what it has asked
            self.stuck_until = self.clock.now + POLL_SECONDS_MAX
        if state == "here" and before != "here":
            self.back_at = max(self.clock.now, self.stuck_until)

    async def enter(self, number: int) -> None:
        fan, reach = self.fans[number], self.watch.reach
        before = len(self.paid.entries)
        try:
            async with asyncio.timeout(1.0):
                entry = await self.watch.door.enter(self.paid, fan, Kind.SOCKET, f"device-{len(self.seats)}", "")
        except RequestError:
            assert reach.state == "here"
            assert not await self.may(number)
        except (SQLAlchemyError, OSError, TimeoutError):
            assert reach.state != "here"
            assert len(self.paid.entries) <= before
        else:
            assert reach.state == "here"
            assert await self.may(number)
            entry.peer = ears = Ears()
            self.seats.append((number, Seat(entry, ears, self.clock.now)))

    async def may(self, number: int) -> bool:
        with self.watch.reach.from_elsewhere():
            answer = await self.watch.world.may_join(self.fans[number], self.creator, self.tier)
        return isinstance(answer, Allow)

    async def check(self) -> None:
        now, here = self.clock.now, self.watch.reach.state == "here"
        if here:
            self.reached_at = now
        for number in range(FANS):
            if await self.may(number):
                self.wronged_at.pop(number, None)
            else:
                self.wronged_at.setdefault(number, now)
        for number, seat in self.seats:
            seated = seat.entry.id in self.paid.entries
            assert seated == (seat.ears.ending is None)
            if seated:
                assert now - self.reached_at <= LEASE_SECONDS, "nobody knows whether he may"
                wronged = self.wronged_at.get(number)
                if here and wronged is not None:
                    assert now - max(wronged, self.back_at) <= BOUND_SECONDS, "his right has ended"
            elif seat.ears.ending is not None and seat.ears.ending.problem is not None:
                self.rightly_out(number, seat)
        assert self.free.ears.ending is None, "who needs no right is in"

    def rightly_out(self, number: int, seat: Seat) -> None:
        """Looked at as soon as he is out."""
        assert seat.ears.ending is not None
        assert seat.ears.ending.problem is not None
        unknown = seat.ears.ending.problem.code == "rights_unknown"
        assert (self.back_at > 0.0 or self.watch.reach.state != "here") if unknown else number in self.wronged_at
        self.seats = [(other, one) for other, one in self.seats if one is not seat]


async def lived(clock: VirtualClock, steps: list[tuple[str, Any]]) -> None:
    async with watched(clock.monotonic) as watch:
        world = watch.world
        owner, creator = await world.creator()
        tier = await world.tier(owner, creator)
        now = world.access.now()
        paid = watch.house.open("paid", owner, creator, AccessRule("subscribers", tier.id), now)
        open_to_all = watch.house.open("open", owner, creator, AccessRule("open"), now)
        entry = await watch.door.enter(open_to_all, None, Kind.SOCKET, "default", "")
        entry.peer = ears = Ears()
        free = Seat(entry, ears, clock.now)
        people = [await world.person() for _ in range(FANS)]
        life = Life(clock, watch, owner, creator, tier, paid, people, free, reached_at=clock.now)
        for name, number in [("comp", 0), ("enter", 0), *steps, ("wait", 31.0)]:
            await life.step(name, number)


@histories(6)
@given(st.lists(STEPS, min_size=3, max_size=12))
def test_no_seat_outlives_its_right_or_its_lease(steps: list[tuple[str, Any]]) -> None:
    template()  # once, outside of any event loop
    run_virtually(lambda clock: lived(clock, steps))
