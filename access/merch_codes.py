"""Codes for the creator's shop: unguessable, one per purchase, and worth something only while the right behind them stands.

A code says issued, redeemed or revoked. Whether an issued one is good is computed when a shop asks, from the holder's
grants at that moment: there is nothing that could lag behind a lapse, a refund or a ban.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, creators, fields, merch_discounts, pairs, snapshots
from access.benefit_model import CreatorKey, MerchCode
from access.errors import AccessError
from access.model import Account
from access.rights import Snapshot
from access.tables_benefits import merch_codes
from access.tier_rights import covering

BENEFIT = "merch.discount"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing in it is taken for something else when it is read aloud."""
LENGTH = 16
"""80 bits: a shop that tried a thousand a second would need longer than there is."""
AS_READ = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
MONTH = timedelta(days=30)
BATCH = 500
LISTED_MAX = 1_000


async def issue(connection: AsyncConnection, account: Account, creator: int, now: datetime) -> MerchCode:
    """A code of the best discount that the account has a right to; the one that is out, if it is as good.

    403 blocked, suspended, no_subscription; 409 no_discount, too_many_codes.
    """
    await pairs.lock_pair(connection, account.id, creator)
    (snapshot,) = await snapshots.load_many(connection, [account.id], creator)
    _not_kept_out(snapshot, now)
    offered = {discount.tier: discount for discount in await merch_discounts.running(connection, creator)}
    if not offered:
        raise AccessError(409, "no_discount", "This creator offers no discount now.")
    held = {grant.tier for grant, _ in covering(snapshot, None, BENEFIT, now)}
    best = max((offered[tier] for tier in held & offered.keys()), key=lambda d: (d.percent, d.tier), default=None)
    if best is None:
        raise AccessError(403, "no_subscription", "Discounts are for Super Followers of a tier that gives them.")
    mine = (merch_codes.c.account == account.id) & (merch_codes.c.creator == creator)
    for row in (await connection.execute(select(merch_codes).where(mine, merch_codes.c.state == "issued"))).all():
        if (row.tier, row.percent) == (best.tier, best.percent):
            return _code(row, _is_good(row, snapshot, now))
        await _revoke(connection, row, account, now)  # of another tier or an older discount: there is a better one now
    recent = (merch_codes.c.issued_at > now - MONTH) & (merch_codes.c.state != "revoked")
    count = select(func.count()).select_from(merch_codes).where(mine, recent)
    if (await connection.execute(count)).scalar_one() >= best.codes_per_month_max:
        raise AccessError(409, "too_many_codes", f"{best.codes_per_month_max} in 30 days, and you have had them.")
    new = {
        "account": account.id,
        "creator": creator,
        "tier": best.tier,
        "percent": best.percent,
        "code": "".join(secrets.choice(ALPHABET) for _ in range(LENGTH)),
        "state": "issued",
        "issued_at": now,
    }
    made = (await connection.execute(insert(merch_codes).values(new).returning(merch_codes))).one()
    await audit.record(
        connection, now, "merch.code.issued", actor=account.id, account=account.id, creator=creator, code=made.id
    )
    return _code(made, True)


async def verify(connection: AsyncConnection, key: CreatorKey, code: str, now: datetime) -> MerchCode:
    """As it is now, for a shop of its creator. 404 unknown_code."""
    row = await _find(connection, key, code)
    return _code(row, _is_good(row, await _holder(connection, row), now))


async def redeem(connection: AsyncConnection, key: CreatorKey, code: str, order: str, now: datetime) -> MerchCode:
    """Use it up for this order of the shop's. The same order may ask again, and is told the same.

    404 unknown_code; 409 already_redeemed, revoked, right_ended; 422.
    """
    order = fields.text(order, "order", 100)
    known = await _find(connection, key, code)
    await pairs.lock_pair(connection, known.account, known.creator)
    row = await _find(connection, key, code, lock=True)
    if row.state == "redeemed":
        if (row.redeemed_by, row.order_ref) == (key.id, order):
            return _code(row, False)
        raise AccessError(409, "already_redeemed", "This code has been used.", "code")
    if row.state == "revoked":
        raise AccessError(409, "revoked", "This code has been revoked.", "code")
    if not _is_good(row, await _holder(connection, row), now):
        raise AccessError(409, "right_ended", "Whoever holds this code has no right to the discount any more.", "code")
    used = {"state": "redeemed", "redeemed_at": now, "redeemed_by": key.id, "order_ref": order}
    mine = (merch_codes.c.id == row.id) & (merch_codes.c.state == "issued")
    changed = update(merch_codes).where(mine).values(used).returning(merch_codes)
    done = (await connection.execute(changed)).one()
    await audit.record(
        connection, now, "merch.code.redeemed", actor=None, account=row.account, creator=row.creator, code=row.id,
        key=key.id,
    )  # fmt: skip
    return _code(done, False)


async def revoke(connection: AsyncConnection, actor: Account, creator: int, code: int, now: datetime) -> None:
    """Idempotent. 403 not_creator; 404 unknown_code; 409 already_redeemed."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    mine = (merch_codes.c.id == code) & (merch_codes.c.creator == creator)
    known = 0 < code <= accounts.ID_MAX
    query = select(merch_codes).where(mine).with_for_update()
    row = (await connection.execute(query)).one_or_none() if known else None
    if row is None:
        raise _unknown()
    if row.state == "redeemed":
        raise AccessError(409, "already_redeemed", "This code has been used.")
    if row.state == "issued":
        await _revoke(connection, row, actor, now)


async def of_account(connection: AsyncConnection, account: int, now: datetime) -> list[MerchCode]:
    """The newest first."""
    return await _listed(connection, merch_codes.c.account == account, LISTED_MAX, now)


async def of_creator(
    connection: AsyncConnection, actor: Account, creator: int, before: int | None, now: datetime
) -> list[MerchCode]:
    """With whose they are: for the finance role alone. The newest first, at most LISTED_MAX; `before` that. 403 not_creator."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    his = merch_codes.c.creator == creator
    return await _listed(connection, his if before is None else his & (merch_codes.c.id < before), LISTED_MAX, now)


async def good_ones(connection: AsyncConnection, actor: Account, creator: int, now: datetime) -> list[MerchCode]:
    """Every code that a shop should take now, for shops that take lists. 403 not_creator."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    issued = (merch_codes.c.creator == creator) & (merch_codes.c.state == "issued")
    return [code for code in await _listed(connection, issued, None, now) if code.good]


async def _listed(
    connection: AsyncConnection, which: ColumnElement[bool], limit: int | None, now: datetime
) -> list[MerchCode]:
    query = select(merch_codes).where(which).order_by(merch_codes.c.id.desc()).limit(limit)
    rows = (await connection.execute(query)).all()
    known: dict[tuple[int, int], Snapshot] = {}
    for creator in {row.creator for row in rows}:
        holders = sorted({row.account for row in rows if row.creator == creator and row.state == "issued"})
        for start in range(0, len(holders), BATCH):
            some = await snapshots.load_many(connection, holders[start : start + BATCH], creator)
            known |= {(snapshot.account or 0, creator): snapshot for snapshot in some}
    return [_code(row, _is_good(row, known.get((row.account, row.creator)), now)) for row in rows]


async def _holder(connection: AsyncConnection, row: Row[Any]) -> Snapshot:
    (snapshot,) = await snapshots.load_many(connection, [row.account], row.creator)
    return snapshot


def _is_good(row: Row[Any], holder: Snapshot | None, now: datetime) -> bool:
    """Issued, and its holder has the benefit now at its tier's level or above."""
    if row.state != "issued" or holder is None or holder.account_status != "active":
        return False
    return not any(ban.covers("", now) for ban in holder.bans) and bool(covering(holder, row.tier, BENEFIT, now))


def _not_kept_out(snapshot: Snapshot, now: datetime) -> None:
    if snapshot.account_status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    if any(ban.covers("", now) for ban in snapshot.bans):
        raise AccessError(403, "blocked", "You have been blocked here.")


async def _find(connection: AsyncConnection, key: CreatorKey, code: str, *, lock: bool = False) -> Row[Any]:
    """As people type it: in any case, with or without hyphens. Of another creator it is unknown."""
    read = code.upper().translate(AS_READ)
    if len(read) != LENGTH or not set(read) <= set(ALPHABET):
        raise _unknown()
    query = select(merch_codes).where(merch_codes.c.code == read, merch_codes.c.creator == key.creator)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise _unknown()
    return row


async def _revoke(connection: AsyncConnection, row: Row[Any], actor: Account, now: datetime) -> None:
    mine = (merch_codes.c.id == row.id) & (merch_codes.c.state == "issued")
    await connection.execute(update(merch_codes).where(mine).values(state="revoked", revoked_at=now))
    await audit.record(
        connection, now, "merch.code.revoked", actor=actor.id, account=row.account, creator=row.creator, code=row.id
    )


def _unknown() -> AccessError:
    return AccessError(404, "unknown_code", "There is no such code.", "code")


def _code(row: Row[Any], good: bool) -> MerchCode:
    groups = [row.code[start : start + 4] for start in range(0, LENGTH, 4)]
    return MerchCode(
        row.id, row.account, row.creator, row.tier, row.percent, "-".join(groups), row.state, good, row.issued_at,
        row.redeemed_at, row.order_ref, row.revoked_at,
    )  # fmt: skip
