"""Random histories of people who ask to be reminded and withdraw, of a Space that is moved, begun or called off, and of
senders that die.

Beside the tables runs a model of a few lines: what each person is owed. Whatever the order, nobody is told the same thing
twice, nobody is told after he has withdrawn or of a time that is not the Space's any more, and everybody who stayed is told
of every move once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.mail_queue import CLAIM
from access.model import Account
from spaces.db.reminder_deliveries import ReminderDeliveries, ReminderDelivery
from spaces.room_rules import State
from tests.harness.histories import Worlds, histories
from tests.harness.reminders import LEAD, Stage, a_stage

pytestmark = pytest.mark.thorough

FANS = 3
fans = st.integers(0, FANS - 1)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["ask", "ask", "withdraw"]), fans),
    st.tuples(st.just("move"), st.sampled_from([1, 2, 30])),
    st.tuples(st.sampled_from(["start", "cancel", "end", "tidy"]), st.just(0)),
    st.tuples(st.just("claim"), st.sampled_from([1, 2, 5])),
    st.tuples(st.just("outcome"), st.sampled_from([0, 0, 0, 1, 2, 3, 4])),
    st.tuples(st.just("wait"), st.sampled_from([1, 11, 300, 3_000])),
)
OUTCOMES = ("sent", "refused", "not_sent", "unknown", "the sender dies")
Told = tuple[int, str, int]
"""Account, kind and the schedule's revision."""


@dataclass
class Evening:
    stage: Stage
    people: list[Account]
    wanting: set[int] = field(default_factory=set)
    owed: set[Told] = field(default_factory=set)
    """Moves and the cancellation, not handed over yet."""
    claims: list[ReminderDelivery] = field(default_factory=list)
    arrived: list[Told] = field(default_factory=list)
    """What was, or may have been, handed over."""

    def __post_init__(self) -> None:
        self.queue = ReminderDeliveries(self.stage.world.engine, self.stage.world.clock)

    @property
    def state(self) -> State:
        return self.stage.record.state

    async def step(self, name: str, number: int) -> None:
        stage, world = self.stage, self.stage.world
        account = self.people[number % FANS]
        match name:
            case "ask" if self.state is State.SCHEDULED:
                await stage.ask(account)
                self.wanting.add(account.id)
            case "withdraw":
                await stage.store.reminders.withdraw("aSpace", account.id, world.clock())
                self.wanting.discard(account.id)
                self.owed = {told for told in self.owed if told[0] != account.id}
            case "move" if self.state is State.SCHEDULED and stage.record.sequence < stage.limits.moves_max:
                start = max(stage.start_at, world.clock()) + timedelta(hours=number)
                await stage.move(start)
                self.owed |= {(one, "moved", stage.record.sequence) for one in self.wanting}
            case "start" if self.state is State.SCHEDULED:
                await stage.start()
            case "cancel" if self.state is State.SCHEDULED:
                await stage.cancel()
                self.owed |= {(one, "cancelled", stage.record.sequence) for one in self.wanting}
            case "end" if self.state is State.LIVE:
                await stage.end()
            case "tidy":
                await self.queue.tidy()
            case "wait":
                world.clock.forward(minutes=number)
            case "claim":
                for _ in range(number):
                    await self.claim()
            case "outcome" if self.claims:
                await self.settle(OUTCOMES[number])

    async def claim(self) -> None:
        claimed = await self.queue.claim()
        if claimed is None:
            return
        told = (claimed.account, claimed.kind, claimed.sequence)
        assert claimed.account in self.wanting, "told to somebody who wants no more"
        assert told not in self.arrived, "told again"
        if claimed.kind == "begins":
            assert claimed.sequence == self.stage.record.sequence, "of a time that is none any more"
            assert self.state is State.LIVE or self.stage.world.clock() >= self.stage.start_at - LEAD, "too early"
        else:
            assert told in self.owed
            self.owed.discard(told)
        assert claimed.kind == "cancelled" or self.state in (State.SCHEDULED, State.LIVE)
        self.claims.append(claimed)

    async def settle(self, outcome: str) -> None:
        claimed = self.claims.pop(0)
        told = (claimed.account, claimed.kind, claimed.sequence)
        if outcome in ("sent", "unknown", "the sender dies"):
            self.arrived.append(told)
        if outcome == "not_sent" and claimed.kind != "begins":
            self.owed.add(told)  # if he has withdrawn meanwhile it is never claimed
        if outcome != "the sender dies":
            await self.queue.settle(claimed, outcome)

    async def finish(self) -> None:
        """No more claims die, and what can be sent is sent."""
        while self.claims:
            await self.settle("sent")
        self.stage.world.clock.now += CLAIM + timedelta(seconds=1)
        await self.queue.tidy()
        for _ in range(FANS * 30):
            await self.claim()
            while self.claims:
                await self.settle("sent")


@histories(25)
@given(st.lists(STEPS, min_size=8, max_size=40))
async def test_told_once_of_what_is_so_and_of_nothing_else(worlds: Worlds, steps: list[tuple[str, int]]) -> None:
    world = await worlds.new()
    stage = await a_stage(world)
    evening = Evening(stage, [await stage.fan(f"fan{number}@example.org") for number in range(FANS)])
    evening.wanting = {account.id for account in evening.people}
    for step in steps:
        await evening.step(*step)
    await evening.finish()
    assert not await evening.queue.due(), "something was left waiting"
    assert len(set(evening.arrived)) == len(evening.arrived), "twice"
    rows = await world.rows(
        "SELECT n.account, n.kind, n.sequence, n.state, n.reason FROM reminder_notices n ORDER BY n.id"
    )  # fmt: skip
    sent = {(row.account, row.kind, row.sequence) for row in rows if row.state in ("sent", "unknown")}
    assert sent == set(evening.arrived)
    assert {row.reason for row in rows if row.state == "skipped"} <= {"late", "over"}
    forgone = {(row.account, row.kind, row.sequence) for row in rows if row.state in ("skipped", "queued", "failed")}
    assert {told for told in evening.owed if told[0] in evening.wanting} <= forgone, "somebody was left out"
