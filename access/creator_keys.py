"""Keys that a creator gives to programs of others, such as a shop: each good for one thing. The secret is kept as a hash."""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, creators, fields
from access.benefit_model import CreatorKey
from access.errors import AccessError, TokenError
from access.model import Account
from access.tables_benefits import creator_keys

SCOPES = ("merch",)
KEYS_MAX = 100
"""Of one creator, revoked ones too."""
TOKEN = re.compile(r"(ck[0-9a-f]{16})\.([A-Za-z0-9_-]{43})", re.ASCII)


async def create(
    connection: AsyncConnection, actor: Account, creator: int, name: str, scope: str, now: datetime
) -> tuple[CreatorKey, str]:
    """The key and its token, which is shown this once. 403 not_creator; 409 too_many_keys; 422."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    await accounts.lock(connection, creator)
    mine = select(func.count()).select_from(creator_keys).where(creator_keys.c.creator == creator)
    if (await connection.execute(mine)).scalar_one() >= KEYS_MAX:
        raise AccessError(409, "too_many_keys", f"A creator has at most {KEYS_MAX} keys.")
    key_id, secret = f"ck{secrets.token_hex(8)}", secrets.token_urlsafe(32)
    row = {
        "id": key_id,
        "creator": creator,
        "name": fields.text(name, "name", 100),
        "scope": fields.choice(scope, "scope", SCOPES),
        "secret_sha256": _digest(secret),
        "created_at": now,
    }
    made = (await connection.execute(insert(creator_keys).values(row).returning(creator_keys))).one()
    await audit.record(connection, now, "creator.key.added", actor=actor.id, creator=creator, key=key_id, scope=scope)
    return _key(made), f"{key_id}.{secret}"


async def of_creator(connection: AsyncConnection, actor: Account, creator: int) -> list[CreatorKey]:
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    query = select(creator_keys).where(creator_keys.c.creator == creator).order_by(creator_keys.c.created_at)
    return [_key(row) for row in await connection.execute(query)]


async def revoke(connection: AsyncConnection, actor: Account, creator: int, key: str, now: datetime) -> None:
    """Idempotent. 403 not_creator; 404 unknown_key."""
    await creators.require_member(connection, creator, actor, creators.FINANCE_ROLES)
    mine = (creator_keys.c.id == key) & (creator_keys.c.creator == creator)
    row = (await connection.execute(select(creator_keys).where(mine))).one_or_none() if key.isascii() else None
    if row is None:
        raise AccessError(404, "unknown_key", "There is no such key.")
    if row.revoked_at is None:
        await connection.execute(update(creator_keys).where(mine).values(revoked_at=now))
        await audit.record(connection, now, "creator.key.revoked", actor=actor.id, creator=creator, key=key)


async def authenticate(connection: AsyncConnection, token: str, scope: str) -> CreatorKey:
    """Raises TokenError."""
    match = TOKEN.fullmatch(token)
    query = select(creator_keys).where(creator_keys.c.id == (match[1] if match else ""))
    row = (await connection.execute(query)).one_or_none()
    if match is None or row is None or not hmac.compare_digest(row.secret_sha256, _digest(match[2])):
        raise TokenError("key_unknown", "This is no key of a creator.")
    if row.revoked_at is not None:
        raise TokenError("key_revoked", "This key has been revoked.")
    if row.scope != scope:
        raise TokenError("key_scope", "This key is for something else.")
    return _key(row)


def _digest(secret: str) -> str:
    """Secrets are random and long: there is nothing to guess, so a plain hash will do."""
    return sha256(secret.encode()).hexdigest()


def _key(row: Row[Any]) -> CreatorKey:
    return CreatorKey(row.id, row.creator, row.name, row.scope, row.created_at, row.revoked_at)
