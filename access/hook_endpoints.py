"""Where integrators want to be told: endpoints, their secrets and what they want to hear.

`owner` is the integration that asks, or None for an operator, who may see and change all of them.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy import insert as insert_row
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, fields
from access.errors import AccessError
from access.hook_kinds import FAMILIES, KINDS
from access.hook_model import Endpoint
from access.hooks import ENDPOINTS, take_numbers
from access.tables import admissions, integrations
from access.tables_hooks import webhook_deliveries, webhook_endpoints, webhook_participants, webhook_queues

ENDPOINTS_MAX = 16
"""Of a server: each may keep some connections busy."""
FORMER_SECRET_SIGNS = timedelta(hours=24)
"""After a rotation both sign, so that the receiver may change over in his own time."""
SECRET_BYTES = 32
PREFIX = "whsec_"


async def add(
    connection: AsyncConnection,
    owner: int | None,
    actor: int | None,
    *,
    integration: str | None,
    url: str,
    kinds: Sequence[str],
    description: str,
    now: datetime,
) -> tuple[Endpoint, str]:
    """The endpoint, and its secret, which is shown this once. The URL has been checked. 404, 409, 422."""
    for kind in kinds:
        fields.choice(kind, "kinds", (*KINDS, *FAMILIES))
    if owner is None and integration is not None:
        owner = await _integration(connection, integration)
    await take_numbers(connection, 0)  # whoever else adds one waits
    if (await connection.execute(select(func.count()).select_from(webhook_endpoints))).scalar_one() >= ENDPOINTS_MAX:
        raise AccessError(409, "too_many_endpoints", f"There are at most {ENDPOINTS_MAX} webhook endpoints.")
    if (await connection.execute(ENDPOINTS.limit(1))).first() is None:
        await _begin_anew(connection)
    secret = new_secret()
    row = {
        "integration": owner,
        "url": url,
        "kinds": list(dict.fromkeys(kinds)),
        "description": fields.text(description, "description", 100) if description.strip() else "",
        "secret": secret,
        "created_at": now,
    }
    made = (
        await connection.execute(insert_row(webhook_endpoints).values(row).returning(webhook_endpoints.c.id))
    ).scalar_one()
    await audit.record(connection, now, "webhook_endpoint.added", actor=actor, id=made)
    return await one(connection, owner, made), secret


async def listed(connection: AsyncConnection, owner: int | None) -> list[Endpoint]:
    mine = select(webhook_endpoints, integrations.c.name).outerjoin(integrations)
    if owner is not None:
        mine = mine.where(webhook_endpoints.c.integration == owner)
    rows = (await connection.execute(mine.order_by(webhook_endpoints.c.id))).all()
    counts = await _counts(connection, [row.id for row in rows])
    return [_endpoint(row, counts) for row in rows]


async def one(connection: AsyncConnection, owner: int | None, endpoint: int) -> Endpoint:
    """404 unknown_endpoint, also for somebody else's."""
    for found in await listed(connection, owner):
        if found.id == endpoint:
            return found
    raise AccessError(404, "unknown_endpoint", "There is no such webhook endpoint.")


async def rotate(
    connection: AsyncConnection, owner: int | None, actor: int | None, endpoint: int, now: datetime
) -> tuple[Endpoint, str]:
    """A new secret; the one before signs, too, for FORMER_SECRET_SIGNS."""
    await one(connection, owner, endpoint)
    secret = new_secret()
    values = {
        "former_secret": webhook_endpoints.c.secret,
        "former_until": now + FORMER_SECRET_SIGNS,
        "secret": secret,
    }
    await connection.execute(update(webhook_endpoints).where(webhook_endpoints.c.id == endpoint).values(values))
    await audit.record(connection, now, "webhook_endpoint.secret_rotated", actor=actor, id=endpoint)
    return await one(connection, owner, endpoint), secret


async def disable(
    connection: AsyncConnection, owner: int | None, actor: int | None, endpoint: int, now: datetime, why: str = "asked"
) -> Endpoint:
    """Nothing more is put in its queues, and what waits there waits. Idempotent. 404."""
    found = await one(connection, owner, endpoint)
    if found.disabled_at is not None:
        return found
    values = {"disabled_at": now, "disabled_why": why}
    await connection.execute(update(webhook_endpoints).where(webhook_endpoints.c.id == endpoint).values(values))
    await audit.record(connection, now, "webhook_endpoint.disabled", actor=actor, id=endpoint, why=why)
    return await one(connection, owner, endpoint)


async def enable(
    connection: AsyncConnection, owner: int | None, actor: int | None, endpoint: int, now: datetime
) -> Endpoint:
    """Told again from now on, and of what still waits. Idempotent. 404."""
    found = await one(connection, owner, endpoint)
    if found.disabled_at is None:
        return found
    if (await connection.execute(ENDPOINTS.limit(1))).first() is None:
        await _begin_anew(connection)
    values = {"disabled_at": None, "disabled_why": None, "failing_since": None, "last_error": None}
    await connection.execute(update(webhook_endpoints).where(webhook_endpoints.c.id == endpoint).values(values))
    await audit.record(connection, now, "webhook_endpoint.enabled", actor=actor, id=endpoint)
    return await one(connection, owner, endpoint)


async def remove(
    connection: AsyncConnection, owner: int | None, actor: int | None, endpoint: int, now: datetime
) -> None:
    """With everything that waits for it. 404."""
    await one(connection, owner, endpoint)
    await take_numbers(connection, 0)  # nobody puts anything in its queues meanwhile
    for table in (webhook_queues, webhook_deliveries):
        await connection.execute(delete(table).where(table.c.endpoint == endpoint))
    await connection.execute(delete(webhook_endpoints).where(webhook_endpoints.c.id == endpoint))
    await audit.record(connection, now, "webhook_endpoint.removed", actor=actor, id=endpoint)


def new_secret() -> str:
    """As Standard Webhooks has it: the key in base64 behind `whsec_`."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


async def _begin_anew(connection: AsyncConnection) -> None:
    """While nobody was told, nobody kept account of who is inside."""
    await connection.execute(delete(webhook_participants))
    await connection.execute(update(admissions).where(admissions.c.untold).values(untold=False))


async def _integration(connection: AsyncConnection, name: str) -> int:
    query = select(integrations.c.id).where(integrations.c.name == name)
    found = (await connection.execute(query)).scalar_one_or_none() if fields.is_storable(name) else None
    if found is None:
        raise AccessError(422, "unknown_integration", "integration: there is none of this name", "integration")
    return int(found)


async def _counts(connection: AsyncConnection, endpoints: list[int]) -> dict[tuple[int, str], int]:
    deliveries = webhook_deliveries.c
    query = (
        select(deliveries.endpoint, deliveries.state, func.count().label("count"))
        .where(deliveries.endpoint.in_(endpoints), deliveries.state.in_(("waiting", "dead")))
        .group_by(deliveries.endpoint, deliveries.state)
    )
    return {(row.endpoint, row.state): row._mapping["count"] for row in await connection.execute(query)}


def _endpoint(row: Row[Any], counts: dict[tuple[int, str], int]) -> Endpoint:
    return Endpoint(
        id=row.id,
        integration=row.name,
        url=row.url,
        kinds=tuple(row.kinds),
        description=row.description,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        disabled_why=row.disabled_why,
        failing_since=row.failing_since,
        last_error=row.last_error,
        waiting=counts.get((row.id, "waiting"), 0),
        dead=counts.get((row.id, "dead"), 0),
    )
