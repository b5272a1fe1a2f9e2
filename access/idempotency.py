"""Requests that cost money, made again with the same `Idempotency-Key`: answered as the first time, and done once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access.database import insert_or_ignore, write
from access.errors import AccessError
from access.fields import bad_field, is_storable
from access.model import Account
from access.tables_money import idempotency_keys

KEY_LENGTH_MAX = 255
KEPT = timedelta(days=2)
ABANDONED = timedelta(minutes=1)
"""A request that has not been answered for so long has died with its node: it is done again."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    status: int
    body: str
    location: str | None


async def claim(
    connection: AsyncConnection, account: int, key: str, request_sha256: str, now: datetime
) -> StoredAnswer | None:
    """The answer of the first time; None: this is the first. 409 in_progress; 422 for a key of another request."""
    if not (1 <= len(key) <= KEY_LENGTH_MAX and is_storable(key)):
        raise bad_field("Idempotency-Key", f"1 to {KEY_LENGTH_MAX} printable characters")
    mine = (idempotency_keys.c.account == account) & (idempotency_keys.c.key == key)
    new = {"account": account, "key": key, "request_sha256": request_sha256, "created_at": now}
    insertion = insert_or_ignore(connection, idempotency_keys).values(new).returning(idempotency_keys.c.id)
    if (await connection.execute(insertion)).first() is not None:
        return None
    row = (await connection.execute(select(idempotency_keys).where(mine).with_for_update())).one()
    if row.request_sha256 != request_sha256:
        raise mismatch()
    if row.status is not None:
        return StoredAnswer(row.status, row.answer or "", row.location)
    if row.created_at > now - ABANDONED:
        raise AccessError(409, "in_progress", "The same request is under way; ask again in a moment.")
    await connection.execute(update(idempotency_keys).where(mine).values(created_at=now))
    return None


def digest(account: int, purpose: str, key: str) -> str:
    """A name of 64 characters for what an account asks for by a key of its own."""
    return hashlib.sha256(f"{account}:{purpose}:{key}".encode()).hexdigest()


def mismatch() -> AccessError:
    return AccessError(422, "idempotency_mismatch", "This key was used for another request.", "Idempotency-Key")


async def finish(connection: AsyncConnection, account: int, key: str, answer: StoredAnswer) -> None:
    mine = (idempotency_keys.c.account == account) & (idempotency_keys.c.key == key)
    values = {"status": answer.status, "answer": answer.body, "location": answer.location}
    await connection.execute(update(idempotency_keys).where(mine).values(values))


async def release(connection: AsyncConnection, account: int, key: str) -> None:
    """It failed for a reason that may pass: it may be tried again."""
    mine = (idempotency_keys.c.account == account) & (idempotency_keys.c.key == key)
    await connection.execute(delete(idempotency_keys).where(mine, idempotency_keys.c.status.is_(None)))


async def forget(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < now - KEPT))


class Idempotency:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    async def claim(self, account: Account, key: str, request_sha256: str) -> StoredAnswer | None:
        return await write(self._engine, claim, account.id, key, request_sha256, self._now())

    async def finish(self, account: Account, key: str, answer: StoredAnswer) -> None:
        await write(self._engine, finish, account.id, key, answer)

    async def release(self, account: Account, key: str) -> None:
        await write(self._engine, release, account.id, key)
