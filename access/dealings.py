"""Between a payment provider and our rows: facts in, tasks out, each fact and each task a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import embedded_money, fold, provider_tasks, subscriptions
from access.database import read, write
from access.embedded_money import EmbeddedTestMoney
from access.facts import AnyFact
from access.payments import PaymentProvider, ProviderError
from access.shares import MoneyTerms

TOLD_AT_ONCE_MAX = 200


class Dealings:
    """`now`: the money clock."""

    def __init__(
        self, engine: AsyncEngine, provider: PaymentProvider, terms: MoneyTerms, now: Callable[[], datetime]
    ) -> None:
        self.engine = engine
        self.provider = provider
        self.terms = terms
        self.now = now

    async def take(self, facts: Iterable[AnyFact]) -> None:
        """Into our rows: what a webhook, an answer or a fetched object told. As often as anybody likes, in any order."""
        for fact in facts:
            await write(self.engine, fold.apply, fact, self.terms, self.now())

    async def work_off(self) -> int:
        """Tell the provider what it is still to be told. What fails is tried again later. How many were done."""
        tasks = await read(self.engine, provider_tasks.due, self.provider.name, self.now())
        done = 0
        for task in tasks:
            payout = await read(self.engine, provider_tasks.payout_request, task)
            try:
                facts = await provider_tasks.ask(self.provider, task, payout, self.now())
            except ProviderError as error:
                await write(self.engine, provider_tasks.failed, task, error, self.now())
                continue
            await self.take(facts)
            await write(self.engine, provider_tasks.done, task, self.now())
            done += 1
        return done

    async def keep_time(self) -> bool:
        """What the clock alone brings: test money's renewals, lapses, tasks whose time has come. Whether there was anything.

        Called every second or so, and by whoever moves the clock; a node that was away makes up for it.
        """
        busy = False
        if isinstance(self.provider, EmbeddedTestMoney):
            while await self.provider.collect(self.now()):
                busy = True
            while told := await read(self.engine, embedded_money.untold, TOLD_AT_ONCE_MAX):
                for number, facts in told:
                    await self.take(facts)
                    await write(self.engine, embedded_money.mark_told, number, self.now())
                    busy = True
        while await write(self.engine, subscriptions.lapse_one, self.now()):
            busy = True
        while await self.work_off():
            busy = True
        return busy


async def answer_checkout(
    connection: AsyncConnection, ref: str, outcome: str, terms: MoneyTerms, now: datetime
) -> None:
    """Test money: what the payer chose, and all that follows from it, in one transaction. 409 checkout_closed."""
    for fact in await embedded_money.answer(connection, ref, outcome, now):
        await fold.apply(connection, fact, terms, now)
