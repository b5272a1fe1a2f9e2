"""Many subscribers of one creator, put in by the thousand with rows such as the acts write.

One subscriber is made by the acts themselves; every other is a copy of his rows, with ids and names of its own. Left out is
what no decision reads: the audit log's chain, the outbox, and the payment provider's own notes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import JSON, ColumnElement, Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access.model import Account
from access.tables import accounts, epochs, grants, paid_periods, subscriptions
from access.tables_ledger import ledger_entries, ledger_transfers, payments

TABLES = (accounts, epochs, subscriptions, ledger_transfers, ledger_entries, payments, paid_periods, grants)
"""In an order in which rows are there before others refer to them."""
AT_ONCE = 5_000

Row = dict[str, Any]
Rows = dict[Table, list[Row]]


async def add_subscribers(engine: AsyncEngine, like: Account, count: int) -> range:
    """Copies of a subscriber who has paid once; the ids of their accounts. The tables' statistics are made anew."""
    async with engine.begin() as connection:
        pattern = await rows_of(connection, like)
        beginnings = {table: await _newest(connection, table) + 1 for table in TABLES if "id" in table.c}
        copies = _copies(pattern, beginnings, count)
        while several := list(islice(copies, AT_ONCE)):
            for table in TABLES:
                await _put(connection, table, [row for copy in several for row in copy[table]])
        for table in beginnings:
            await _number_on(connection, table)
        await connection.execute(text("ANALYZE"))
    return range(beginnings[accounts], beginnings[accounts] + count)


async def rows_of(connection: AsyncConnection, account: Account) -> Rows:
    """Everything in TABLES that belongs to a subscriber, each table's rows in their order."""
    mine = select(subscriptions.c.id).where(subscriptions.c.account == account.id)
    transfers = select(payments.c.transfer).where(payments.c.account == account.id)
    belonging: dict[Table, ColumnElement[bool]] = {
        ledger_transfers: ledger_transfers.c.id.in_(transfers),
        ledger_entries: ledger_entries.c.transfer.in_(transfers),
        paid_periods: paid_periods.c.subscription.in_(mine),
    }
    found: Rows = {}
    for table in TABLES:
        query = select(table).where(belonging.get(table, table.c.get("account", table.c[0]) == account.id))
        rows = (await connection.execute(query.order_by(*table.primary_key))).mappings()
        found[table] = [dict(row) for row in rows]
    return found


def copy_of(pattern: Rows, ids: Mapping[Table, Mapping[int, int]], words: Mapping[str, str]) -> Rows:
    """The same rows with other ids, also where they refer to each other, and other words within their texts."""
    return {
        table: [{name: _other(table, name, value, ids, words) for name, value in row.items()} for row in rows]
        for table, rows in pattern.items()
    }


def words_of(pattern: Rows) -> tuple[str, str, str]:
    """What in the texts is this subscriber's own: his name at the integrator, his checkout, his subscription."""
    subscription = pattern[subscriptions][0]
    return pattern[accounts][0]["subject"], subscription["provider_ref"], f"subscription:{subscription['id']}"


def _copies(pattern: Rows, beginnings: Mapping[Table, int], count: int) -> Iterator[Rows]:
    old = words_of(pattern)
    for number in range(count):
        ids = {
            table: {row["id"]: beginning + number * len(pattern[table]) + i for i, row in enumerate(pattern[table])}
            for table, beginning in beginnings.items()
        }
        subscription = ids[subscriptions][pattern[subscriptions][0]["id"]]
        new = f"crowd-{number}", f"test_crowd-{number}", f"subscription:{subscription}"
        yield copy_of(pattern, ids, dict(zip(old, new, strict=True)))


def _other(
    table: Table, name: str, value: Any, ids: Mapping[Table, Mapping[int, int]], words: Mapping[str, str]
) -> Any:
    if isinstance(value, str):
        for old, new in words.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, int):
        column = table.c[name]
        target = table if name == "id" else next((key.column.table for key in column.foreign_keys), None)
        return value if target is None else ids.get(target, {}).get(value, value)
    return value


async def _newest(connection: AsyncConnection, table: Table) -> int:
    return int((await connection.execute(select(func.coalesce(func.max(table.c.id), 0)))).scalar_one())


async def _put(connection: AsyncConnection, table: Table, rows: list[Row]) -> None:
    if connection.dialect.name != "postgresql":
        await connection.execute(insert(table), rows)
        return
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    columns = [column.name for column in table.c]
    written = {column.name for column in table.c if isinstance(column.type, JSON)}
    records = [tuple(json.dumps(row[c]) if c in written else row[c] for c in columns) for row in rows]
    await driver.copy_records_to_table(table.name, records=records, columns=columns)


async def _number_on(connection: AsyncConnection, table: Table) -> None:
    """Who numbers rows by itself goes on after those that brought their numbers; SQLite does so anyway."""
    if connection.dialect.name == "postgresql":
        newest = await _newest(connection, table)
        await connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :newest)"),
            {"table": table.name, "newest": newest},
        )
