"""The rows of gifts: found, locked, changed, shown. Locks are taken in the order that access.gifts states."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, refund_requests
from access.errors import AccessError
from access.gift_model import Gift
from access.money_model import RefundRequest
from access.payments import PaymentProvider
from access.tables import grants, tiers
from access.tables_tickets import gifts

LISTED_MAX = 1_000


def unknown() -> AccessError:
    return AccessError(404, "unknown_gift", "There is no such gift.")


async def find(connection: AsyncConnection, gift: int, *, lock: bool) -> Row[Any] | None:
    if not 0 < gift <= accounts.ID_MAX:
        return None
    query = select(gifts).where(gifts.c.id == gift)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def one(connection: AsyncConnection, gift: int) -> Row[Any]:
    row: Row[Any] = (await connection.execute(select(gifts).where(gifts.c.id == gift))).one()
    return row


async def write(connection: AsyncConnection, gift: int, **values: Any) -> Row[Any]:
    changed = update(gifts).where(gifts.c.id == gift).values(values).returning(gifts)
    row: Row[Any] = (await connection.execute(changed)).one()
    return row


async def move(connection: AsyncConnection, row: Row[Any], state: str, now: datetime) -> None:
    if state == row.state:
        return
    await write(connection, row.id, state=state)
    await audit.record(
        connection, now, f"gift.{state}", actor=None, account=row.account, creator=row.creator, id=row.id
    )


async def get(connection: AsyncConnection, condition: Any, provider: PaymentProvider) -> list[Gift]:
    """The newest first, at most LISTED_MAX."""
    query = (
        select(gifts, tiers.c.name.label("tier_name"), grants.c.start, grants.c.end, grants.c.revoked_at)
        .select_from(gifts.join(tiers, tiers.c.id == gifts.c.tier).outerjoin(grants, grants.c.id == gifts.c.grant))
        .where(condition)
    )
    found = (await connection.execute(query.order_by(gifts.c.id.desc()).limit(LISTED_MAX))).all()
    asked = await refund_requests.of_purchases(connection, [f"gift:{row.id}" for row in found])
    return [_gift(row, provider, asked.get(f"gift:{row.id}", [])) for row in found]


def _gift(row: Row[Any], provider: PaymentProvider, refunds_asked: list[RefundRequest]) -> Gift:
    url = None
    if row.state == "begun" and row.provider == provider.name and row.provider_ref is not None:
        url = row.checkout_url or provider.checkout_url(row.provider_ref)
    return Gift(
        id=row.id,
        account=row.account,
        recipient=row.recipient,
        creator=row.creator,
        tier=row.tier,
        tier_name=row.tier_name,
        months=row.months,
        state=row.state,
        name=row.name,
        amount_minor=row.amount_minor,
        currency=row.currency,
        provider=row.provider,
        payment_state=row.payment_state if row.state == "begun" else None,
        code_expires_at=row.code_expires_at,
        redeemed_at=row.redeemed_at,
        starts_at=row.start,
        ends_at=row.end if row.revoked_at is None else min(row.end, row.revoked_at),
        created_at=row.created_at,
        checkout_url=url,
        refunds_asked=refunds_asked,
    )
