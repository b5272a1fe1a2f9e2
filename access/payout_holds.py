"""What keeps payouts back: what was asked for stays planned and is not sent while its creator is suspended, as such or as an
account, or while more has been taken back of what he earned than he has.

Computed from the suspensions and the books as they stand, so what is kept back goes on by itself. What the provider has been
told of is not called back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, String, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import ledger
from access.tables_ledger import ledger_entries, payouts
from access.tables_money import provider_tasks
from access.tables_operators import suspensions

SUSPENDED = {"creator": "creator_suspended", "account": "suspended"}
"""By scope, the first that stands is told. A suspended Space keeps nothing back that its creator has earned."""
NEGATIVE = "negative_balance"
STANDING = suspensions.c.end.is_(None) & suspensions.c.scope.in_(tuple(SUSPENDED))


def sendable() -> ColumnElement[bool]:
    """Of `provider_tasks`: all but payouts that are kept back."""
    suspended = select(suspensions.c.id).where(STANDING, suspensions.c.account == payouts.c.creator).exists()
    his = (ledger_entries.c.ledger_account == "creator_balance") & (ledger_entries.c.creator == payouts.c.creator)
    owes = select(func.sum(ledger_entries.c.amount_minor)).where(his, ledger_entries.c.currency == payouts.c.currency)
    kept = select(cast(payouts.c.id, String)).where(
        payouts.c.state == "planned", suspended | (owes.scalar_subquery() > 0)
    )
    return (provider_tasks.c.kind != "pay_out") | provider_tasks.c.subject.not_in(kept)


async def reasons(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """Of rows of `payouts`: why those are kept back that are. By their ids."""
    planned = {str(row.id): row for row in rows if row.state == "planned"}
    if not planned:
        return {}
    tasks = provider_tasks.c
    unsent = select(tasks.subject).where(
        tasks.kind == "pay_out", tasks.subject.in_(list(planned)), tasks.done_at.is_(None)
    )
    found = {}
    for subject in (await connection.execute(unsent)).scalars().all():
        row = planned[subject]
        reason = await _reason(connection, row.creator, row.currency)
        if reason is not None:
            found[int(row.id)] = reason
    return found


async def of_payout(connection: AsyncConnection, payout: int) -> str | None:
    row = (await connection.execute(select(payouts).where(payouts.c.id == payout))).one()
    return (await reasons(connection, [row])).get(payout)


async def _reason(connection: AsyncConnection, creator: int, currency: str) -> str | None:
    query = select(suspensions.c.scope).where(STANDING, suspensions.c.account == creator)
    scopes = set((await connection.execute(query)).scalars())
    for scope, reason in SUSPENDED.items():
        if scope in scopes:
            return reason
    return NEGATIVE if await ledger.balance(connection, "creator_balance", currency, creator) > 0 else None
