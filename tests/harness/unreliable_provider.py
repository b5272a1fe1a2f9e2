"""The tests' fake provider: it keeps its side in a database of its own, does what it is asked, and tells of it badly.

What it does is worked out as test money does it, with what test money does not know beside it: disputes, accounts that payouts
go to, payouts that fail or come back. Its answers are lost now and then, also after the deed; its news come in any order, more
than once, late, or never, and whoever asks (`fetch`) is told everything. All by a seed.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import structs
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import embedded_money
from access.database import read
from access.embedded_agreements import TEST_MONEY
from access.embedded_money import EmbeddedTestMoney
from access.facts import AnyFact, DisputeChanged, Facts, PayoutAccountChanged, PayoutChanged
from access.payments import (
    AccountRequest,
    Checkout,
    CheckoutRequest,
    ObjectKind,
    Onboarding,
    PayoutRequest,
    PriceChange,
    provider_away,
)
from access.tables_money import test_objects

LOST, TWICE, NEVER, LATE = 0.3, 0.4, 0.2, 0.3
"""Chances: of an answer; of news to come again, not to come at all, or only after what is told next time."""


class UnreliableProvider:
    def __init__(self, engine: AsyncEngine, seed: int) -> None:
        """`engine`: of the provider's own database."""
        self.bank = EmbeddedTestMoney(engine, lambda: "http://127.0.0.1:1")
        self.refuses_payouts = False
        self._engine = engine
        self._chance = random.Random(seed)
        self._beside: list[AnyFact] = []
        self._held: list[AnyFact] = []
        self._told = 0

    @property
    def name(self) -> str:
        return TEST_MONEY

    @property
    def pays_to_accounts(self) -> bool:
        return True

    @property
    def renewal_slack(self) -> timedelta:
        return timedelta()

    # --- as it is asked

    async def begin_checkout(self, request: CheckoutRequest, *, key: str, now: datetime) -> Checkout:
        return await self.bank.begin_checkout(request, key=key, now=now)

    async def expire_checkout(self, checkout: str, *, key: str, now: datetime) -> Facts:
        return await self._badly(self.bank.expire_checkout(checkout, key=key, now=now))

    async def change_price(self, agreement: str, change: PriceChange, *, key: str, now: datetime) -> Facts:
        return self._maybe(await self.bank.change_price(agreement, change, key=key, now=now))

    async def cancel(self, agreement: str, *, at_period_end: bool, key: str, now: datetime) -> Facts:
        asked = self.bank.cancel(agreement, at_period_end=at_period_end, key=key, now=now)
        return self._maybe(await asked) if at_period_end else await self._badly(asked)

    async def resume(self, agreement: str, *, key: str, now: datetime) -> Facts:
        return self._maybe(await self.bank.resume(agreement, key=key, now=now))

    async def pause(self, agreement: str, *, key: str, now: datetime) -> Facts:
        return self._maybe(await self.bank.pause(agreement, key=key, now=now))

    async def forget_payer(self, agreement: str, *, key: str, now: datetime) -> Facts:
        return await self._badly(self.bank.forget_payer(agreement, key=key, now=now))

    async def refund(self, payment: str, *, amount_minor: int, key: str, now: datetime) -> Facts:
        return await self._badly(self.bank.refund(payment, amount_minor=amount_minor, key=key, now=now))

    async def pay_out(self, request: PayoutRequest, *, key: str, now: datetime) -> Facts:
        assert request.destination == f"acct_{request.creator}"
        if not self.refuses_payouts:
            return await self._badly(self.bank.pay_out(request, key=key, now=now))
        return self._beside_it(
            PayoutChanged(
                provider=TEST_MONEY, event=f"{key}:failed", at=now, payout=request.payout, transfer="",
                state="failed", reason="refused",
            )
        )  # fmt: skip

    async def connect_account(self, request: AccountRequest, *, key: str, now: datetime) -> Onboarding:
        return Onboarding(f"acct_{request.creator}", "https://provider.invalid/onboard")

    async def fetch(self, kind: ObjectKind, ref: str, *, now: datetime) -> Facts:
        if kind in ("payout", "payout_account"):
            return tuple(fact for fact in await self._all() if ref in (_subject(fact), getattr(fact, "account", "")))
        beside = (fact for fact in self._beside if isinstance(fact, DisputeChanged) and fact.payment == ref)
        return (*await self.bank.fetch(kind, ref, now=now), *beside)

    def checkout_url(self, provider_ref: str) -> str | None:
        return self.bank.checkout_url(provider_ref)

    async def portal_url(self, agreement: str, *, return_path: str, now: datetime) -> str | None:
        return None

    # --- what happens to it

    def onboarded(self, creator: int, now: datetime) -> None:
        for version, state in ((1, "pending"), (2, "ready")):
            self._account(creator, version, state, now)

    def _account(self, creator: int, version: int, state: Any, now: datetime) -> None:
        account = f"acct_{creator}"
        self._beside_it(
            PayoutAccountChanged(
                provider=TEST_MONEY, event=f"{account}:{version}", at=now, account=account, creator=creator,
                version=version, state=state,
            )
        )  # fmt: skip

    def dispute(self, payment: str, amount_minor: int, now: datetime) -> str:
        name = f"{payment}:dispute"
        self._beside_it(
            DisputeChanged(
                provider=TEST_MONEY, event=f"{name}:open", at=now, dispute=name, payment=payment, state="open",
                amount_minor=amount_minor, opened_at=now, fee_minor=15,
            )
        )  # fmt: skip
        return name

    def decide(self, dispute: str, state: Any, now: datetime) -> None:
        opened = next(fact for fact in self._beside if isinstance(fact, DisputeChanged) and fact.dispute == dispute)
        self._beside_it(structs.replace(opened, event=f"{dispute}:{state}", state=state, at=now))

    async def return_payout(self, payout: int, part: int | None, now: datetime) -> None:
        told = [fact for fact in await self._all() if isinstance(fact, PayoutChanged) and fact.payout == payout]
        newest = max(told, key=lambda fact: fact.returned_minor)
        back = 0 if part is None else newest.returned_minor + part
        state: Literal["paid", "returned"] = "returned" if part is None else "paid"
        event = f"{told[0].event}:{state}:{back}"
        self._beside_it(structs.replace(newest, event=event, state=state, returned_minor=back, at=now))

    # --- how it tells of it

    async def news(self) -> list[AnyFact]:
        """What is new, as it comes: in any order, some twice, some of before again, some only next time, some never."""
        known = await self._all()
        new, self._told = known[self._told :], len(known)
        told = [*self._held, *self._chance.sample(known, k=min(3, len(known)))]
        self._held = []
        for fact in new:
            if self._chance.random() < LATE:
                self._held.append(fact)
            elif self._chance.random() >= NEVER:
                told += [fact] * (2 if self._chance.random() < TWICE else 1)
        self._chance.shuffle(told)
        return told

    async def _all(self) -> list[AnyFact]:
        return [*await read(self._engine, _said), *self._beside]

    async def missed(self, now: datetime) -> list[AnyFact]:
        """Whoever asks about every object hears everything, in whatever order he asks."""
        known = await self._all()
        self._chance.shuffle(known)
        return known

    def _beside_it(self, fact: AnyFact) -> Facts:
        self._beside.append(fact)
        return (fact,)

    async def _badly(self, asked: Awaitable[Facts]) -> Facts:
        """Done, but the answer may be lost with the connection: it is asked again."""
        facts = await asked
        if self._chance.random() < LOST:
            raise provider_away("The connection broke.")
        return self._maybe(facts)

    def _maybe(self, facts: Facts) -> Facts:
        """It may have nothing to say yet."""
        return () if self._chance.random() < LOST else facts


def _subject(fact: AnyFact) -> str:
    return str(getattr(fact, "payout", ""))


async def _said(connection: AsyncConnection) -> list[AnyFact]:
    rows = (await connection.execute(select(test_objects.c.facts).order_by(test_objects.c.id))).scalars()
    return [fact for text in rows for fact in embedded_money.facts_said(text)]
