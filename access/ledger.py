"""The books: double entry, in integer minor units, only appended to.

A transfer moves money between accounts of the chart (`tables_ledger.CHART`); its entries are debits (> 0) and credits (< 0)
of one currency and sum to zero. Money at the provider is a debit of `provider_clearing`; what is owed to others – to a
creator, to the tax office, to the processor – and what the platform has earned are credits. A mistake is put right by a
transfer that takes it back and says so in `reverses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import insert_or_ignore
from access.tables_ledger import CHART, creator_books, ledger_entries, ledger_transfers

OF_A_CREATOR = frozenset({"creator_balance", "creator_hold", "payouts_in_transit"})
"""Accounts of which every creator has his own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What is to be posted. `entries`: minor units by account of the chart, debits positive; zeros are left out."""

    key: str
    kind: str
    currency: str
    creator: int | None
    provider: str
    entries: Mapping[str, int]
    at: datetime
    purchase: str | None = None
    reverses: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


async def post(connection: AsyncConnection, transfer: Transfer, now: datetime) -> tuple[int, bool]:
    """Its id, and whether it is new: one that is there already (by its key) is left as it is."""
    entries = {account: amount for account, amount in transfer.entries.items() if amount}
    assert sum(entries.values()) == 0, f"{transfer.key}: {entries} does not sum to zero"
    assert entries.keys() <= set(CHART)
    row = {
        "key": transfer.key,
        "kind": transfer.kind,
        "currency": transfer.currency,
        "creator": transfer.creator,
        "provider": transfer.provider,
        "purchase": transfer.purchase,
        "reverses": transfer.reverses,
        "at": transfer.at,
        "body": dict(transfer.body),
        "created_at": now,
    }
    insertion = insert_or_ignore(connection, ledger_transfers).values(row).returning(ledger_transfers.c.id)
    made = (await connection.execute(insertion)).scalar_one_or_none()
    if made is None:
        return await _id(connection, transfer.key), False
    rows = [
        {
            "transfer": made,
            "ledger_account": account,
            "creator": transfer.creator if account in OF_A_CREATOR else None,
            "currency": transfer.currency,
            "amount_minor": amount,
        }
        for account, amount in entries.items()
    ]
    if rows:
        await connection.execute(insert(ledger_entries), rows)
    return int(made), True


async def is_posted(connection: AsyncConnection, key: str) -> bool:
    query = select(ledger_transfers.c.id).where(ledger_transfers.c.key == key)
    return (await connection.execute(query)).first() is not None


async def balance(connection: AsyncConnection, account: str, currency: str, creator: int | None) -> int:
    """Debits less credits."""
    query = select(func.coalesce(func.sum(ledger_entries.c.amount_minor), 0)).where(
        ledger_entries.c.ledger_account == account,
        ledger_entries.c.currency == currency,
        ledger_entries.c.creator.is_(None) if creator is None else ledger_entries.c.creator == creator,
    )
    return int((await connection.execute(query)).scalar_one())


async def credits_since(connection: AsyncConnection, account: str, currency: str, creator: int, since: datetime) -> int:
    """What charges since then have brought to this account, less what has been taken back of these very charges."""
    charged = select(ledger_transfers.c.id).where(
        ledger_transfers.c.creator == creator,
        ledger_transfers.c.kind == "charge",
        ledger_transfers.c.currency == currency,
        ledger_transfers.c.at > since,
    )
    query = (
        select(func.coalesce(func.sum(ledger_entries.c.amount_minor), 0))
        .join(ledger_transfers, ledger_transfers.c.id == ledger_entries.c.transfer)
        .where(
            ledger_entries.c.ledger_account == account,
            ledger_transfers.c.id.in_(charged) | ledger_transfers.c.reverses.in_(charged),
        )
    )
    return max(-int((await connection.execute(query)).scalar_one()), 0)


async def reversals(connection: AsyncConnection, transfer: int, key: str = "") -> dict[str, int]:
    """By account: what transfers that reverse this one have moved so far. `key`: only those whose key begins so."""
    query = (
        select(ledger_entries.c.ledger_account, func.sum(ledger_entries.c.amount_minor))
        .join(ledger_transfers, ledger_transfers.c.id == ledger_entries.c.transfer)
        .where(ledger_transfers.c.reverses == transfer, ledger_transfers.c.key.startswith(key, autoescape=True))
        .group_by(ledger_entries.c.ledger_account)
    )
    return {account: int(amount) for account, amount in (await connection.execute(query)).all()}


async def entries_of(connection: AsyncConnection, transfer: int) -> dict[str, int]:
    query = select(ledger_entries.c.ledger_account, ledger_entries.c.amount_minor)
    rows = (await connection.execute(query.where(ledger_entries.c.transfer == transfer))).all()
    return {row.ledger_account: row.amount_minor for row in rows}


async def lock_creator(connection: AsyncConnection, creator: int, currency: str) -> int:
    """Nobody else posts to this creator's accounts until the transaction ends. What he has earned in his life.

    Taken after the pair's lock and before the outbox: that order is the same everywhere.
    """
    new = {"creator": creator, "currency": currency, "earned_minor": 0}
    await connection.execute(insert_or_ignore(connection, creator_books).values(new))
    query = select(creator_books.c.earned_minor).where(_books(creator, currency)).with_for_update()
    return int((await connection.execute(query)).scalar_one())


async def set_earned(connection: AsyncConnection, creator: int, currency: str, earned_minor: int) -> None:
    """After `lock_creator`."""
    values = update(creator_books).where(_books(creator, currency)).values(earned_minor=earned_minor)
    await connection.execute(values)


def _books(creator: int, currency: str) -> Any:
    return (creator_books.c.creator == creator) & (creator_books.c.currency == currency)


async def _id(connection: AsyncConnection, key: str) -> int:
    query = select(ledger_transfers.c.id).where(ledger_transfers.c.key == key)
    return int((await connection.execute(query)).scalar_one())
