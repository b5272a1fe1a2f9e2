"""Checkouts that were begun: remembered by their idempotency key, longer than Stripe remembers it, and so that a request whose
answer was lost can be made again to the letter."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import insert_or_ignore
from access.payments import Checkout
from access.stripe_facts import STRIPE
from access.tables_payments import provider_checkouts as rows

KEPT = timedelta(days=30)
"""A checkout lives a day, and what was bought by it has been told by then."""


async def begin(connection: AsyncConnection, key: str, now: datetime) -> tuple[datetime, Checkout | None]:
    """When it was first asked for, and the answer if that has come."""
    await connection.execute(insert_or_ignore(connection, rows).values(provider=STRIPE, key=key, begun_at=now))
    row = (await connection.execute(select(rows).where(_is(key)))).one()
    return row.begun_at, None if row.ref is None else Checkout(row.ref, row.expires_at, row.url)


async def begun(connection: AsyncConnection, key: str, checkout: Checkout) -> None:
    values = {"ref": checkout.provider_ref, "url": checkout.url, "expires_at": checkout.expires_at}
    await connection.execute(update(rows).where(_is(key)).values(values))


async def url(connection: AsyncConnection, key: str) -> str | None:
    """Where one that was begun is paid."""
    return (await connection.execute(select(rows.c.url).where(_is(key)))).scalar_one_or_none()


async def forget(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(rows).where(rows.c.provider == STRIPE, rows.c.begun_at < now - KEPT))


def _is(key: str) -> ColumnElement[bool]:
    return (rows.c.provider == STRIPE) & (rows.c.key == key)
