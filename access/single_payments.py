"""Purchases that are paid once, tickets and gifts: what became of their payments, and what that does to the right they gave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import charges, outbox, pairs, provider_tasks
from access.tables import grants
from access.tables_ledger import disputes, payments
from access.tables_money import provider_tasks as tasks

REFUNDS_TRIED_MAX = 5
"""A refund that the provider took and that came back is asked for anew so often."""


async def of_purchase(connection: AsyncConnection, purchase: str) -> Sequence[Row[Any]]:
    """The oldest first: that one counts, what was paid again is to go back."""
    query = select(payments).where(payments.c.purchase == purchase).order_by(payments.c.id)
    return (await connection.execute(query)).all()


async def pay_back(connection: AsyncConnection, payment: Row[Any], now: datetime) -> None:
    """Ask for what has not been paid back or asked to be; once, and again if it has come back. What the provider has refused
    is not asked again."""
    amount = await charges.refundable(connection, payment)
    amount -= await provider_tasks.asked_back(connection, payment.provider, payment.ref) if amount else 0
    if amount <= 0:
        return
    name = f"refund:{payment.provider}:{payment.ref}"
    keys = [name, *(f"{name}:{again}" for again in range(1, REFUNDS_TRIED_MAX))]
    tried = (await connection.execute(select(tasks.c.error).where(tasks.c.key.in_(keys)))).scalars().all()
    if len(tried) == REFUNDS_TRIED_MAX or any(tried):
        return
    key = keys[len(tried)]
    await provider_tasks.add(
        connection, payment.provider, "refund", payment.ref, now, amount_minor=amount, key=key
    )  # fmt: skip


async def is_disputed(connection: AsyncConnection, payment: Row[Any]) -> bool:
    """Whether a dispute about it is open."""
    mine = (disputes.c.payment == payment.id) & (disputes.c.state == "open")
    return (await connection.execute(select(disputes.c.id).where(mine))).first() is not None


async def settle_grant(
    connection: AsyncConnection, grant: int, revoked_at: datetime | None, account: int, creator: int, now: datetime
) -> None:
    """The right stands (`revoked_at` None) or has been taken back. The caller holds the pair's lock. Told if it is news."""
    held = (await connection.execute(select(grants.c.revoked_at).where(grants.c.id == grant))).scalar_one()
    if (held is None) == (revoked_at is None):
        return
    await connection.execute(update(grants).where(grants.c.id == grant).values(revoked_at=revoked_at))
    if revoked_at is not None:
        await pairs.take_away(connection, account, creator)
    await outbox.publish_rights_changed(connection, account, creator, now)
