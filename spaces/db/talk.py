"""The lines of the backchannel and the captions of Spaces, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import audit
from access.database import read, write
from spaces.db.tables import captions, chat_lines, spaces
from spaces.talk.captions import Caption, Source
from spaces.talk.chat import Line

FORGOTTEN_AT_ONCE = 1_000
"""Rows in one transaction: whoever wants to write has his turn in between."""


class TalkStore:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def write(self, space: str, account: int, text: str, now: datetime) -> Line:
        return await write(self._engine, write_line, space, account, text, now)

    async def lines(self, space: str, most: int, *, before: int | None = None) -> list[Line]:
        """The last ones (of those with a smaller id than `before`), the oldest first."""
        return await read(self._engine, lines, space, most, before)

    async def line(self, space: str, line: int) -> Line | None:
        return await read(self._engine, find_line, space, line)

    async def delete(self, line: Line, space: str, creator: int, by: int, now: datetime) -> None:
        """Idempotent. Of somebody else's line the audit log is told."""
        await write(self._engine, delete_line, line, space, creator, by, now)

    async def clear(self, account: int, space: str, creator: int, by: int, now: datetime) -> int:
        """All lines of this account in the Space; how many there were."""
        return await write(self._engine, clear_lines, account, space, creator, by, now)

    async def add_captions(self, space: str, said: Sequence[Caption]) -> None:
        await write(self._engine, add_captions, space, said)

    async def captions(self, space: str, most: int, *, after: int = 0) -> list[tuple[int, Caption]]:
        """With their ids, those with a larger id than `after`, the oldest first."""
        return await read(self._engine, find_captions, space, most, after)

    async def forget(self, now: datetime, kept: timedelta) -> None:
        """What was written and said in Spaces that were over so long ago."""
        for table in (chat_lines, captions):
            while await write(self._engine, forget, table, now - kept) == FORGOTTEN_AT_ONCE:
                pass


async def write_line(connection: AsyncConnection, space: str, account: int, text: str, now: datetime) -> Line:
    row = {"space": space, "account": account, "at": now, "text": text}
    made = await connection.execute(insert(chat_lines).values(row).returning(chat_lines.c.id))
    return Line(made.scalar_one(), account, now, text)


async def lines(connection: AsyncConnection, space: str, most: int, before: int | None) -> list[Line]:
    query = select(chat_lines).where(chat_lines.c.space == space).order_by(chat_lines.c.id.desc()).limit(most)
    if before is not None:
        query = query.where(chat_lines.c.id < before)
    return [_line(row) for row in await connection.execute(query)][::-1]


async def find_line(connection: AsyncConnection, space: str, line: int) -> Line | None:
    query = select(chat_lines).where(chat_lines.c.id == line, chat_lines.c.space == space)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _line(row)


async def delete_line(
    connection: AsyncConnection, line: Line, space: str, creator: int, by: int, now: datetime
) -> None:
    gone = await connection.execute(delete(chat_lines).where(chat_lines.c.id == line.id, chat_lines.c.space == space))
    if gone.rowcount and by != line.account:
        await audit.record(
            connection, now, "chat.deleted", actor=by, account=line.account, creator=creator, space=space, id=line.id
        )


async def clear_lines(
    connection: AsyncConnection, account: int, space: str, creator: int, by: int, now: datetime
) -> int:
    mine = (chat_lines.c.account == account) & (chat_lines.c.space == space)
    count = (await connection.execute(delete(chat_lines).where(mine))).rowcount
    if count and by != account:
        await audit.record(
            connection, now, "chat.cleared", actor=by, account=account, creator=creator, space=space, lines=count
        )
    return count


async def add_captions(connection: AsyncConnection, space: str, said: Sequence[Caption]) -> None:
    rows = [
        {
            "space": space,
            "account": caption.account,
            "began_at": caption.began_at,
            "ended_at": caption.ended_at,
            "text": caption.text,
            "source": str(caption.source),
        }
        for caption in said
    ]
    if rows:
        await connection.execute(insert(captions), rows)


async def find_captions(connection: AsyncConnection, space: str, most: int, after: int) -> list[tuple[int, Caption]]:
    query = select(captions).where(captions.c.space == space, captions.c.id > after).order_by(captions.c.id).limit(most)
    return [
        (row.id, Caption(row.account, row.began_at, row.ended_at, row.text, Source(row.source)))
        for row in await connection.execute(query)
    ]


async def forget(connection: AsyncConnection, table: Table, ended_before: datetime) -> int:
    """How many rows went; FORGOTTEN_AT_ONCE at most."""
    old = (
        select(table.c.id)
        .join(spaces, spaces.c.id == table.c.space)
        .where(spaces.c.ended_at < ended_before)
        .limit(FORGOTTEN_AT_ONCE)
    )
    return (await connection.execute(delete(table).where(table.c.id.in_(old.scalar_subquery())))).rowcount


def _line(row: Row[Any]) -> Line:
    return Line(row.id, row.account, row.at, row.text)
