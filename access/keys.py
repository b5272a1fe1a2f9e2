"""Integrations and the keys they sign account tokens with. An integration has several keys, so that they can rotate."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, fields
from access.database import insert_or_ignore
from access.errors import AccessError
from access.model import ApiKey
from access.tables import api_keys, integrations
from access.tokens import SECRET_BYTES_MIN

DEFAULT_INTEGRATION = "default"
SECRET_LENGTH_MAX = 1_024
KEY_ID_LENGTH_MAX = 100

BY_ID = select(api_keys).where(api_keys.c.id == bindparam("key"))


async def ensure_integration(connection: AsyncConnection, name: str, now: datetime) -> int:
    """The id of the integration of this name, which is made if there is none."""
    await connection.execute(
        insert_or_ignore(connection, integrations).values(name=fields.text(name, "integration", 100), created_at=now)
    )
    query = select(integrations.c.id).where(integrations.c.name == name)
    return int((await connection.execute(query)).scalar_one())


async def ensure_key(connection: AsyncConnection, key_id: str, secret: str, now: datetime) -> None:
    """The key that the operator configured: made, or given the configured secret. 409 key_revoked; 422."""
    row = await find_key(connection, key_id)
    if row is None:
        integration = await ensure_integration(connection, DEFAULT_INTEGRATION, now)
        await _insert(connection, key_id, secret, integration, now)
    elif row.revoked_at is not None:
        raise AccessError(409, "key_revoked", f"The key {key_id} has been revoked; configure another one.")
    elif row.secret != secret:
        _check_secret(secret)
        await connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(secret=secret))
        await audit.record(connection, now, "key.secret_changed", actor=None, key=key_id)


async def add_key(
    connection: AsyncConnection, key_id: str | None, integration: str, now: datetime
) -> tuple[ApiKey, str]:
    """A new key with a secret of its own. 409 key_exists."""
    key_id = key_id or f"key-{secrets.token_hex(6)}"
    if await find_key(connection, key_id) is not None:
        raise AccessError(409, "key_exists", f"There is a key {key_id} already.")
    secret = secrets.token_urlsafe(SECRET_BYTES_MIN)
    owner = await ensure_integration(connection, integration, now)
    await _insert(connection, key_id, secret, owner, now)
    return ApiKey(key_id, owner, now, None), secret


async def list_keys(connection: AsyncConnection) -> list[ApiKey]:
    rows = await connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
    return [ApiKey(row.id, row.integration, row.created_at, row.revoked_at) for row in rows]


async def revoke_key(connection: AsyncConnection, key_id: str, now: datetime) -> None:
    if await find_key(connection, key_id) is None:
        raise AccessError(404, "unknown_key", f"There is no key {key_id}.")
    mine = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
    await connection.execute(update(api_keys).where(mine).values(revoked_at=now))
    await audit.record(connection, now, "key.revoked", actor=None, key=key_id)


async def find_key(connection: AsyncConnection, key_id: str) -> Row[Any] | None:
    return (await connection.execute(BY_ID, {"key": key_id})).one_or_none()


async def newest_key(connection: AsyncConnection, integration: int) -> Row[Any] | None:
    """The key that tokens of this integration are best signed with."""
    query = (
        select(api_keys)
        .where(api_keys.c.integration == integration, api_keys.c.revoked_at.is_(None))
        .order_by(api_keys.c.created_at.desc(), api_keys.c.id)
        .limit(1)
    )
    return (await connection.execute(query)).one_or_none()


async def _insert(connection: AsyncConnection, key_id: str, secret: str, integration: int, now: datetime) -> None:
    row = {
        "id": fields.text(key_id, "key_id", KEY_ID_LENGTH_MAX),
        "integration": integration,
        "secret": _check_secret(secret),
        "created_at": now,
    }
    await connection.execute(insert_or_ignore(connection, api_keys).values(row))  # nodes that start at once agree
    await audit.record(connection, now, "key.added", actor=None, key=key_id)


def _check_secret(secret: str) -> str:
    if not SECRET_BYTES_MIN <= len(secret.encode()) <= SECRET_LENGTH_MAX:
        raise fields.bad_field("secret", f"at least {SECRET_BYTES_MIN} bytes, as RFC 7518 §3.2 asks of HS256")
    return secret
