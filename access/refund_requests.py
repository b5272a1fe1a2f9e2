"""Refunds that somebody here has asked for: which payment, how much, by whom, and the reason that the payer is told.

What came of it is in `refunds`, which also has those that were made at the provider.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, charges, creators, fields, idempotency, operators, provider_tasks, purchases
from access.errors import AccessError
from access.model import Account
from access.money_model import RefundRequest
from access.tables_ledger import payments, refund_requests

REASON_LENGTH_MAX = 200
AT_ONCE_MAX = 5_000
"""A cancelled Space may have a month's refunds; a statement has no more parameters than 32,767 on either database."""


async def ask(
    connection: AsyncConnection,
    actor: Account | None,
    creator: int,
    payment: int,
    amount_minor: int | None,
    reason: str,
    key: str | None,
    now: datetime,
) -> None:
    """`actor`: of the creator's finance, or an operator; None: whoever has the machine. By the same `key`, once."""
    if actor is not None and not await operators.is_operator(connection, actor):
        await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    reason = fields.text(reason, "reason", REASON_LENGTH_MAX) if reason.strip() else ""
    row = await payment_of(connection, payment)
    if row is None or row.creator != creator:
        raise AccessError(404, "unknown_payment", "There is no such payment.")
    await purchases.lock(connection, row.purchase)
    by = None if actor is None else actor.id
    name = secrets.token_hex(16) if key is None else idempotency.digest(by or 0, f"refund:{row.id}", key)
    task = f"refund:{row.provider}:{name}"
    known = await provider_tasks.find(connection, task)
    if known is not None:
        if amount_minor not in (None, known.amount_minor):
            raise idempotency.mismatch()
        return
    left = await left_of(connection, row)
    amount = left if amount_minor is None else amount_minor
    if left <= 0:
        raise AccessError(409, "nothing_to_refund", "This payment has been paid back.")
    fields.between(amount, "amount_minor", 1, left)
    await provider_tasks.add(connection, row.provider, "refund", row.ref, now, amount_minor=amount, key=task)
    asked = {"payment": row.id, "amount_minor": amount, "reason": reason, "by": by, "created_at": now}
    await connection.execute(insert(refund_requests).values(asked))
    await audit.record(
        connection, now, "payment.refund_asked", actor=by, account=row.account, creator=creator,
        payment=row.id, amount_minor=amount,
    )  # fmt: skip


async def ask_refused_again(connection: AsyncConnection, task: int, now: datetime) -> None:
    """What a provider has refused, by whoever has the machine. 404 unknown_task; 409 nothing_to_refund, ask_anew."""
    row = await provider_tasks.refused_one(connection, task) if 0 < task <= accounts.ID_MAX else None
    if row is None:
        raise AccessError(404, "unknown_task", "Nothing that was refused has this number.")
    if row.kind == "pay_out":
        raise AccessError(
            409, "ask_anew", "This payout has failed, and its money is the creator's again: ask for a new one."
        )
    if row.kind == "refund":
        payment = await charges.find(connection, row.provider, row.subject)
        if payment is not None:
            await purchases.lock(connection, payment.purchase)
        if payment is None or await left_of(connection, payment) < row.amount_minor:
            raise AccessError(409, "nothing_to_refund", "So much of this payment is not left to be paid back.")
    await provider_tasks.ask_again(connection, task, now)
    await audit.record(connection, now, "payment.asked_again", actor=None, task=task, kind=row.kind)


async def payment_of(connection: AsyncConnection, payment: int) -> Row[Any] | None:
    if not 0 < payment <= accounts.ID_MAX:
        return None
    return (await connection.execute(select(payments).where(payments.c.id == payment))).one_or_none()


async def left_of(connection: AsyncConnection, payment: Row[Any]) -> int:
    """What of a payment may still be asked for, in minor units."""
    asked = await provider_tasks.asked_back(connection, payment.provider, payment.ref)
    return await charges.refundable(connection, payment) - asked


async def of(connection: AsyncConnection, among: Collection[int]) -> dict[int, list[RefundRequest]]:
    """Of these payments, the oldest first."""
    query = select(refund_requests).where(refund_requests.c.payment.in_(among)).order_by(refund_requests.c.id)
    found: dict[int, list[RefundRequest]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.payment, []).append(RefundRequest(row.amount_minor, row.reason, row.created_at))
    return found


async def of_charges(connection: AsyncConnection, among: Mapping[int, str | None]) -> dict[int, list[RefundRequest]]:
    """Of what these transfers of the books charged, each for its purchase; the oldest first."""
    found: dict[int, list[RefundRequest]] = {}
    several = list(among.items())
    for first in range(0, len(several), AT_ONCE_MAX):
        some = several[first : first + AT_ONCE_MAX]
        theirs = payments.c.purchase.in_({purchase for _, purchase in some})
        query = select(payments.c.id, payments.c.transfer).where(
            theirs & payments.c.transfer.in_([one for one, _ in some])
        )
        charged = {row.id: row.transfer for row in await connection.execute(query)}
        found |= {charged[payment]: asked for payment, asked in (await of(connection, charged)).items()}
    return found


async def of_purchases(connection: AsyncConnection, among: Collection[str]) -> dict[str, list[RefundRequest]]:
    """Of what was paid for these (`ticket:5`), the oldest first."""
    query = select(payments.c.id, payments.c.purchase).where(payments.c.purchase.in_(among))
    paid = {row.id: row.purchase for row in await connection.execute(query)}
    found: dict[str, list[RefundRequest]] = {}
    for payment, asked in (await of(connection, paid)).items():
        found.setdefault(paid[payment], []).extend(asked)
    return found


async def forget_reasons(connection: AsyncConnection, account: int) -> None:
    """What was written to a payer who is somebody no more."""
    theirs = select(payments.c.id).where(payments.c.account == account)
    await connection.execute(update(refund_requests).where(refund_requests.c.payment.in_(theirs)).values(reason=""))
