"""Who did what to whom, written in the same transaction as the deed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from access.tables import audit_log


async def record(
    connection: AsyncConnection,
    now: datetime,
    action: str,
    *,
    actor: int | None,
    account: int | None = None,
    creator: int | None = None,
    **body: Any,
) -> None:
    """`actor` None: the operator or the server itself. `body`: what else is to be known; JSON values, never a secret."""
    row = {"at": now, "action": action, "actor": actor, "account": account, "creator": creator, "body": body}
    await connection.execute(insert(audit_log).values(row))
