"""Messages that leave exactly when their transaction commits, in an order in which none can be overlooked.

Each takes its number from a counter row, which stays locked until the transaction ends: numbers have no gaps and become
visible in order, so a reader with a cursor never skips a message of a slow transaction. Publish last in a transaction:
others who publish wait from there to its end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import insert_or_ignore
from access.model import RightsChanged
from access.tables import counters, outbox

RIGHTS_CHANGED = "rights_changed"
EVERYBODY = 0
"""As the account of a message: whoever has to do with the creator."""
KEPT = timedelta(days=7)
"""Far longer than any reader is away and still believes its seats (their lease is seconds)."""

BATCH_MAX = 1_000

NEWEST = select(counters.c.value).where(counters.c.name == "outbox")
AFTER = select(outbox).where(outbox.c.seq > bindparam("cursor")).order_by(outbox.c.seq).limit(BATCH_MAX)


async def publish_rights_changed(connection: AsyncConnection, account: int, creator: int, now: datetime) -> None:
    await connection.execute(insert_or_ignore(connection, counters).values(name="outbox", value=0))
    taken = update(counters).where(counters.c.name == "outbox").values(value=counters.c.value + 1)
    seq = (await connection.execute(taken.returning(counters.c.value))).scalar_one()
    await connection.execute(
        insert(outbox).values(seq=seq, kind=RIGHTS_CHANGED, account=account, creator=creator, body={}, created_at=now)
    )


async def newest(connection: AsyncConnection) -> int:
    return (await connection.execute(NEWEST)).scalar_one_or_none() or 0


async def rights_changed_after(connection: AsyncConnection, cursor: int) -> tuple[list[RightsChanged], int]:
    """At most BATCH_MAX messages after the cursor, and the cursor after them."""
    rows = (await connection.execute(AFTER, {"cursor": cursor})).all()
    changes = [RightsChanged(row.account, row.creator) for row in rows if row.kind == RIGHTS_CHANGED]
    return changes, rows[-1].seq if rows else cursor


async def forget(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(outbox).where(outbox.c.created_at < now - KEPT))
