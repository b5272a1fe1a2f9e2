"""A creator's statement of a month: every transfer that touched his accounts, one line each, and the balance before and after.

A charge's line adds up: gross = fee + tax + platform share + creator share; lines of refunds and lost disputes are the same
with the sign turned.

A line is of the month in which it was booked, so a month that is over stays as it is: providers tell late, and date the end of
a dispute with its beginning.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import refund_requests
from access.fields import bad_field
from access.money_model import RefundRequest, StatementLine
from access.periods import period_end
from access.tables_ledger import ledger_entries, ledger_transfers

MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)
COLUMNS = (
    "booked_at", "at", "kind", "purchase", "currency", "gross_minor", "fee_minor", "tax_minor", "platform_share_minor",
    "creator_minor", "held_minor", "balance_minor", "reason",
)  # fmt: skip

FORMULA = ("=", "+", "-", "@")


def month(text: str) -> tuple[datetime, datetime]:
    """Its beginning and end in UTC. 422."""
    found = MONTH.fullmatch(text)
    if found is None:
        raise bad_field("month", "a month like 2026-03")
    start = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
    return start, period_end(start, "month")


async def lines(connection: AsyncConnection, creator: int, start: datetime, end: datetime) -> list[StatementLine]:
    """By currency, then when it was booked. `balance_minor`: what is owed to the creator after the line."""
    query = (
        select(ledger_transfers, ledger_entries.c.ledger_account, ledger_entries.c.amount_minor)
        .join(ledger_entries, ledger_entries.c.transfer == ledger_transfers.c.id)
        .where(
            ledger_transfers.c.creator == creator,
            ledger_transfers.c.created_at >= start,
            ledger_transfers.c.created_at < end,
        )
        .order_by(ledger_transfers.c.currency, ledger_transfers.c.created_at, ledger_transfers.c.id)
    )
    entries: dict[int, dict[str, int]] = {}
    transfers = {}
    for row in (await connection.execute(query)).all():
        transfers[row.id] = row
        entries.setdefault(row.id, {})[row.ledger_account] = row.amount_minor
    balances = await _balances_before(connection, creator, start)
    charges = {row.reverses: row.purchase for row in transfers.values() if row.kind == "refund"}
    asked = await refund_requests.of_charges(connection, charges)
    made = []
    for number, row in transfers.items():
        moved = entries[number]
        of_creator = -moved.get("creator_balance", 0)
        balances[row.currency] = balances.get(row.currency, 0) + of_creator
        real = row.kind in ("charge", "refund", "refund_failed", "dispute_lost")
        made.append(
            StatementLine(
                booked_at=row.created_at,
                at=row.at,
                kind=row.kind,
                purchase=row.purchase,
                currency=row.currency,
                gross_minor=moved.get("provider_clearing", 0) if real else 0,
                fee_minor=-moved.get("processor_fees", 0),
                tax_minor=-moved.get("taxes", 0),
                platform_share_minor=-moved.get("platform_share", 0),
                creator_minor=of_creator,
                held_minor=-moved.get("creator_hold", 0),
                balance_minor=balances[row.currency],
                reason=_reason(row, moved, asked) if row.kind == "refund" else "",
            )
        )
    return made


def _reason(refund: Row[Any], moved: dict[str, int], asked: dict[int, list[RefundRequest]]) -> str:
    """Providers do not say which request a refund answers: the newest of that amount there was by then."""
    amount, by = -moved.get("provider_clearing", 0), refund.created_at
    of_that = [
        one.reason for one in asked.get(refund.reverses, []) if one.amount_minor == amount and one.asked_at <= by
    ]
    return of_that[-1] if of_that else ""


async def _balances_before(connection: AsyncConnection, creator: int, start: datetime) -> dict[str, int]:
    query = (
        select(ledger_entries.c.currency, func.sum(ledger_entries.c.amount_minor))
        .join(ledger_transfers, ledger_transfers.c.id == ledger_entries.c.transfer)
        .where(
            ledger_entries.c.creator == creator,
            ledger_entries.c.ledger_account == "creator_balance",
            ledger_transfers.c.created_at < start,
        )
        .group_by(ledger_entries.c.currency)
    )
    return {currency: -int(amount) for currency, amount in (await connection.execute(query)).all()}


def as_csv(found: Iterable[StatementLine]) -> str:
    """RFC 4180, with a line of names. What a person wrote is never a formula to the program that opens it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in found:
        values = [getattr(line, column) for column in COLUMNS[:-1]]
        values.append(f"'{line.reason}" if line.reason.startswith(FORMULA) else line.reason)
        writer.writerow([value.isoformat() if isinstance(value, datetime) else value for value in values])
    return text.getvalue()
