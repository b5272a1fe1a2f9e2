"""Who came in and who left, for integrators: found in the admissions, some at a time, so that a join costs nothing more.

A person is in a Space while any admission of his is running, whatever devices and connections he has. Anonymous listeners
are nobody in particular and are not told.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.hooks import Happening, tell
from access.tables import admissions
from access.tables_hooks import webhook_participants

BATCH_MAX = 500
"""Admissions looked at in one transaction."""

UNTOLD = select(admissions.c.id).where(admissions.c.untold)


async def tell_some(connection: AsyncConnection, now: datetime) -> int:
    """How many admissions were looked at; BATCH_MAX: there may be more."""
    query = select(admissions).where(admissions.c.untold).order_by(admissions.c.id).limit(BATCH_MAX)
    news = (await connection.execute(query.with_for_update(skip_locked=True))).all()
    if not news:
        return 0
    told = update(admissions).where(admissions.c.id.in_([row.id for row in news])).values(untold=False)
    await connection.execute(told)
    by_pair: dict[tuple[str, int], list[Row[Any]]] = defaultdict(list)
    for row in news:
        if row.account is not None:
            by_pair[row.space, row.account].append(row)
    inside = await _inside(connection, list(by_pair))
    known = await _known(connection, list(by_pair))
    joined: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    left: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for pair, rows in by_pair.items():
        space = (pair[0], rows[0].creator)
        if pair not in known:
            first = rows[0]
            joined[space].append({"account": pair[1], "role": first.role or "listener", "at": _text(first.created_at)})
        if pair not in inside:
            ends = [row.ended_at for row in rows if row.ended_at is not None]
            evicted = any(row.state == "evicted" for row in rows)
            left[space].append({"account": pair[1], "evicted": evicted, "at": _text(max(ends, default=now))})
    came = [{"space": space, "account": account} for space, account in inside - known]
    if came:
        await connection.execute(insert(webhook_participants), came)
    if went := known - inside:
        gone = tuple_(webhook_participants.c.space, webhook_participants.c.account).in_(sorted(went))
        await connection.execute(delete(webhook_participants).where(gone))
    for kind, people in (("participant.joined", joined), ("participant.left", left)):
        for (here, creator), participants in people.items():
            body = {"space": here, "creator": creator, "participants": participants}
            tell(connection, Happening(kind, now, here, creator, body))
    return len(news)


async def _inside(connection: AsyncConnection, pairs: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those of them who are in now."""
    running = tuple_(admissions.c.space, admissions.c.account).in_(pairs) & admissions.c.ended_at.is_(None)
    rows = await connection.execute(select(admissions.c.space, admissions.c.account).where(running).distinct())
    return {(row.space, row.account) for row in rows}


async def _known(connection: AsyncConnection, pairs: list[tuple[str, int]]) -> set[tuple[str, int]]:
    table = webhook_participants.c
    rows = await connection.execute(
        select(table.space, table.account).where(tuple_(table.space, table.account).in_(pairs))
    )
    return {(row.space, row.account) for row in rows}


def _text(at: datetime) -> str:
    return at.isoformat()
