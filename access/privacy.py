"""What is stored about an account, told to it whole; and an account forgotten.

What belongs to whom is read from the tables themselves. A row belongs to the account in its column `account`; else, what
somebody has made or earned as a creator, to its `creator`; else to whom the row belongs that it refers to. So a creator is
told of his tiers, but not of a subscription: that is the subscriber's. Tables whose `info` says so lose their rows with
the account; all others keep them, and know no more than a number that stands for nobody. Columns whose `info` says so are
told to nobody.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, func, or_, select, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, outbox, refund_requests
from access import gifts as given
from access import subscriptions as followed
from access import tickets as bought
from access.errors import AccessError
from access.model import Account
from access.tables import (
    ERASED,
    LIVE_STATES,
    PRIVATE,
    audit_log,
    creator_members,
    creators,
    grants,
    metadata,
    pseudonyms,
    subscriptions,
    tiers,
)
from access.tables import accounts as account_rows
from access.tables_ledger import ledger_entries, ledger_transfers
from access.tables_people import mailboxes, sign_in_requests
from access.tables_tickets import gifts

NOT_TOLD = frozenset({"outbox", "pseudonyms", "counters", "epochs"})
"""Bookkeeping of the server about itself; whose pseudonym is whose is what deletion forgets."""
SECRET = ("_sha256", "secret")
"""Endings of columns that prove something to us and mean nothing to anybody."""
TEST_MONEY = "test"
CREATORS_MONEY = ("creator_balance", "creator_hold", "payouts_in_transit")


async def export(connection: AsyncConnection, account: Account, now: datetime) -> dict[str, Any]:
    """Rows by table, in the form of JSON. 404 unknown_account."""
    mine = await accounts.by_id(connection, account.id)
    told: dict[str, list[dict[str, Any]]] = {}
    for table in metadata.sorted_tables:
        if (belongs := _belongs(table, account.id)) is not None:
            columns = [column for column in table.c if _is_told(column)]
            query = select(*columns).where(belongs).order_by(*table.primary_key)
            if rows := (await connection.execute(query)).all():
                told[table.name] = [{key: _plain(value) for key, value in row._asdict().items()} for row in rows]
    told["audit_log"] = await _trail(connection, account.id)
    await audit.record(connection, now, "account.exported", actor=account.id, account=account.id)
    return {"exported_at": now.isoformat(), "account": str(mine.id), "tables": told}


async def delete(connection: AsyncConnection, account: Account, now: datetime) -> None:
    """Forget who it was, and end its rights. 409 last_owner, still_subscribed, still_selling, still_owed; 404."""
    await accounts.lock(connection, account.id)
    await accounts.by_id(connection, account.id)
    await _check_publications(connection, account.id)
    await _check_nothing_runs(connection, account.id)
    await _check_gifts(connection, account.id, now)
    await followed.give_up_of(connection, account.id, now)
    await followed.forget_payer(connection, account.id, now)
    await given.give_up_of(connection, account.id, now)
    await bought.give_up_of(connection, account.id, now)
    await audit.record(connection, now, "account.deleted", actor=account.id, account=account.id)
    address = select(mailboxes.c.address_key).where(mailboxes.c.account == account.id).scalar_subquery()
    await connection.execute(delete_rows(sign_in_requests).where(sign_in_requests.c.address_key == address))
    for table in reversed(metadata.sorted_tables):
        if table.info.items() >= ERASED.items():
            await connection.execute(delete_rows(table).where(table.c.account == account.id))
    nobody = {"subject": None, "handle": None, "handle_key": None, "name": None, "status": "deleted"}
    gone = update(account_rows).where(account_rows.c.id == account.id)
    await connection.execute(gone.values(nobody | {"epoch": account_rows.c.epoch + 1}))
    await connection.execute(update(creators).where(creators.c.id == account.id).values(about=""))
    await refund_requests.forget_reasons(connection, account.id)
    await connection.execute(update(tiers).where(tiers.c.creator == account.id).values(state="archived"))
    await outbox.publish_rights_changed(connection, account.id, accounts.EVERY_CREATOR, now)


async def _check_publications(connection: AsyncConnection, account: int) -> None:
    """A publication has an owner who is somebody."""
    owners = creator_members.alias("owners")
    other = owners.join(account_rows, account_rows.c.id == owners.c.account)
    others = (
        select(owners.c.account)
        .select_from(other)
        .where(
            owners.c.creator == creator_members.c.creator,
            owners.c.role == "owner",
            owners.c.account != account,
            account_rows.c.status != "deleted",
        )
    )
    mine = (creator_members.c.account == account) & (creator_members.c.role == "owner")
    alone = select(creator_members.c.creator).where(mine, creator_members.c.creator != account, ~others.exists())
    if (await connection.execute(alone.limit(1))).first() is not None:
        raise AccessError(409, "last_owner", "A publication has no owner but you: name another one first.")


async def _check_nothing_runs(connection: AsyncConnection, account: int) -> None:
    live = subscriptions.c.status.in_(LIVE_STATES)
    paying = live & (subscriptions.c.account == account) & subscriptions.c.cancel_at_period_end.is_(False)
    selling = live & (subscriptions.c.creator == account)
    for running, code, detail in (
        (paying, "still_subscribed", "A subscription would go on costing money: cancel it first."),
        (selling, "still_selling", "People pay for a tier of yours: end their subscriptions first."),
    ):
        if (await connection.execute(select(subscriptions.c.id).where(running).limit(1))).first() is not None:
            raise AccessError(409, code, detail)
    owed = (
        select(func.sum(ledger_entries.c.amount_minor))
        .join(ledger_transfers, ledger_transfers.c.id == ledger_entries.c.transfer)
        .where(
            ledger_entries.c.creator == account,
            ledger_entries.c.ledger_account.in_(CREATORS_MONEY),
            ledger_transfers.c.provider != TEST_MONEY,
        )
        .group_by(ledger_entries.c.currency)
    )
    if any((await connection.execute(owed)).scalars()):
        raise AccessError(409, "still_owed", "There is money to be paid out to you: have it paid out first.")


async def _check_gifts(connection: AsyncConnection, account: int, now: datetime) -> None:
    """What was paid for, to be had from this creator, is had first."""
    waits = gifts.c.state == "paid"
    runs = (gifts.c.state == "redeemed") & (grants.c.end > now)
    owed = select(gifts.c.id).outerjoin(grants, grants.c.id == gifts.c.grant).where(gifts.c.creator == account)
    if (await connection.execute(owed.where(waits | runs).limit(1))).first() is not None:
        raise AccessError(
            409, "still_selling", "Gifts of your tiers still run or wait to be redeemed: pay them back first."
        )


def _is_told(column: Column[Any]) -> bool:
    """Not what proves something to us, nor what others noted for themselves, nor who of them has done it."""
    others = column.name == "by" or column.name.endswith("_by")
    refers = any(key.column.table is account_rows for key in column.foreign_keys)
    return not (column.name.endswith(SECRET) or column.info.items() >= PRIVATE.items() or (others and refers))


def _belongs(table: Table, account: int) -> ColumnElement[bool] | None:
    """Which of its rows are the account's own; None: the table speaks of nobody."""
    path = _path(table)
    if path is None or table.name in NOT_TOLD:
        return None
    column, parent = path
    if parent is None:
        return table.c[column] == account
    theirs = _belongs(parent, account)
    if theirs is None:
        return None
    [key] = parent.primary_key.columns
    return table.c[column].in_(select(key).where(theirs))


@cache
def _path(table: Table) -> tuple[str, Table | None] | None:
    """The column that says whose a row is: directly (None), or through the row of another table."""
    if table is account_rows or table is creators:
        return "id", None
    for name, whose in (("account", account_rows), ("creator", creators), ("creator", account_rows)):
        if name in table.c and any(key.column.table is whose for key in table.c[name].foreign_keys):
            return name, None
    for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
        parent = key.column.table
        if parent is not table and parent is not account_rows and len(parent.primary_key) == 1 and _path(parent):
            return key.parent.name, parent
    return None


async def _trail(connection: AsyncConnection, account: int) -> list[dict[str, Any]]:
    """What the audit log says of the account, other people left out."""
    name = select(pseudonyms.c.pseudonym).where(pseudonyms.c.account == account).scalar_subquery()
    about = or_(audit_log.c.account == name, audit_log.c.actor == name)
    columns = (audit_log.c.at, audit_log.c.action, (audit_log.c.actor == name).label("by_you"), audit_log.c.body)
    rows = await connection.execute(select(*columns).where(about).order_by(audit_log.c.id))
    return [
        {"at": row.at.isoformat(), "action": row.action, "by_you": bool(row.by_you), "body": row.body} for row in rows
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
