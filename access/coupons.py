"""Coupons of a creator: a part or an amount off, for the first payment, for some months, or for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, creators, fields, money
from access.errors import AccessError
from access.model import Account, Price, Tier
from access.money_model import Coupon
from access.payments import Discount
from access.shares import BASIS
from access.tables import paid_periods, subscriptions
from access.tables_money import coupons

COUPONS_MAX = 1_000
"""Of one creator, archived ones too."""
MONTHS_MAX = 36


@dataclass(frozen=True, slots=True)
class Redeemed:
    coupon: int
    discount: Discount


async def create(
    connection: AsyncConnection,
    actor: Account,
    creator: int,
    *,
    code: str,
    percent_off: float | None,
    amount_off: tuple[int, str] | None,
    duration: str,
    months: int | None,
    tier: int | None,
    redemptions_max: int | None,
    expires_at: datetime | None,
    now: datetime,
) -> Coupon:
    """`amount_off`: minor units and currency. 403; 404 unknown_tier; 409 coupon_exists; 422."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    if (percent_off is None) == (amount_off is None):
        raise fields.bad_field("percent_off", "either percent_off or amount_off_minor")
    fields.choice(duration, "duration", ("once", "months", "forever"))
    if (duration == "months") != (months is not None):
        raise fields.bad_field("months", "goes with the duration months")
    if tier is not None and (await creators.tier_by_id(connection, tier, now)).creator != creator:
        raise AccessError(404, "unknown_tier", "This creator has no such tier.", "tier")
    mine = select(func.count()).select_from(coupons).where(coupons.c.creator == creator)
    if (await connection.execute(mine)).scalar_one() >= COUPONS_MAX:
        raise AccessError(409, "too_many_coupons", f"A creator has at most {COUPONS_MAX} coupons.")
    code = fields.handle(code, "code")
    if await _find(connection, creator, code) is not None:
        raise AccessError(409, "coupon_exists", "There is a coupon with this code.", "code")
    amount, currency = (None, None) if amount_off is None else money.price(*amount_off)
    row = {
        "creator": creator,
        "code": code,
        "code_key": code.lower(),
        "percent_off_bp": None if percent_off is None else _basis_points(percent_off),
        "amount_off_minor": amount,
        "currency": currency,
        "duration": duration,
        "months": None if months is None else fields.between(months, "months", 1, MONTHS_MAX),
        "tier": tier,
        "redemptions_max": None
        if redemptions_max is None
        else fields.between(redemptions_max, "redemptions_max", 1, 1_000_000),
        "expires_at": None if expires_at is None else fields.to_come(expires_at, "expires_at", now),
        "created_at": now,
    }
    made = (await connection.execute(insert(coupons).values(row).returning(coupons))).one()
    await audit.record(connection, now, "coupon.created", actor=actor.id, creator=creator, id=made.id)
    return await _coupon(connection, made)


async def of_creator(connection: AsyncConnection, actor: Account, creator: int) -> list[Coupon]:
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    rows = await connection.execute(select(coupons).where(coupons.c.creator == creator).order_by(coupons.c.id.desc()))
    return [await _coupon(connection, row) for row in rows.all()]


async def archive(connection: AsyncConnection, actor: Account, creator: int, code: str, now: datetime) -> Coupon:
    """It is redeemed no more; who has it keeps it. Idempotent. 404 unknown_coupon."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    row = await _find(connection, creator, code)
    if row is None:
        raise _unknown()
    if row.archived_at is None:
        await connection.execute(update(coupons).where(coupons.c.id == row.id).values(archived_at=now))
        await audit.record(connection, now, "coupon.archived", actor=actor.id, creator=creator, id=row.id)
    found = await _find(connection, creator, code)
    assert found is not None
    return await _coupon(connection, found)


async def redeem(
    connection: AsyncConnection, account: Account, tier: Tier, price: Price, code: str, now: datetime
) -> Redeemed:
    """In the transaction that begins the subscription. 404 unknown_coupon; 409 coupon_used_up, coupon_used."""
    row = await _find(connection, tier.creator, code, lock=True)
    over = row is None or row.archived_at is not None or (row.expires_at is not None and row.expires_at <= now)
    if (
        row is None
        or over
        or (row.tier is not None and row.tier != tier.id)
        or row.currency not in (None, price.currency)
    ):
        raise _unknown()
    if row.redemptions_max is not None and await _redemptions(connection, row.id, account.id) >= row.redemptions_max:
        raise AccessError(409, "coupon_used_up", "This coupon has been used up.", "coupon")
    mine = (subscriptions.c.coupon == row.id) & (subscriptions.c.account == account.id)
    used = select(subscriptions.c.id).join(paid_periods).where(mine).limit(1)
    if (await connection.execute(used)).first() is not None:
        raise AccessError(409, "coupon_used", "You have used this coupon before.", "coupon")
    return Redeemed(row.id, Discount(row.percent_off_bp, row.amount_off_minor, _payments(row, price.interval)))


async def goes_along(connection: AsyncConnection, coupon: int | None, tier: int) -> bool:
    """Whether what was begun with this coupon keeps what it takes off in another tier."""
    query = select(coupons.c.tier).where(coupons.c.id == coupon)
    return (await connection.execute(query)).scalar_one_or_none() in (None, tier)


def _payments(row: Row[Any], interval: str) -> int | None:
    """For how many payments: months cover at least one year of a yearly price."""
    match row.duration:
        case "once":
            return 1
        case "months":
            return int(row.months) if interval == "month" else -(-int(row.months) // 12)
        case _:
            return None


async def _redemptions(connection: AsyncConnection, coupon: int, beside: int = 0) -> int:
    """Subscriptions that were paid with it or may still be. `beside`: what this account has begun is not counted."""
    his_open = (subscriptions.c.account == beside) & (subscriptions.c.status == "incomplete")
    query = (
        select(func.count())
        .select_from(subscriptions)
        .where(subscriptions.c.coupon == coupon, subscriptions.c.status != "incomplete_expired", ~his_open)
    )
    return int((await connection.execute(query)).scalar_one())


async def _find(connection: AsyncConnection, creator: int, code: str, *, lock: bool = False) -> Row[Any] | None:
    if not fields.is_storable(code):
        return None
    query = select(coupons).where(coupons.c.creator == creator, coupons.c.code_key == code.lower())
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def _coupon(connection: AsyncConnection, row: Row[Any]) -> Coupon:
    return Coupon(
        id=row.id,
        code=row.code,
        percent_off=None if row.percent_off_bp is None else row.percent_off_bp * 100 / BASIS,
        amount_off_minor=row.amount_off_minor,
        currency=row.currency,
        duration=row.duration,
        months=row.months,
        tier=row.tier,
        redemptions=await _redemptions(connection, row.id),
        redemptions_max=row.redemptions_max,
        expires_at=row.expires_at,
        archived_at=row.archived_at,
    )


def _basis_points(percent: float) -> int:
    points = round(percent * BASIS / 100) if 0 < percent <= 100 else 0
    if points == 0 or abs(points - percent * BASIS / 100) > 1e-6:
        raise fields.bad_field("percent_off", "above 0, up to 100, in hundredths")
    return points


def _unknown() -> AccessError:
    return AccessError(404, "unknown_coupon", "There is no such coupon for this.", "coupon")
