"""Guest links: each brings one person to the stage, once, until it expires. Only a hash of what is in them is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import audit
from access.database import read, write
from spaces.db.tables import guest_links
from spaces.errors import RequestError

TOKEN_BYTES = 24
OPEN_MAX = 50
"""Links of one Space that can still be used: ten speakers, and some that were lost."""


@dataclass(frozen=True, slots=True)
class GuestLink:
    id: int
    made_by: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_by: int | None
    used_at: datetime | None


class GuestLinks:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def make(
        self, space: str, creator: int, by: int, lifetime: timedelta, now: datetime
    ) -> tuple[GuestLink, str]:
        """The link, and what it carries, which is told this once. Raises RequestError(409)."""
        return await write(self._engine, make, space, creator, by, lifetime, now)

    async def check(self, space: str, token: str, now: datetime) -> None:
        """Raises RequestError(404 | 410) unless it can be used."""
        await read(self._engine, check, space, token, now)

    async def of_space(self, space: str) -> list[GuestLink]:
        """The newest first."""
        return await read(self._engine, of_space, space)

    async def revoke(self, space: str, creator: int, by: int, link: int, now: datetime) -> None:
        """Idempotent. Raises RequestError(404 | 410)."""
        await write(self._engine, revoke, space, creator, by, link, now)


async def make(
    connection: AsyncConnection, space: str, creator: int, by: int, lifetime: timedelta, now: datetime
) -> tuple[GuestLink, str]:
    usable = (
        (guest_links.c.space == space)
        & guest_links.c.used_at.is_(None)
        & guest_links.c.revoked_at.is_(None)
        & (guest_links.c.expires_at > now)
    )
    if (await connection.execute(select(func.count()).where(usable))).scalar_one() >= OPEN_MAX:
        raise RequestError(409, "too_many_links", f"{OPEN_MAX} links can still be used: revoke one first")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {
        "space": space,
        "token_sha256": _hash(token),
        "made_by": by,
        "created_at": now,
        "expires_at": now + lifetime,
    }
    made = (await connection.execute(insert(guest_links).values(row).returning(guest_links))).one()
    await audit.record(connection, now, "guest_link.made", actor=by, creator=creator, space=space, id=made.id)
    return _link(made), token


async def of_space(connection: AsyncConnection, space: str) -> list[GuestLink]:
    query = select(guest_links).where(guest_links.c.space == space).order_by(guest_links.c.id.desc()).limit(200)
    return [_link(row) for row in await connection.execute(query)]


async def revoke(connection: AsyncConnection, space: str, creator: int, by: int, link: int, now: datetime) -> None:
    mine = (guest_links.c.id == link) & (guest_links.c.space == space)
    row = (await connection.execute(select(guest_links).where(mine).with_for_update())).one_or_none()
    if row is None:
        raise unknown_link()
    if row.used_at is not None:
        raise RequestError(410, "link_used", "this link has been used: take its guest from the stage instead")
    if row.revoked_at is None:
        await connection.execute(update(guest_links).where(mine).values(revoked_at=now))
        await audit.record(connection, now, "guest_link.revoked", actor=by, creator=creator, space=space, id=link)


async def use(connection: AsyncConnection, space: str, token: str, account: int, now: datetime) -> None:
    """Used up with the transaction that this is part of. Raises RequestError(404 | 410)."""
    mine = (guest_links.c.token_sha256 == _hash(token)) & (guest_links.c.space == space)
    good = guest_links.c.used_at.is_(None) & guest_links.c.revoked_at.is_(None) & (guest_links.c.expires_at > now)
    used = update(guest_links).where(mine & good).values(used_by=account, used_at=now)
    if (await connection.execute(used)).rowcount == 1:
        return
    await check(connection, space, token, now)


async def check(connection: AsyncConnection, space: str, token: str, now: datetime) -> None:
    """Raises RequestError(404 | 410) unless it can be used."""
    mine = (guest_links.c.token_sha256 == _hash(token)) & (guest_links.c.space == space)
    row = (await connection.execute(select(guest_links).where(mine))).one_or_none()
    if row is None:
        raise unknown_link()
    if row.used_at is not None:
        raise RequestError(410, "link_used", "this link has been used")
    if row.revoked_at is not None:
        raise RequestError(410, "link_revoked", "this link has been taken back")
    if row.expires_at <= now:
        raise RequestError(410, "link_expired", "this link has expired")


def unknown_link() -> RequestError:
    return RequestError(404, "unknown_link", "there is no such guest link")


def _hash(token: str) -> bytes:
    """Without a salt: it stands for 192 random bits."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _link(row: Row[Any]) -> GuestLink:
    return GuestLink(
        row.id, row.made_by, row.created_at, row.expires_at, row.revoked_at, row.used_by, row.used_at
    )  # fmt: skip
