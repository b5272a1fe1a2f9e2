"""What a payment provider is still to be told: written in the transaction that decides it, done outside of it, until done.

The key of a task is the idempotency key of its request, so one that was done without our hearing of it is not done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import payout_accounts, payout_holds
from access.database import insert_or_ignore
from access.facts import Facts, PayoutChanged
from access.payments import PaymentProvider, PayoutRequest, ProviderError
from access.tables_ledger import payments, payouts
from access.tables_money import provider_tasks

BATCH_MAX = 20
PAUSE_MIN = timedelta(seconds=30)
PAUSE_MAX = timedelta(hours=6)
KEPT = timedelta(days=90)
"""Of what was done. Longer than anybody asks again by the same key, and than a provider remembers it."""


IS_REFUSED = provider_tasks.c.done_at.is_not(None) & (provider_tasks.c.error != "")


@dataclass(frozen=True, slots=True)
class Task:
    id: int
    key: str
    kind: str
    subject: str
    amount_minor: int | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that the provider was asked and said no to, for good."""

    id: int
    kind: str
    provider: str
    subject: str
    amount_minor: int | None
    error: str
    at: datetime
    payment: int | None
    """Of a refund: our number."""


async def add(
    connection: AsyncConnection,
    provider: str,
    kind: str,
    subject: str,
    now: datetime,
    *,
    amount_minor: int | None = None,
    key: str | None = None,
) -> str:
    """`kind`: cancel (an agreement, at once), stop (its renewals), expire (a checkout), refund (a payment), pay_out (ours),
    forget (who pays for an agreement). Its key; added once."""
    key = key or f"{kind}:{provider}:{subject}"
    row = {
        "key": key,
        "provider": provider,
        "kind": kind,
        "subject": subject,
        "amount_minor": amount_minor,
        "due_at": now,
        "created_at": now,
    }
    await connection.execute(insert_or_ignore(connection, provider_tasks).values(row))
    return key


async def find(connection: AsyncConnection, key: str) -> Row[Any] | None:
    return (await connection.execute(select(provider_tasks).where(provider_tasks.c.key == key))).one_or_none()


async def asked_back(connection: AsyncConnection, provider: str, payment: str) -> int:
    """Of a payment: what the provider is still to be asked to pay back."""
    query = select(func.coalesce(func.sum(provider_tasks.c.amount_minor), 0)).where(
        provider_tasks.c.kind == "refund",
        provider_tasks.c.provider == provider,
        provider_tasks.c.subject == payment,
        provider_tasks.c.done_at.is_(None),
    )
    return int((await connection.execute(query)).scalar_one())


async def due(connection: AsyncConnection, provider: str, now: datetime) -> list[Task]:
    query = (
        select(provider_tasks)
        .where(
            provider_tasks.c.provider == provider,
            provider_tasks.c.done_at.is_(None),
            provider_tasks.c.due_at <= now,
            payout_holds.sendable(),
        )
        .order_by(provider_tasks.c.due_at, provider_tasks.c.id)
        .limit(BATCH_MAX)
    )
    return [
        Task(row.id, row.key, row.kind, row.subject, row.amount_minor, row.attempts)
        for row in await connection.execute(query)
    ]


async def ask(provider: PaymentProvider, task: Task, payout: PayoutRequest | None, now: datetime) -> Facts:
    """Make the request of a task. Raises ProviderError."""
    match task.kind:
        case "cancel":
            return await provider.cancel(task.subject, at_period_end=False, key=task.key, now=now)
        case "stop":
            return await provider.cancel(task.subject, at_period_end=True, key=task.key, now=now)
        case "expire":
            return await provider.expire_checkout(task.subject, key=task.key, now=now)
        case "refund":
            assert task.amount_minor is not None
            return await provider.refund(task.subject, amount_minor=task.amount_minor, key=task.key, now=now)
        case "forget":
            return await provider.forget_payer(task.subject, key=task.key, now=now)
        case "pay_out":
            assert payout is not None
            return await provider.pay_out(payout, key=task.key, now=now)
    raise AssertionError(task.kind)


async def payout_request(connection: AsyncConnection, task: Task) -> PayoutRequest | None:
    if task.kind != "pay_out":
        return None
    row = (await connection.execute(select(payouts).where(payouts.c.id == int(task.subject)))).one()
    destination = await payout_accounts.ref(connection, row.provider, row.creator)
    return PayoutRequest(row.id, row.creator, destination, row.amount_minor, row.currency)


def refused(provider: str, task: Task, payout: PayoutRequest | None, error: ProviderError, now: datetime) -> Facts:
    """What a refusal says by itself: a payout that will never be made has failed, and its money is the creator's again."""
    if payout is None or error.may_pass:
        return ()
    failed = PayoutChanged(
        provider=provider,
        event=f"{task.key}:refused",
        at=now,
        payout=payout.payout,
        transfer="",
        state="failed",
        reason=error.detail,
    )
    return (failed,)


async def done(connection: AsyncConnection, task: Task, now: datetime) -> None:
    await connection.execute(update(provider_tasks).where(provider_tasks.c.id == task.id).values(done_at=now, error=""))


async def failed(connection: AsyncConnection, task: Task, error: ProviderError, now: datetime) -> None:
    """Try again later and later; a refusal is not tried again and stays to be looked at."""
    pause = min(PAUSE_MIN * 2**task.attempts, PAUSE_MAX)
    values = {"attempts": task.attempts + 1, "error": error.detail[:200], "due_at": now + pause}
    if not error.may_pass:
        values["done_at"] = now
    await connection.execute(update(provider_tasks).where(provider_tasks.c.id == task.id).values(values))


async def refused_ones(connection: AsyncConnection, most: int) -> list[Refused]:
    """The newest first."""
    paid = (payments.c.provider == provider_tasks.c.provider) & (payments.c.ref == provider_tasks.c.subject)
    query = (
        select(provider_tasks, payments.c.id.label("payment"))
        .outerjoin(payments, paid & (provider_tasks.c.kind == "refund"))
        .where(IS_REFUSED)
        .order_by(provider_tasks.c.id.desc())
        .limit(most)
    )
    return [
        Refused(row.id, row.kind, row.provider, row.subject, row.amount_minor, row.error, row.done_at, row.payment)
        for row in await connection.execute(query)
    ]


async def refused_one(connection: AsyncConnection, task: int) -> Row[Any] | None:
    mine = IS_REFUSED & (provider_tasks.c.id == task)
    return (await connection.execute(select(provider_tasks).where(mine))).one_or_none()


async def ask_again(connection: AsyncConnection, task: int, now: datetime) -> None:
    """By the same key, so that nothing is done twice."""
    values = {"done_at": None, "error": "", "due_at": now, "attempts": 0}
    await connection.execute(update(provider_tasks).where(provider_tasks.c.id == task).values(values))


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """How many wait, and how many were refused for good."""
    waiting = select(func.count()).select_from(provider_tasks).where(provider_tasks.c.done_at.is_(None))
    refused = select(func.count()).select_from(provider_tasks).where(IS_REFUSED)
    return {
        "waiting": int((await connection.execute(waiting)).scalar_one()),
        "refused": int((await connection.execute(refused)).scalar_one()),
    }


async def forget(connection: AsyncConnection, now: datetime) -> None:
    """What was refused stays, to be looked at."""
    old = (provider_tasks.c.done_at < now - KEPT) & (provider_tasks.c.error == "")
    await connection.execute(delete(provider_tasks).where(old))
