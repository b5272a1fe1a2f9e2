"""Browser sessions: who holds a session's token is the account, until it expires, signs out or is revoked."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit
from access.errors import AccessError
from access.model import Account
from access.tables_people import sessions

LIFETIME = timedelta(days=30)
SEEN_EVERY = timedelta(hours=1)
"""How exactly the time of the last use is kept: reading is not to become writing."""
TOKEN_BYTES = 32
TOKEN_LENGTH_MAX = 64
SESSIONS_MAX = 100
"""Of one account; with the next one the oldest ends."""


@dataclass(frozen=True, slots=True)
class Client:
    """What is noted of a browser that signs in, so that its owner knows it again in the list."""

    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Session:
    id: int
    method: str
    """mail or oidc."""
    user_agent: str
    client_address: str | None
    created_at: datetime
    last_seen_at: datetime
    """To the hour."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody has signed in. The token is told this once; we keep its hash."""

    account: Account
    token: str
    expires_at: datetime


def digest(secret: str) -> str:
    """What is stored of a random secret: SHA-256, by which it is also found, so no comparison tells anything by its time."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def open_session(connection: AsyncConnection, account: int, method: str, client: Client, now: datetime) -> Opened:
    """403 suspended."""
    opened_by = await accounts.by_id(connection, account)
    if opened_by.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    mine = select(sessions.c.id).where(sessions.c.account == account)
    kept = mine.order_by(sessions.c.created_at.desc(), sessions.c.id.desc()).limit(SESSIONS_MAX - 1)
    too_old = (sessions.c.account == account) & sessions.c.id.not_in(kept)
    await connection.execute(delete(sessions).where(too_old))
    row = {
        "account": account,
        "token_sha256": digest(token),
        "method": method,
        "user_agent": "".join(c for c in client.user_agent if c.isprintable())[:200],
        "client_address": client.address[:64],
        "created_at": now,
        "last_seen_at": now,
        "expires_at": now + LIFETIME,
    }
    made = (await connection.execute(insert(sessions).values(row).returning(sessions.c.id))).scalar_one()
    await audit.record(connection, now, "session.opened", actor=account, account=account, id=made, method=method)
    return Opened(opened_by, token, now + LIFETIME)


async def find(connection: AsyncConnection, token: str, now: datetime) -> tuple[int, int, bool] | None:
    """Account, id, and whether it is time to note that it is used; None: no such session (any more)."""
    if len(token) > TOKEN_LENGTH_MAX:
        return None
    query = select(sessions.c.account, sessions.c.id, sessions.c.last_seen_at)
    found = query.where(sessions.c.token_sha256 == digest(token), sessions.c.expires_at > now)
    row = (await connection.execute(found)).one_or_none()
    return None if row is None else (row.account, row.id, now - row.last_seen_at >= SEEN_EVERY)


async def note_use(connection: AsyncConnection, session: int, now: datetime) -> None:
    await connection.execute(update(sessions).where(sessions.c.id == session).values(last_seen_at=now))


async def of_account(connection: AsyncConnection, account: int, now: datetime) -> list[Session]:
    """The newest first."""
    query = select(sessions).where(sessions.c.account == account, sessions.c.expires_at > now)
    return [
        Session(r.id, r.method, r.user_agent, r.client_address, r.created_at, r.last_seen_at, r.expires_at)
        for r in await connection.execute(query.order_by(sessions.c.created_at.desc(), sessions.c.id.desc()))
    ]


async def revoke(connection: AsyncConnection, account: int, session: int, now: datetime) -> None:
    """404 unknown_session, also for somebody else's."""
    mine = (sessions.c.account == account) & (sessions.c.id == session)
    if not (await connection.execute(delete(sessions).where(mine))).rowcount:
        raise AccessError(404, "unknown_session", "There is no such session.")
    await audit.record(connection, now, "session.revoked", actor=account, account=account, id=session)


async def revoke_others(connection: AsyncConnection, account: int, kept: int | None, now: datetime) -> None:
    """Every session of the account but the one that asks."""
    others = (sessions.c.account == account) & (sessions.c.id != (kept or 0))
    if (await connection.execute(delete(sessions).where(others))).rowcount:
        await audit.record(connection, now, "session.others_revoked", actor=account, account=account)


async def close(connection: AsyncConnection, token: str, now: datetime) -> None:
    """Sign out. Idempotent."""
    found = await find(connection, token, now)
    if found is not None:
        await revoke(connection, found[0], found[1], now)


async def forget(connection: AsyncConnection, now: datetime, addresses_kept: timedelta) -> None:
    """Sessions that have expired, and the client addresses of older ones."""
    await connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    old = (sessions.c.created_at < now - addresses_kept) & sessions.c.client_address.is_not(None)
    await connection.execute(update(sessions).where(old).values(client_address=None))
