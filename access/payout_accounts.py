"""Accounts with the provider that creators have connected to be paid out to. Known here by name and state alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit
from access.database import insert_or_ignore
from access.facts import PayoutAccountChanged
from access.model import Account
from access.tables_ledger import payout_accounts as rows


async def find(connection: AsyncConnection, provider: str, creator: int) -> Row[Any] | None:
    return (await connection.execute(select(rows).where(_is(provider, creator)))).one_or_none()


async def ref(connection: AsyncConnection, provider: str, creator: int) -> str | None:
    row = await find(connection, provider, creator)
    return None if row is None else str(row.ref)


async def begun(
    connection: AsyncConnection, actor: Account, provider: str, creator: int, account: str, now: datetime
) -> None:
    """The creator was sent to the provider's page. The account that he began first stays his."""
    new = {
        "provider": provider,
        "creator": creator,
        "ref": account,
        "state": "pending",
        "created_at": now,
        "changed_at": now,
    }
    insertion = insert_or_ignore(connection, rows).values(new).returning(rows.c.creator)
    if (await connection.execute(insertion)).first() is not None:
        await audit.record(connection, now, "payout_account.begun", actor=actor.id, creator=creator)


async def changed(connection: AsyncConnection, fact: PayoutAccountChanged, now: datetime) -> None:
    """What is told of another account than the one that is his changes nothing."""
    mine = _is(fact.provider, fact.creator) & (rows.c.ref == fact.account)
    row = (await connection.execute(select(rows).where(mine).with_for_update())).one_or_none()
    if row is None or fact.version <= row.version:
        return
    values = {"state": fact.state, "reason": fact.reason[:200], "version": fact.version, "changed_at": now}
    await connection.execute(update(rows).where(mine).values(values))
    if fact.state != row.state:
        await audit.record(connection, now, f"payout_account.{fact.state}", actor=None, creator=fact.creator)


def _is(provider: str, creator: int) -> ColumnElement[bool]:
    return (rows.c.provider == provider) & (rows.c.creator == creator)
