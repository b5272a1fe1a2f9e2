"""Rows that go out by mail at most once each, whatever table they are in: claimed in a transaction of its own before they
are handed to the mail server.

queued → claimed → sent | refused | unknown, or queued again when the server has certainly not taken it; skipped when at its
claim nobody is to have it any more. Whoever dies with a claim leaves a row of which nobody knows; after CLAIM it is
`unknown`, is counted as that, and is not sent again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import mail_consents

CLAIM = timedelta(minutes=10)
"""Longer than a mail server is ever waited for."""
RETRIES = (
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8),
)  # fmt: skip
"""Greylisting wants a few minutes, a full mailbox some hours."""
LOOKED_AT_MAX = 100
"""Rows skipped in one transaction."""

Look = Callable[[AsyncConnection, Row[Any], datetime], Awaitable[tuple[str | None, str | None]]]
"""Why a row is not to be sent, or to which address."""


async def claim(
    connection: AsyncConnection, table: Table, due: Select[Any], look: Look, now: datetime
) -> tuple[Row[Any], str] | None:
    """The first of `due` that is to be sent, now this caller's alone, and where to; None: none is (or LOOKED_AT_MAX were
    skipped). Its attempt is one more than the row says."""
    query = due.limit(1).with_for_update(of=table, skip_locked=True)
    for _ in range(LOOKED_AT_MAX):
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        reason, address = await look(connection, row, now)
        if reason is None and address is not None:
            claimed = {"state": "claimed", "claimed_at": now, "attempts": row.attempts + 1}
            claimed["address_sha256"] = mail_consents.digest(address)
            await connection.execute(update(table).where(table.c.id == row.id).values(claimed))
            return row, address
        skipped = {"state": "skipped", "reason": reason, "done_at": now}
        await connection.execute(update(table).where(table.c.id == row.id).values(skipped))
    return None


async def settle(
    connection: AsyncConnection,
    table: Table,
    row: int,
    attempt: int,
    outcome: str,
    now: datetime,
    *,
    again: bool = True,
    stopped: bool = False,
) -> None:
    """What became of a claim: sent, refused, not_sent, failed or unknown. Of one that is not this one's any more: nothing.

    `again`: whether what was not sent may be tried another time; `stopped`: nobody is to have it now.
    """
    values: dict[str, Any] = {"state": outcome, "reason": None, "done_at": now}
    if outcome == "not_sent" and stopped:
        values = {"state": "skipped", "reason": "stopped", "done_at": now}
    elif outcome == "not_sent" and again and attempt <= len(RETRIES):
        values = {"state": "queued", "reason": None, "due_at": now + RETRIES[attempt - 1], "done_at": None}
    elif outcome == "not_sent":
        values = {"state": "failed", "reason": "not_sent", "done_at": now}
    mine = (table.c.id == row) & (table.c.attempts == attempt)
    unsettled = table.c.state.in_(("claimed", "unknown"))  # whoever was slow knows better than whoever gave him up
    await connection.execute(update(table).where(mine, unsettled).values(values))


async def tidy(connection: AsyncConnection, table: Table, now: datetime) -> None:
    """Claims of those who died become `unknown`."""
    lost = (table.c.state == "claimed") & (table.c.claimed_at < now - CLAIM)
    await connection.execute(update(table).where(lost).values(state="unknown", reason="lost", done_at=now))


async def address_sha256(connection: AsyncConnection, table: Table, row: int) -> str | None:
    """Where it went."""
    return (await connection.execute(select(table.c.address_sha256).where(table.c.id == row))).scalar_one_or_none()
