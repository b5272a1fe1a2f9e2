"""Creators, their tiers and prices. A published price never changes: a new one takes its place."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, fields, money, platform_settings
from access.database import insert_or_ignore
from access.errors import AccessError
from access.model import Account, Creator, Price, Tier
from access.tables import accounts as account_rows
from access.tables import benefits, creator_members, creators, tier_benefits, tier_prices, tiers

BENEFITS = (
    "space.join",
    "space.speak",
    "space.replay",
    "newsletter",
    "merch.discount",
    "community.member",
)
BENEFITS_DEFAULT = ("space.join", "space.speak", "space.replay")
INTERVALS = ("month", "year")
TIERS_MAX = 100
"""Of one creator, archived ones too: every decision about his Spaces reads them all."""
TRIAL_DAYS_MAX = 90
FINANCE_ROLES = frozenset({"owner", "finance"})
EDITING_ROLES = frozenset({"owner", "editor"})
ABOUT_LENGTH_MAX = 1_000


async def create(
    connection: AsyncConnection, account: Account, handle: str, name: str | None, now: datetime
) -> Creator:
    if account.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    await refuse_new(connection)
    await accounts.lock(connection, account.id)
    if await of_account(connection, account.id) is not None:
        raise AccessError(409, "already_creator", "This account is a creator already.")
    handle = fields.handle(handle)
    name = None if name is None else fields.text(name, "name", 100)
    await accounts.set_handle(connection, account.id, handle, name, now)
    await connection.execute(insert(creators).values(id=account.id, kind="person", created_at=now))
    member = {"creator": account.id, "account": account.id, "role": "owner", "created_at": now}
    await connection.execute(insert(creator_members).values(member))
    await audit.record(connection, now, "creator.created", actor=account.id, creator=account.id)
    creator = await of_account(connection, account.id)
    assert creator is not None
    return creator


async def refuse_new(connection: AsyncConnection) -> None:
    """403 creators_closed."""
    if not await platform_settings.allows(connection, "new_creators"):
        raise AccessError(403, "creators_closed", "No new creators are taken at present.")


async def by_handle(connection: AsyncConnection, handle: str) -> Creator:
    key = handle.removeprefix("@").lower()
    if fields.is_storable(key):
        row = (await connection.execute(_query().where(account_rows.c.handle_key == key))).one_or_none()
        if row is not None:
            return _creator(row)
    raise AccessError(404, "unknown_creator", "There is no such creator.")


async def of_account(connection: AsyncConnection, account: int) -> Creator | None:
    row = (await connection.execute(_query().where(creators.c.id == account))).one_or_none()
    return None if row is None else _creator(row)


async def some(connection: AsyncConnection, ids: Iterable[int]) -> list[Creator]:
    """Those of these that there are, and that have not been deleted."""
    mine = creators.c.id.in_(tuple(ids)) & (account_rows.c.status != "deleted")
    rows = await connection.execute(_query().where(mine))
    return [_creator(row) for row in rows.all()]


async def require_member(
    connection: AsyncConnection, creator: int, actor: Account, roles: Container[str | None], *, to_read: bool = False
) -> None:
    """403 not_creator unless the actor has one of these roles with the creator. `to_read`: also while he is suspended."""
    if not await is_member(connection, creator, actor, roles, to_read=to_read):
        raise AccessError(403, "not_creator", "Only the creator may do this.")


async def is_member(
    connection: AsyncConnection, creator: int, actor: Account, roles: Container[str | None], *, to_read: bool = False
) -> bool:
    mine = (creator_members.c.creator == creator) & (creator_members.c.account == actor.id)
    role = (await connection.execute(select(creator_members.c.role).where(mine))).scalar_one_or_none()
    return role in roles and (actor.status == "active" or (to_read and actor.status == "suspended"))


async def describe(connection: AsyncConnection, actor: Account, creator: int, about: str, now: datetime) -> Creator:
    """By an owner or editor; the empty text is none. 403 not_creator; 422."""
    await require_member(connection, creator, actor, EDITING_ROLES)
    about = fields.prose(about, "about", ABOUT_LENGTH_MAX, 0)
    await connection.execute(update(creators).where(creators.c.id == creator).values(about=about))
    await audit.record(connection, now, "creator.described", actor=actor.id, creator=creator)
    described = await of_account(connection, creator)
    assert described is not None
    return described


# --- tiers


async def create_tier(
    connection: AsyncConnection,
    actor: Account,
    creator: int,
    *,
    name: str,
    level: int,
    price: tuple[int, str, str],
    benefit_names: Iterable[str] | None,
    state: str,
    now: datetime,
    trial_days: int = 0,
) -> Tier:
    """`price`: amount in minor units, currency, interval."""
    await require_member(connection, creator, actor, FINANCE_ROLES)
    await accounts.lock(connection, creator)
    if await _count(connection, creator) >= TIERS_MAX:
        raise AccessError(409, "too_many_tiers", f"A creator has at most {TIERS_MAX} tiers.")
    row = {
        "creator": creator,
        "name": fields.text(name, "name", 100),
        "level": fields.level(level),
        "trial_days": fields.between(trial_days, "trial_days", 0, TRIAL_DAYS_MAX),
        "state": fields.choice(state, "state", ("draft", "published")),
        "created_at": now,
    }
    names = BENEFITS_DEFAULT if benefit_names is None else tuple(dict.fromkeys(benefit_names))
    for benefit in names:
        fields.choice(benefit, "benefits", BENEFITS)
    tier = (await connection.execute(insert(tiers).values(row).returning(tiers.c.id))).scalar_one()
    for benefit in names:
        await connection.execute(insert_or_ignore(connection, benefits).values(name=benefit))
        await connection.execute(insert(tier_benefits).values(tier=tier, benefit=benefit, start=now))
    await _insert_price(connection, tier, price, state, now)
    await audit.record(connection, now, "tier.created", actor=actor.id, creator=creator, tier=tier, state=state)
    return await tier_by_id(connection, tier, now)


async def publish_tier(connection: AsyncConnection, actor: Account, tier: int, now: datetime) -> Tier:
    await _change_state(connection, actor, tier, {"draft"}, "published", now)
    drafts = (tier_prices.c.tier == tier) & (tier_prices.c.state == "draft")
    await connection.execute(update(tier_prices).where(drafts).values(state="published"))
    return await tier_by_id(connection, tier, now)


async def archive_tier(connection: AsyncConnection, actor: Account, tier: int, now: datetime) -> Tier:
    await _change_state(connection, actor, tier, {"draft", "published"}, "archived", now)
    return await tier_by_id(connection, tier, now)


async def replace_price(
    connection: AsyncConnection, actor: Account, tier: int, price: tuple[int, str, str], now: datetime
) -> Tier:
    found = await tier_by_id(connection, tier, now, lock=True)
    await require_member(connection, found.creator, actor, FINANCE_ROLES)
    if found.state == "archived":
        raise AccessError(409, "bad_state", "An archived tier is not sold any more.")
    amount, currency = money.price(price[0], price[1])
    interval = fields.choice(price[2], "interval", INTERVALS)
    same = (
        (tier_prices.c.tier == tier)
        & (tier_prices.c.currency == currency)
        & (tier_prices.c.interval == interval)
        & (tier_prices.c.state != "archived")
    )
    await connection.execute(update(tier_prices).where(same).values(state="archived"))
    await _insert_price(connection, tier, (amount, currency, interval), found.state, now)
    await audit.record(
        connection, now, "tier.priced", actor=actor.id, creator=found.creator, tier=tier, amount_minor=amount
    )
    return await tier_by_id(connection, tier, now)


async def tier_by_id(connection: AsyncConnection, tier: int, now: datetime, *, lock: bool = False) -> Tier:
    """In any state. 404 unknown_tier."""
    query = select(tiers).where(tiers.c.id == tier)
    known = 0 < tier <= accounts.ID_MAX
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none() if known else None
    if row is None:
        raise AccessError(404, "unknown_tier", "There is no such tier.", "tier")
    return (await _with_terms(connection, [row], now))[0]


async def tiers_of(connection: AsyncConnection, creator: int, states: tuple[str, ...], now: datetime) -> list[Tier]:
    query = select(tiers).where(tiers.c.creator == creator, tiers.c.state.in_(states))
    rows = (await connection.execute(query.order_by(tiers.c.level, tiers.c.id))).all()
    return await _with_terms(connection, list(rows), now)


async def _count(connection: AsyncConnection, creator: int) -> int:
    query = select(func.count()).select_from(tiers).where(tiers.c.creator == creator)
    return int((await connection.execute(query)).scalar_one())


async def _change_state(
    connection: AsyncConnection, actor: Account, tier: int, before: set[str], after: str, now: datetime
) -> None:
    found = await tier_by_id(connection, tier, now, lock=True)
    await require_member(connection, found.creator, actor, FINANCE_ROLES)
    if found.state not in before:
        raise AccessError(409, "bad_state", f"This tier is {found.state}.")
    await connection.execute(update(tiers).where(tiers.c.id == tier).values(state=after))
    await audit.record(connection, now, f"tier.{after}", actor=actor.id, creator=found.creator, tier=tier)


async def _insert_price(
    connection: AsyncConnection, tier: int, price: tuple[int, str, str], state: str, now: datetime
) -> None:
    amount, currency = money.price(price[0], price[1])
    interval = fields.choice(price[2], "interval", INTERVALS)
    row = {"tier": tier, "currency": currency, "amount_minor": amount, "interval": interval}
    await connection.execute(insert(tier_prices).values(row | {"state": state, "created_at": now}))


async def _with_terms(connection: AsyncConnection, rows: list[Row[Any]], now: datetime) -> list[Tier]:
    ids = [row.id for row in rows]
    prices = (
        await connection.execute(
            select(tier_prices)
            .where(tier_prices.c.tier.in_(ids), tier_prices.c.state != "archived")
            .order_by(tier_prices.c.currency, tier_prices.c.interval)
        )
    ).all()
    given = (
        await connection.execute(
            select(tier_benefits).where(tier_benefits.c.tier.in_(ids)).order_by(tier_benefits.c.id)
        )
    ).all()
    return [
        Tier(
            row.id,
            row.creator,
            row.name,
            row.level,
            row.state,
            tuple(b.benefit for b in given if b.tier == row.id and b.start <= now and (b.end is None or now < b.end)),
            tuple(Price(p.id, p.amount_minor, p.currency, p.interval, p.state) for p in prices if p.tier == row.id),
            row.trial_days,
        )
        for row in rows
    ]


def _query() -> Any:
    return select(creators, account_rows.c.handle, account_rows.c.name).join(
        account_rows, account_rows.c.id == creators.c.id
    )


def _creator(row: Row[Any]) -> Creator:
    return Creator(row.id, row.handle, row.name or row.handle, row.kind, row.about)
