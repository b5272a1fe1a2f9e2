"""Reports of Spaces and of people in them: rows in the operators' queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import audit
from access.database import read, write
from spaces.db.tables import reports, spaces
from spaces.errors import RequestError

OPEN_PER_ACCOUNT_MAX = 50
"""Reports of one account that nobody has looked at: more would bury those of others."""
LISTED_MAX = 100


@dataclass(frozen=True, slots=True)
class Report:
    id: int
    account: int
    space: str
    about: int | None
    """None: the Space as a whole."""
    reason: str
    detail: str
    created_at: datetime
    outcome: str | None
    """acted or dismissed; None: open."""
    closed_by: int | None
    closed_at: datetime | None
    note: str
    """Of the operator who closed it."""


class Reports:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def make(
        self, account: int, space: str, creator: int, about: int | None, reason: str, detail: str, now: datetime
    ) -> Report:
        """One that stands open already is that one. Raises RequestError(429)."""
        return await write(self._engine, make, account, space, creator, about, reason, detail, now)

    async def listed(self, *, closed: bool, after: int) -> list[Report]:
        """Those with a larger id than `after`, the oldest first."""
        return await read(self._engine, listed, closed=closed, after=after)

    async def get(self, report: int) -> Report:
        """Raises RequestError(404)."""
        return await read(self._engine, get, report)

    async def about(self, account: int) -> list[Report]:
        """The newest, open and closed: of him, and of his Spaces."""
        return await read(self._engine, about, account)

    async def close(self, report: int, outcome: str, note: str, by: int | None, now: datetime) -> Report:
        """`by` None: whoever has the machine. Raises RequestError(404 | 409)."""
        return await write(self._engine, close, report, outcome, note, by, now)


async def make(
    connection: AsyncConnection,
    account: int,
    space: str,
    creator: int,
    about: int | None,
    reason: str,
    detail: str,
    now: datetime,
) -> Report:
    mine = (reports.c.account == account) & reports.c.outcome.is_(None)
    same = (
        mine & (reports.c.space == space) & (reports.c.about.is_(None) if about is None else reports.c.about == about)
    )
    standing = (await connection.execute(select(reports).where(same))).first()
    if standing is not None:
        return _report(standing)
    if (await connection.execute(select(func.count()).where(mine))).scalar_one() >= OPEN_PER_ACCOUNT_MAX:
        raise RequestError(
            429, "too_many_reports", "your reports have not been looked at yet", retry_after_seconds=3600
        )
    row = {
        "account": account,
        "space": space,
        "about": about,
        "reason": reason,
        "detail": detail,
        "created_at": now,
    }
    made = (await connection.execute(insert(reports).values(row).returning(reports))).one()
    await audit.record(
        connection, now, "report.made", actor=account, account=about, creator=creator, space=space, id=made.id
    )
    return _report(made)


async def listed(connection: AsyncConnection, *, closed: bool, after: int) -> list[Report]:
    state = reports.c.outcome.is_not(None) if closed else reports.c.outcome.is_(None)
    query = select(reports).where(state, reports.c.id > after).order_by(reports.c.id).limit(LISTED_MAX)
    return [_report(row) for row in await connection.execute(query)]


async def get(connection: AsyncConnection, report: int) -> Report:
    row = (await connection.execute(select(reports).where(reports.c.id == report))).one_or_none()
    if row is None:
        raise unknown_report()
    return _report(row)


async def about(connection: AsyncConnection, account: int) -> list[Report]:
    theirs = select(spaces.c.id).where(spaces.c.creator == account)
    query = select(reports).where((reports.c.about == account) | reports.c.space.in_(theirs))
    return [_report(row) for row in await connection.execute(query.order_by(reports.c.id.desc()).limit(LISTED_MAX))]


async def close(
    connection: AsyncConnection, report: int, outcome: str, note: str, by: int | None, now: datetime
) -> Report:
    open_ = (reports.c.id == report) & reports.c.outcome.is_(None)
    closing = (
        update(reports).where(open_).values(outcome=outcome, closed_by=by, closed_at=now, note=note).returning(reports)
    )
    closed = (await connection.execute(closing)).one_or_none()
    if closed is None:
        if (await connection.execute(select(reports.c.id).where(reports.c.id == report))).first() is None:
            raise unknown_report()
        raise RequestError(409, "closed", "this report has been closed")
    whose = select(spaces.c.creator).where(spaces.c.id == closed.space)
    creator = (await connection.execute(whose)).scalar_one()
    await audit.record(
        connection, now, "report.closed", actor=by, account=closed.about, creator=creator, space=closed.space, id=report,
        outcome=outcome,
    )  # fmt: skip
    return _report(closed)


def _report(row: Row[Any]) -> Report:
    return Report(
        row.id, row.account, row.space, row.about, row.reason, row.detail, row.created_at, row.outcome, row.closed_by,
        row.closed_at, row.note,
    )  # fmt: skip


def unknown_report() -> RequestError:
    return RequestError(404, "unknown_report", "there is no such report")
