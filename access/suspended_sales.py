"""What money would be taken for although it cannot be had: of suspended accounts, of what suspended creators sell, as creators
or as accounts, and of whoever a creator has blocked for good.

Found by a sweep, for some of it comes afterwards: a checkout that was open is given up, and what renews ends with what is
paid for.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, String, Table, cast, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import provider_tasks
from access.tables import LIVE_STATES, bans
from access.tables import subscriptions as followed
from access.tables_money import provider_tasks as tasks
from access.tables_operators import suspensions
from access.tables_tickets import gifts as given

AT_ONCE_MAX = 200
Found = list[tuple[int, str]]
"""Rows, and what concerns them: `17` is a suspension, `ban17` a ban, `dispute:dp_1` a dispute."""


def stop_key(subscription: int, why: str) -> str:
    """Of the task that stops its renewals: once for each reason, so that whoever resumes afterwards is renewed."""
    return f"stop:{subscription}:{why}"


async def open_checkouts(connection: AsyncConnection) -> tuple[Found, Found]:
    """Subscriptions and gifts that are not paid yet."""
    begun, made = followed.c.status == "incomplete", given.c.state == "begun"
    return await _concerned(connection, followed, begun), await _concerned(connection, given, made)


async def renewing(connection: AsyncConnection) -> Found:
    """Subscriptions of whose end their provider has not been told."""
    live = followed.c.status.in_(LIVE_STATES) & ~followed.c.cancel_at_period_end & followed.c.agreement_ref.is_not(None)
    return await _concerned(connection, followed, live, untold=True)


async def stop(connection: AsyncConnection, subscription: int, why: str, now: datetime) -> None:
    """It ends with what is paid for, unless somebody resumes it: the provider is told after this transaction."""
    row = (await connection.execute(select(followed).where(followed.c.id == subscription))).one()
    if row.agreement_ref is None or row.status not in LIVE_STATES or row.cancel_at_period_end:
        return
    key = stop_key(subscription, why)
    await provider_tasks.add(connection, row.provider, "stop", row.agreement_ref, now, key=key)


async def _concerned(
    connection: AsyncConnection, table: Table, which: ColumnElement[bool], *, untold: bool = False
) -> Found:
    buys = (suspensions.c.scope == "account") & (suspensions.c.account == table.c.account)
    sells = (suspensions.c.scope != "space") & (suspensions.c.account == table.c.creator)
    blocked = (bans.c.scope == "creator") & (bans.c.account == table.c.account) & (bans.c.creator == table.c.creator)
    found: Found = []
    for cause, concerns, prefix in ((suspensions, buys | sells, ""), (bans, blocked, "ban")):
        why = literal(prefix) + cast(cause.c.id, String)
        query = select(table.c.id, why.label("why")).join(cause, concerns).where(cause.c.end.is_(None), which)
        if untold:
            key = literal("stop:") + cast(table.c.id, String) + literal(":") + why
            query = query.where(~select(tasks.c.id).where(tasks.c.key == key).exists())
        rows = await connection.execute(query.order_by(table.c.id).limit(AT_ONCE_MAX))
        found += [(row.id, row.why) for row in rows]
    return found[:AT_ONCE_MAX]
