"""The same shop over each payment provider, with what a payer, a bank and the time do to it in the provider's own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from access.decide import Allow
from access.embedded_money import EmbeddedTestMoney
from access.model import Account, Creator, Subscription, Tier
from access.payments import PaymentProvider
from access.service import Access
from access.stripe_api import StripeApi
from access.stripe_inbox import StripeInbox
from access.stripe_provider import StripeProvider
from tests.harness.database import fresh_engine
from tests.harness.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, deliveries, fake_stripe, signature
from tests.harness.unreliable_provider import UnreliableProvider
from tests.harness.world import KEY, SECRET, START, Clock, World

HOUR = timedelta(hours=1)


@dataclass(kw_only=True)
class Stand(World, ABC):
    provider: PaymentProvider
    seed: int = 0
    cannot: frozenset[str] = frozenset()
    """What this provider does not do, or is not made to do by anybody."""

    # --- people

    async def shop(self, **tier: Any) -> tuple[Account, Creator, Tier, Tier]:
        """A creator with a cheap and a dear tier: 499 and 999."""
        owner, creator = await self.creator()
        silver = await self.tier(owner, creator, 1, amount_minor=499, **tier)
        return owner, creator, silver, await self.tier(owner, creator, 2, amount_minor=999)

    async def follow(self, fan: Account, creator: Creator, tier: Tier, **options: Any) -> int:
        begun = await self.access.follows.subscribe(fan, creator, tier=tier.id, **options)
        await self.answer(await self.checkout(begun.id), "succeed")
        await self.hear()
        return begun.id

    async def change_next_day(self, fan: Account, subscription: int, tier: Tier, **options: Any) -> None:
        """To another tier or interval, at once or as the provider's rules have it; and what the provider says of it."""
        self.clock.forward(days=1)
        await self.hear()
        await self.access.follows.change(fan, subscription, tier=tier.id, **options)
        await self.hear()

    async def checkout(self, subscription: int) -> str:
        return str((await self._row(subscription)).provider_ref)

    async def agreement(self, subscription: int) -> str:
        return str((await self._row(subscription)).agreement_ref)

    async def _row(self, subscription: int) -> Any:
        return (await self.rows(f"SELECT * FROM subscriptions WHERE id = {subscription}"))[0]

    async def get(self, fan: Account) -> Subscription:
        return (await self.access.follows.of_account(fan))[0]

    async def admits(self, fan: Account, creator: Creator, tier: Tier | None = None) -> bool:
        return isinstance(await self.may_join(fan, creator, tier), Allow)

    async def paid(self) -> list[int]:
        """Gross amounts, in the order in which they came."""
        return [row.gross_minor for row in await self.rows("SELECT gross_minor FROM payments ORDER BY paid_at, id")]

    async def payments(self) -> list[Any]:
        return await self.rows("SELECT * FROM payments ORDER BY paid_at, id")

    async def period_end(self) -> datetime:
        (row,) = await self.rows('SELECT "end" AS at FROM paid_periods ORDER BY start DESC, "end" DESC LIMIT 1')
        at = row.at if isinstance(row.at, datetime) else datetime.fromisoformat(row.at)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at

    async def state(self) -> list[tuple[str, ...]]:
        queries = (
            "SELECT id, status, agreement_ref, price, next_price, cancel_at_period_end FROM subscriptions ORDER BY id",
            'SELECT invoice_ref, kind, start, "end", amount_minor, voided_at FROM paid_periods ORDER BY invoice_ref',
            'SELECT start, "end", grace_end, revoked_at FROM grants ORDER BY start, "end"',
            "SELECT ref, gross_minor, fee_minor FROM payments ORDER BY ref",
            "SELECT ref, state, amount_minor FROM refunds ORDER BY ref",
            "SELECT ref, state, amount_minor FROM disputes ORDER BY ref",
            "SELECT id, state, amount_minor FROM payouts ORDER BY id",
            "SELECT ledger_account, SUM(amount_minor) FROM ledger_entries GROUP BY ledger_account ORDER BY 1",
            "SELECT COUNT(*) FROM outbox",
            "SELECT COUNT(*) FROM audit_log",
        )
        return [tuple(map(str, row)) for query in queries for row in await self.rows(query)]

    async def settled(self) -> None:
        """Hearing it all again changes nothing, and the books are in order."""
        await self.hear()
        before = await self.state()
        await self.hear()
        assert await self.state() == before
        assert await self.access.books.check() == []

    # --- what payers, banks and time do

    @abstractmethod
    async def answer(self, checkout: str, outcome: str) -> None:
        """`succeed`, `decline`, `requires_action` or `pays_later`."""

    @abstractmethod
    async def money_arrives(self, checkout: str) -> None:
        """Of one that pays later."""

    @abstractmethod
    async def pass_period(self, agreement: str, *, succeed: bool = True) -> None:
        """Till an hour after its end; the renewal is tried."""

    @abstractmethod
    async def retry(self, agreement: str) -> None:
        """The failed renewal is paid after all."""

    @abstractmethod
    async def decline_from_now_on(self, agreement: str) -> None: ...

    @abstractmethod
    async def hear(self) -> None:
        """All that the provider has to tell arrives, in the way in which it does."""

    async def connect(self, owner: Account, creator: Creator) -> None:
        """The creator can be paid out to."""

    async def dispute(self, payment: Any, amount_minor: int | None = None) -> str:
        """Of the whole payment, or of so much of it."""
        raise NotImplementedError

    async def decide(self, dispute: str, state: str) -> None:
        raise NotImplementedError

    async def refuse_payouts(self) -> None:
        raise NotImplementedError

    async def return_payout(self, payout: int, part: int | None = None) -> None:
        """So much of it, or all that is left."""
        raise NotImplementedError


# --- test money


@dataclass(kw_only=True)
class BankStand(Stand):
    """Whose agreements are those of test money."""

    bank: EmbeddedTestMoney

    async def answer(self, checkout: str, outcome: str) -> None:
        await self.bank.answer(checkout, outcome, self.clock())

    async def money_arrives(self, checkout: str) -> None:
        self.clock.forward(hours=1)
        await self.collect()

    async def pass_period(self, agreement: str, *, succeed: bool = True) -> None:
        if succeed is False:
            await self.bank.choose(agreement, "decline", self.clock())
        self.clock.now = await self.period_end() + HOUR
        await self.collect()

    async def retry(self, agreement: str) -> None:
        await self.bank.choose(agreement, "succeed", self.clock())

    async def decline_from_now_on(self, agreement: str) -> None:
        await self.bank.choose(agreement, "decline", self.clock())

    async def collect(self) -> None:
        while await self.bank.collect(self.clock()):
            pass


@dataclass(kw_only=True)
class TestMoneyStand(BankStand):
    """As a fresh install has it: its news are taken into the rows by the clock that drives it."""

    __test__ = False
    cannot: frozenset[str] = frozenset({"dispute", "payout accounts", "failing payouts", "portal"})

    async def hear(self) -> None:
        await self.access.desk.keep_time()


@dataclass(kw_only=True)
class UnreliableStand(BankStand):
    provider: UnreliableProvider
    cannot: frozenset[str] = frozenset({"portal"})

    async def hear(self) -> None:
        desk = self.access.desk
        for fact in await self.provider.news():
            await desk.take([fact])
        await self.work_off()
        await desk.take(await self.provider.missed(self.clock()))

    async def work_off(self) -> None:
        """Until all is done: what failed is asked again when its pause is over."""
        while await self.rows("SELECT id FROM provider_tasks WHERE done_at IS NULL"):
            due = await self.rows("SELECT MAX(due_at) AS at FROM provider_tasks WHERE done_at IS NULL")
            at = due[0].at if isinstance(due[0].at, datetime) else datetime.fromisoformat(due[0].at)
            await self.access.desk.work_off(max(at.replace(tzinfo=UTC), self.clock()))

    async def connect(self, owner: Account, creator: Creator) -> None:
        await self.access.payout_accounts.connect(owner, creator)
        self.provider.onboarded(creator.id, self.clock())
        await self.hear()

    async def dispute(self, payment: Any, amount_minor: int | None = None) -> str:
        return self.provider.dispute(payment.ref, amount_minor or payment.gross_minor, self.clock())

    async def decide(self, dispute: str, state: str) -> None:
        self.provider.decide(dispute, state, self.clock())

    async def refuse_payouts(self) -> None:
        self.provider.refuses_payouts = True

    async def return_payout(self, payout: int, part: int | None = None) -> None:
        await self.provider.return_payout(payout, part, self.clock())


# --- Stripe


@dataclass(kw_only=True)
class StripeStand(Stand):
    fake: FakeStripe
    provider: StripeProvider
    inbox: StripeInbox
    cannot: frozenset[str] = frozenset({"attempts at a subscription's checkout"})
    heard: int = field(default=0)

    async def answer(self, checkout: str, outcome: str) -> None:
        match outcome:
            case "succeed":
                self.fake.pay(checkout)
            case "pays_later":
                self.fake.pay_later(checkout)
            case _:
                self.fake.fail(checkout, action=outcome == "requires_action")

    async def money_arrives(self, checkout: str) -> None:
        self.fake.arrive(checkout)

    async def pass_period(self, agreement: str, *, succeed: bool = True) -> None:
        self.fake.renew(agreement, succeed=succeed)
        self.follow_clock()

    async def retry(self, agreement: str) -> None:
        self.fake.retry(agreement, succeed=True)

    async def decline_from_now_on(self, agreement: str) -> None:
        self.fake.declining.add(self.fake.objects[agreement]["customer"])

    async def hear(self) -> None:
        self.fake.now = int(self.clock().timestamp())
        self.heard += 1
        await self.deliver(self.seed + self.heard)

    async def deliver(self, seed: int = 0) -> None:
        """Each webhook once or twice, in any order."""
        for body in deliveries(self.fake.events, seed):
            await self.inbox.receive(body, signature(body))

    async def follower(self) -> tuple[Account, Creator, Tier, Subscription]:
        """Somebody before an open checkout."""
        _, creator, silver, _ = await self.shop()
        fan = await self.person()
        return fan, creator, silver, await self.access.follows.subscribe(fan, creator, tier=silver.id)

    async def session(self) -> str:
        """The newest."""
        return str((await self.rows("SELECT ref FROM provider_checkouts ORDER BY begun_at DESC"))[0].ref)

    def follow_clock(self) -> None:
        self.clock.now = datetime.fromtimestamp(self.fake.now, UTC)

    async def connect(self, owner: Account, creator: Creator) -> None:
        await self.access.payout_accounts.connect(owner, creator, country="DE")
        self.fake.onboard(self.fake.all("account")["data"][0]["id"])
        await self.hear()

    async def dispute(self, payment: Any, amount_minor: int | None = None) -> str:
        return self.fake.dispute(payment.ref, amount_minor)

    async def decide(self, dispute: str, state: str) -> None:
        self.fake.decide(dispute, state)

    async def refuse_payouts(self) -> None:
        self.fake.balance = 0

    async def return_payout(self, payout: int, part: int | None = None) -> None:
        self.fake.reverse(str((await self.rows("SELECT transfer_ref FROM payouts"))[0].transfer_ref), part)


@asynccontextmanager
async def stripe_stand(folder: Path, seed: int = 0) -> AsyncIterator[StripeStand]:
    async with fresh_engine(folder) as engine, fake_stripe(int(START.timestamp())) as (fake, address):
        provider = StripeProvider(StripeApi(SECRET_KEY, address), engine, "spaces_test", lambda: "http://127.0.0.1:1")
        access, clock = await _access(engine, provider)
        inbox = StripeInbox(provider, access.desk, (WEBHOOK_SECRET,), live=False, wall=lambda: datetime.now(UTC))
        try:
            yield StripeStand(
                engine=engine, access=access, clock=clock, provider=provider, fake=fake, inbox=inbox, seed=seed
            )
            assert fake.unkeyed == []  # every write has its idempotency key
        finally:
            await provider.close()


@asynccontextmanager
async def _test_money(folder: Path, seed: int) -> AsyncIterator[Stand]:
    async with fresh_engine(folder) as engine:
        provider = EmbeddedTestMoney(engine, lambda: "http://127.0.0.1:1")
        access, clock = await _access(engine, provider)
        yield TestMoneyStand(engine=engine, access=access, clock=clock, provider=provider, bank=provider)


@asynccontextmanager
async def _unreliable(folder: Path, seed: int) -> AsyncIterator[Stand]:
    its_own = folder / "provider"
    its_own.mkdir()
    async with fresh_engine(folder) as engine, fresh_engine(its_own) as theirs:
        provider = UnreliableProvider(theirs, seed)
        access, clock = await _access(engine, provider)
        yield UnreliableStand(engine=engine, access=access, clock=clock, provider=provider, bank=provider.bank)


async def _access(engine: Any, provider: PaymentProvider) -> tuple[Access, Clock]:
    clock = Clock()
    access = Access(engine, provider=provider, join_token_key=b"j" * 32, now=clock)
    await access.ensure_key(KEY, SECRET)
    return access, clock


@pytest.fixture(
    params=[
        pytest.param((stripe_stand, 0), id="stripe"),
        pytest.param((_test_money, 0), id="test-money"),
        # which repeats and reorders as Stripe's stand does, over the statements of test money
        pytest.param((_unreliable, 1), id="unreliable", marks=pytest.mark.sqlite),
    ]
)
async def stand(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stand]:
    make, seed = request.param
    async with make(tmp_path, seed) as made:
        yield made


@pytest.fixture
async def stripe_shop(tmp_path: Path) -> AsyncIterator[StripeStand]:
    async with stripe_stand(tmp_path) as made:
        yield made
