"""Between a payment provider and our rows: facts in, tasks out.

Each task is a transaction of its own, with the facts that answer it, and so is each fact that was told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import embedded_money, fold, payout_holds, provider_tasks, subscriptions
from access.database import read, write
from access.embedded_money import EmbeddedTestMoney
from access.errors import AccessError
from access.facts import AnyFact, Facts
from access.payments import PaymentProvider, ProviderError, provider_away, provider_refused
from access.provider_tasks import Task
from access.shares import MoneyTerms
from access.stripe_provider import StripeProvider

log = structlog.get_logger()

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
        self.jobs: list[Callable[[datetime], Awaitable[None]]] = []
        """What else the clock brings."""

    async def close(self) -> None:
        """Connections to the provider."""
        if isinstance(self.provider, StripeProvider):
            await self.provider.close()

    async def take(self, facts: Iterable[AnyFact], now: datetime | None = None) -> None:
        """Into our rows: what a webhook, an answer or a fetched object told. As often as anybody likes, in any order."""
        for fact in facts:
            await write(self.engine, fold.apply, fact, self.terms, now or self.now())

    async def work_off(self, now: datetime | None = None) -> int:
        """Tell the provider what it is still to be told. What fails is tried again later. How many were done."""
        now = now or self.now()
        tasks = await read(self.engine, provider_tasks.due, self.provider.name, now)
        done = 0
        for task in tasks:
            payout = await read(self.engine, provider_tasks.payout_request, task)
            held = None if payout is None else await read(self.engine, payout_holds.of_payout, payout.payout)
            if held is not None:
                continue  # since the tasks were read
            try:
                facts = await provider_tasks.ask(self.provider, task, payout, now)
            except (SQLAlchemyError, OSError):
                raise
            except Exception as error:
                if not isinstance(
                    error, AccessError
                ):  # a fault of ours holds up what comes behind it no longer than that
                    log.error("task failed", kind=task.kind, subject=task.subject, exc_info=error)
                    error = provider_away(type(error).__name__)
                refusal = error if isinstance(error, ProviderError) else provider_refused(error.detail)
                await self.take(provider_tasks.refused(self.provider.name, task, payout, refusal, now), now)
                await write(self.engine, provider_tasks.failed, task, refusal, now)
                continue
            await write(self.engine, _finish, task, facts, self.terms, now)
            if task.kind == "refund":
                await self.take(facts, now)  # what else is to go back of it is known only now
            done += 1
        return done

    async def keep_time(self, now: datetime | None = None) -> None:
        """What the clock alone brings: test money's renewals, lapses, tasks whose time has come.

        Called every second or so; a node that was away makes up for it. `now`: a time to come, for whoever moves the clock
        there: what is renewed until then is renewed before anybody's right seems to be over.
        """
        now = now or self.now()
        if isinstance(self.provider, EmbeddedTestMoney):
            while await self.provider.collect(now):
                pass
            while told := await read(self.engine, embedded_money.untold, TOLD_AT_ONCE_MAX):
                for number, facts in told:
                    await self.take(facts, now)
                    await write(self.engine, embedded_money.mark_told, number, now)
        looked_at: int | None = 0
        while looked_at is not None:
            looked_at = await write(self.engine, subscriptions.lapse_one, looked_at, now)
        for job in self.jobs:
            await job(now)
        while await self.work_off(now):
            pass


async def _finish(connection: AsyncConnection, task: Task, facts: Facts, terms: MoneyTerms, now: datetime) -> None:
    """In one transaction: what is asked back and what went back never both count the same money, as `ask` adds them up."""
    for fact in facts:
        await fold.apply(connection, fact, terms, now)
    await provider_tasks.done(connection, task, now)


async def answer_checkout(
    connection: AsyncConnection, ref: str, outcome: str, terms: MoneyTerms, now: datetime
) -> None:
    """Test money: what the payer chose, and all that follows from it, in one transaction. 409 checkout_closed."""
    for fact in await embedded_money.answer(connection, ref, outcome, now):
        await fold.apply(connection, fact, terms, now)
