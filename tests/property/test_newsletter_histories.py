"""Random histories of readers who come, go, pay, lapse and bounce while issues are sent and senders die (property 14).

Beside the tables runs a model of a few lines: a set of addresses to which the next claim may go. Whatever the order,
nobody gets an issue twice, nobody gets one who at its claim was not entitled, consenting and reachable, and nobody who
was all that, and whom no crash concerned, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.benefit_model import Delivery, NewsletterIssue
from access.mail_queue import CLAIM
from access.model import Account
from spaces.mail import SECONDS_MAX
from tests.harness.histories import Worlds, histories
from tests.harness.newsletters import Press, a_press
from tests.harness.world import World

pytestmark = pytest.mark.thorough

READERS = 3
readers = st.integers(0, READERS - 1)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["comp", "end", "consent", "unsubscribe", "ban", "unban", "bounce"]), readers),
    st.tuples(st.sampled_from(["send", "stop", "tidy"]), st.just(0)),
    st.tuples(st.just("claim"), st.sampled_from([1, 2, 5])),
    st.tuples(st.just("outcome"), st.sampled_from([0, 0, 0, 1, 2, 3, 4])),
    st.tuples(st.just("wait"), st.sampled_from([1, 11, 600])),
)
OUTCOMES = ("sent", "refused", "not_sent", "unknown", "the sender dies")


@dataclass
class Reader:
    account: Account
    address: str
    comps: list[int] = field(default_factory=list)
    consents: bool = False
    banned: bool = False
    bounced: bool = False

    @property
    def reachable(self) -> bool:
        return bool(self.comps) and self.consents and not self.banned and not self.bounced


@dataclass
class History:
    world: World
    press: Press
    readers: list[Reader]
    issues: list[NewsletterIssue] = field(default_factory=list)
    claims: list[Delivery] = field(default_factory=list)
    arrived: dict[tuple[int, int], int] = field(default_factory=dict)
    """How often (issue, account) was, or may have been, handed over."""
    consented_at_sending: dict[int, set[int]] = field(default_factory=dict)

    async def step(self, name: str, number: int) -> None:
        access, newsletters, press = self.world.access, self.world.access.newsletters, self.press
        reader = self.readers[number % READERS]
        if name == "comp" and len(reader.comps) < 3:
            comp = await access.create_comp(press.owner, press.creator, reader.account, tier=press.tier.id)
            reader.comps.append(comp.id)
        elif name == "end" and reader.comps:
            await access.end_comp(press.owner, press.creator, reader.comps.pop())
        elif name == "consent":
            await self.consent(reader)
        elif name == "unsubscribe":
            await newsletters.unsubscribe(reader.account.id, press.creator.id, by="link")
            reader.consents = False
        elif name == "ban":
            await access.ban(press.owner, reader.account, creator=press.creator.id)
            reader.banned = True
        elif name == "unban":
            await access.unban(press.owner, reader.account, creator=press.creator.id)
            reader.banned = False
        elif name == "bounce":
            await newsletters.bounced("bounce", address=reader.address.upper())
            reader.bounced = True
        elif name == "send" and len(self.issues) < 4:
            issue = await press.sending()
            self.issues.append(issue)
            self.consented_at_sending[issue.id] = {r.account.id for r in self.readers if r.consents}
        elif name == "stop" and self.issues:
            issue = await newsletters.get(press.owner, press.creator, self.issues[-1].id)
            if issue.state == "sending":
                await newsletters.stop(press.owner, press.creator, issue.id)
        elif name == "tidy":
            await newsletters.tidy()
        elif name == "wait":
            self.world.clock.forward(minutes=number)
        elif name == "claim":
            for _ in range(number):
                await self.claim()
        elif name == "outcome" and self.claims:
            await self.settle(OUTCOMES[number])

    async def consent(self, reader: Reader) -> None:
        if reader.consents:
            return
        recent = await self.world.rows(f"SELECT given_at FROM mail_consents WHERE account = {reader.account.id}")
        if len(recent) >= 4:
            return  # the day's questions are used up
        await self.press.consent(reader.account, reader.address)
        reader.consents, reader.bounced = True, False

    async def claim(self) -> None:
        claimed = await self.world.access.newsletters.claim()
        if claimed is None:
            return
        reader = next(r for r in self.readers if r.account.id == claimed.account)
        assert reader.reachable, "handed over to somebody who is not to get it"
        assert claimed.address == reader.address
        assert claimed.account in self.consented_at_sending[claimed.issue]
        self.claims.append(claimed)

    async def settle(self, outcome: str) -> None:
        claim = self.claims.pop(0)
        if outcome in ("sent", "unknown", "the sender dies"):
            key = (claim.issue, claim.account)
            self.arrived[key] = self.arrived.get(key, 0) + 1
        if outcome != "the sender dies":
            await self.world.access.newsletters.settle(claim, outcome)

    async def finish(self) -> None:
        """No more claims die; whoever can be reached now is served."""
        while self.claims:
            await self.settle("sent")
        self.world.clock.now += CLAIM + timedelta(hours=9)
        await self.world.access.newsletters.tidy()
        for _ in range(READERS * 6):
            await self.claim()
            while self.claims:
                await self.settle("sent")
        await self.world.access.newsletters.tidy()


@histories(25)
@given(st.lists(STEPS, min_size=8, max_size=40))
async def test_mailed_once_to_whoever_is_to_get_it(worlds: Worlds, steps: list[tuple[str, int]]) -> None:
    world = await worlds.new()
    press = await a_press(world)
    people = []
    for number in range(READERS):
        account = await world.person()
        people.append(Reader(account, f"reader{number}-{account.id}@example.org"))
    history = History(world, press, people)
    for reader in people:
        await history.step("comp", people.index(reader))
        await history.consent(reader)
    for step in steps:
        await history.step(*step)
    await history.finish()
    assert all(count == 1 for count in history.arrived.values()), "twice"
    for issue in history.issues:
        rows = await world.rows(f"SELECT account, state FROM deliveries WHERE issue = {issue.id}")
        assert {row.account for row in rows} == history.consented_at_sending[issue.id]
        assert all(row.state not in ("queued", "claimed") for row in rows), "somebody was left waiting"
        mailed = {row.account for row in rows if row.state in ("sent", "unknown")}
        assert mailed == {account for number, account in history.arrived if number == issue.id}


def test_the_lease_of_a_claim_outlasts_any_wait_for_a_mail_server() -> None:
    assert timedelta(seconds=6 * SECONDS_MAX) < CLAIM, "connect, sign in, MAIL, RCPT, DATA, the message"
