"""Spaces in the database: records in, records out. Each method is one transaction."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import ticket_offers
from access.database import insert_or_ignore, reading, writing
from spaces.db.tables import server_keys, spaces, stage_members
from spaces.room_record import AccessRule, Record, StageMember
from spaces.room_rules import Role, State

ID_ALPHABET = string.ascii_letters + string.digits
ID_LENGTH = 13
"""The longest that `^[a-zA-Z0-9]{1,13}$` allows: 77 bits, so ids are not guessed and never collide."""

SPACE_ID = re.compile(r"[a-zA-Z0-9]{1,13}")

LISTED_MAX = 100
"""Spaces in one list."""


def new_space_id() -> str:
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


class SpaceStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def insert(self, record: Record) -> None:
        async with writing(self._engine) as connection:
            await connection.execute(insert(spaces).values(_row(record)))
            await connection.execute(insert(stage_members), _stage_rows(record))

    async def save(self, record: Record) -> None:
        """Write a changed record whole. The tickets of a Space that is over are told in the same transaction."""
        async with writing(self._engine) as connection:
            await connection.execute(update(spaces).where(spaces.c.id == record.id).values(_row(record)))
            await connection.execute(delete(stage_members).where(stage_members.c.space == record.id))
            await connection.execute(insert(stage_members), _stage_rows(record))
            if record.state in (State.ENDED, State.CANCELLED) and record.ended_at is not None:
                await ticket_offers.close(connection, record.id, str(record.state), record.ended_at)

    async def load(self, space: str) -> Record | None:
        if SPACE_ID.fullmatch(space) is None:
            return None  # PostgreSQL would fail on some characters
        async with reading(self._engine) as connection:
            found = await self._records(connection, select(spaces).where(spaces.c.id == space))
        return found[0] if found else None

    async def listed(self, states: Iterable[State], *, creator: int | None = None) -> list[Record]:
        """The newest first, at most LISTED_MAX."""
        query = select(spaces).where(spaces.c.state.in_([str(state) for state in states]))
        if creator is not None:
            query = query.where(spaces.c.creator == creator)
        async with reading(self._engine) as connection:
            return await self._records(connection, query.order_by(spaces.c.created_at.desc()).limit(LISTED_MAX))

    async def server_key(self, name: str, now: datetime) -> bytes:
        """The server's own key of that name: 32 random bytes, made the first time it is asked for."""
        async with writing(self._engine) as connection:
            await connection.execute(
                insert_or_ignore(connection, server_keys).values(
                    name=name, secret=secrets.token_bytes(32), created_at=now
                )
            )
            row = (await connection.execute(select(server_keys.c.secret).where(server_keys.c.name == name))).one()
            return bytes(row.secret)

    @staticmethod
    async def _records(connection: AsyncConnection, query: Any) -> list[Record]:
        rows = (await connection.execute(query)).all()
        if not rows:
            return []
        members = await connection.execute(
            select(stage_members)
            .where(stage_members.c.space.in_([row.id for row in rows]))
            .order_by(stage_members.c.space, stage_members.c.position)
        )
        stages: dict[str, list[StageMember]] = {}
        for member in members:
            stages.setdefault(member.space, []).append(StageMember(member.account, Role(member.role)))
        return [_record(row, stages.get(row.id, ())) for row in rows]


def _row(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "creator": record.creator,
        "title": record.title,
        "access": [asdict(rule) for rule in record.access],
        "topics": list(record.topics),
        "language": record.language,
        "state": str(record.state),
        "scheduled_start": record.scheduled_start,
        "time_zone": record.time_zone,
        "created_at": record.created_at,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
    }


def _stage_rows(record: Record) -> list[dict[str, Any]]:
    return [
        {"space": record.id, "account": member.account, "role": str(member.role), "position": position}
        for position, member in enumerate(record.stage)
    ]


def _record(row: Row[Any], stage: Sequence[StageMember]) -> Record:
    return Record(
        id=row.id,
        creator=row.creator,
        title=row.title,
        access=tuple(AccessRule(**rule) for rule in row.access),
        topics=tuple(row.topics),
        language=row.language,
        state=State(row.state),
        scheduled_start=row.scheduled_start,
        time_zone=row.time_zone,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        stage=tuple(stage),
    )
