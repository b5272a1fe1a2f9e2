"""What people do with gifts that are paid for: make a link, redeem, have the money back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, bans, creators, gift_codes, gift_rows, gifts, outbox, pairs, subscriptions
from access.errors import AccessError
from access.model import Account
from access.periods import period_end
from access.snapshots import load_grants
from access.standing import covered_until
from access.tables import grants, tiers

HELD_MAX = 100
"""Gifts that one account has of one creator, ended ones too: every decision about the pair reads them all."""
RENEWING = ("trialing", "active", "past_due", "unpaid")


async def make_link(connection: AsyncConnection, giver: Account, gift: int, now: datetime) -> str:
    """A code for whoever is to have it; the ones before are void. 404; 409 bad_state."""
    row = await gift_rows.find(connection, gift, lock=True)
    if row is None or row.account != giver.id:
        raise gift_rows.unknown()
    if row.state != "paid":
        raise _bad_state(row)
    code, kept = gift_codes.new(gift)
    await gift_rows.write(connection, gift, code_sha256=kept, code_expires_at=now + gift_codes.LIFETIME)
    await audit.record(
        connection, now, "gift.link_made", actor=giver.id, account=giver.id, creator=row.creator, id=gift
    )
    return code


async def look(connection: AsyncConnection, code: str, now: datetime) -> int:
    """Which gift a code is for. 404 unknown_code; 409 bad_state, gift_redeemed; 410 code_expired."""
    return int((await _by_code(connection, code, now, lock=False)).id)


async def redeem_code(connection: AsyncConnection, actor: Account, code: str, now: datetime) -> int:
    """By whoever has the link. 403 suspended, blocked, not_yours; 404 unknown_code; 409; 410 code_expired."""
    row = await _by_code(connection, code, now, lock=True)
    if row.recipient not in (None, actor.id):
        raise AccessError(403, "not_yours", "This gift is for somebody else.")
    await _redeem(connection, actor, row, now)
    return int(row.id)


async def redeem_own(connection: AsyncConnection, actor: Account, gift: int, now: datetime) -> None:
    """By the account that it is for. 403 suspended, blocked; 404; 409."""
    row = await gift_rows.find(connection, gift, lock=True)
    if row is None or row.recipient != actor.id or row.state in ("begun", "void"):
        raise gift_rows.unknown()
    await _redeem(connection, actor, row, now)


async def pay_back(connection: AsyncConnection, actor: Account, gift: int, now: datetime) -> None:
    """By the giver while nobody has redeemed it, by the creator at any time. Idempotent. 404; 409 bad_state, gift_redeemed."""
    parties = await gifts.lock(connection, gift)
    if parties is None:
        raise gift_rows.unknown()
    row = await gift_rows.one(connection, gift)
    by_creator = await creators.is_member(connection, parties.creator, actor, creators.FINANCE_ROLES)
    if actor.id != row.account and not by_creator:
        raise gift_rows.unknown()
    if row.state in ("refunding", "refunded"):
        return
    if row.state == "redeemed" and not by_creator:
        raise AccessError(409, "gift_redeemed", "This gift has been redeemed.")
    if row.state not in ("paid", "redeemed"):
        raise _bad_state(row)
    await gifts.ask_back(connection, row, actor.id, now)


async def _by_code(connection: AsyncConnection, code: str, now: datetime, *, lock: bool) -> Row[Any]:
    row = await gift_rows.find(connection, gift_codes.gift_of_untrusted(code), lock=lock)
    if not gift_codes.is_right(code, None if row is None else row.code_sha256) or row is None:
        raise AccessError(
            404, "unknown_code", "This link leads to no gift, or a newer one has taken its place.", "code"
        )
    if row.state == "redeemed":
        raise AccessError(409, "gift_redeemed", "This gift has been redeemed.")
    if row.state != "paid":
        raise _bad_state(row)
    if row.code_expires_at <= now:
        raise AccessError(410, "code_expired", "This link has expired; whoever gave it can make a new one.")
    return row


async def _redeem(connection: AsyncConnection, actor: Account, row: Row[Any], now: datetime) -> None:
    """The gift is locked: of two who redeem it at once one gets it."""
    if actor.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    if row.state == "redeemed":
        raise AccessError(409, "gift_redeemed", "This gift has been redeemed.")
    if row.state != "paid":
        raise _bad_state(row)
    if actor.id == row.creator:
        raise AccessError(409, "own_tier", "A creator needs no tier of his own.")
    await pairs.lock_pair(connection, actor.id, row.creator)
    await bans.refuse_banned(connection, actor.id, row.creator, None, now)
    if await _count(connection, actor.id, row.creator) >= HELD_MAX:
        raise AccessError(409, "too_many_gifts", f"An account has at most {HELD_MAX} gifts of one creator.")
    start = await _start(connection, actor.id, row, now)
    grant = {
        "account": actor.id,
        "creator": row.creator,
        "tier": row.tier,
        "source": "gift",
        "start": start,
        "end": period_end(start, "month", row.months),
        "epoch": await pairs.current_epoch(connection, actor.id, row.creator),
        "created_at": now,
    }
    made = (await connection.execute(insert(grants).values(grant).returning(grants.c.id))).scalar_one()
    await gift_rows.write(connection, row.id, recipient=actor.id, redeemed_at=now, grant=made, state="redeemed")
    await audit.record(
        connection, now, "gift.redeemed", actor=actor.id, account=actor.id, creator=row.creator, id=row.id,
        months=row.months,
    )  # fmt: skip
    await outbox.publish_rights_changed(connection, actor.id, row.creator, now)


async def _start(connection: AsyncConnection, account: int, row: Row[Any], now: datetime) -> datetime:
    """Now, or when what the account has of this tier or a higher one is over: nothing of a gift is lost.

    A subscription that will be renewed has no such end, so it has to be cancelled first; one to a lower tier goes on beside.
    """
    levels = dict(
        (await connection.execute(select(tiers.c.id, tiers.c.level).where(tiers.c.creator == row.creator))).all()
    )
    for held in await subscriptions.of_pair(connection, account, row.creator, now):
        renewing = held.status in RENEWING and not held.row.cancel_at_period_end
        if renewing and levels[held.row.tier] >= levels[row.tier]:
            detail = "Your subscription would be renewed: cancel it at the end of its period, and the gift follows it."
            raise AccessError(409, "still_subscribed", detail)
    until = covered_until(await load_grants(connection, account, row.creator), levels[row.tier], now)
    if until is None:
        raise AccessError(
            409, "already_given", "You have this tier, or a higher one, for as long as the creator likes."
        )
    return until


async def _count(connection: AsyncConnection, account: int, creator: int) -> int:
    mine = (grants.c.account == account) & (grants.c.creator == creator) & (grants.c.source == "gift")
    return int((await connection.execute(select(func.count()).select_from(grants).where(mine))).scalar_one())


def _bad_state(row: Row[Any]) -> AccessError:
    return AccessError(409, "bad_state", f"This gift is {'not paid for' if row.state == 'begun' else row.state}.")
