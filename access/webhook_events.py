"""The list of what providers have sent: each event once, from received to applied, ignored or dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import insert_or_ignore
from access.stripe_webhooks import Event
from access.tables_payments import provider_cursors, webhook_events

KEPT = timedelta(days=90)
"""Stripe retries for 3 days and lists its events for 30: what is older cannot come again."""
FIRST_PAUSE = timedelta(minutes=1)
"""Whoever received it works on it meanwhile."""
PAUSE_MAX = timedelta(hours=3)
ATTEMPTS_MAX = 30
"""With pauses that double up to PAUSE_MAX: three days."""
BATCH_MAX = 50


@dataclass(frozen=True, slots=True)
class Received:
    id: int
    kind: str
    subject: str
    type: str
    attempts: int


async def store(connection: AsyncConnection, event: Event, now: datetime) -> Received | None:
    """What is to be done about it; None: that is done, or nothing was to be."""
    await _insert(connection, event, now, due_at=now + FIRST_PAUSE)
    mine = (webhook_events.c.provider == event.provider) & (webhook_events.c.event_id == event.id)
    known = (await connection.execute(select(webhook_events).where(mine))).one()
    if known.state != "received":
        return None
    return Received(known.id, known.subject_kind, known.subject, known.type, known.attempts)


async def store_missed(connection: AsyncConnection, event: Event, now: datetime) -> bool:
    """One that was found in the provider's list, to be worked off soon. Whether it was unknown."""
    return await _insert(connection, event, now, due_at=now)


async def _insert(connection: AsyncConnection, event: Event, now: datetime, *, due_at: datetime) -> bool:
    row = {
        "provider": event.provider,
        "event_id": event.id,
        "type": event.type,
        "subject_kind": event.kind,
        "subject": event.subject,
        "body_sha256": event.body_sha256,
        "state": "received" if event.kind else "ignored",
        "at": event.at,
        "received_at": now,
        "due_at": due_at,
        "done_at": None if event.kind else now,
    }
    insertion = insert_or_ignore(connection, webhook_events).values(row).returning(webhook_events.c.id)
    return (await connection.execute(insertion)).first() is not None


async def due(connection: AsyncConnection, provider: str, now: datetime) -> list[Received]:
    columns = webhook_events.c
    query = (
        select(webhook_events)
        .where(columns.provider == provider, columns.state == "received", columns.due_at <= now)
        .order_by(columns.due_at, columns.id)
        .limit(BATCH_MAX)
    )
    rows = (await connection.execute(query)).all()
    return [Received(row.id, row.subject_kind, row.subject, row.type, row.attempts) for row in rows]


async def applied(connection: AsyncConnection, event: Received, now: datetime) -> None:
    await _set(connection, event, {"state": "applied", "error": "", "done_at": now})


async def failed(connection: AsyncConnection, event: Received, error: str, now: datetime) -> bool:
    """It is tried again later and later, and given up in the end. Whether that was the end."""
    attempts = event.attempts + 1
    values = {"attempts": attempts, "error": error[:200], "due_at": now + min(FIRST_PAUSE * 2**attempts, PAUSE_MAX)}
    dead = attempts >= ATTEMPTS_MAX
    if dead:
        values |= {"state": "dead", "done_at": now}
    await _set(connection, event, values)
    return dead


async def _set(connection: AsyncConnection, event: Received, values: dict[str, object]) -> None:
    mine = (webhook_events.c.id == event.id) & (webhook_events.c.state == "received")
    await connection.execute(update(webhook_events).where(mine).values(values))


async def forget(connection: AsyncConnection, now: datetime) -> None:
    """The dead stay, to be looked at."""
    old = webhook_events.c.state.in_(("applied", "ignored")) & (webhook_events.c.received_at < now - KEPT)
    await connection.execute(delete(webhook_events).where(old))


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """How many wait and how many were given up."""
    state = webhook_events.c.state
    query = select(state, func.count()).where(state.in_(("received", "dead"))).group_by(state)
    return {"received": 0, "dead": 0} | {row[0]: row[1] for row in await connection.execute(query)}


async def cursor(connection: AsyncConnection, provider: str) -> tuple[str, datetime] | None:
    """Id and time of the event up to which the provider's own list has been read."""
    row = (
        await connection.execute(select(provider_cursors).where(provider_cursors.c.provider == provider))
    ).one_or_none()
    return None if row is None else (row.event_id, row.at)


async def move_cursor(connection: AsyncConnection, provider: str, event: str, at: datetime) -> None:
    new = {"provider": provider, "event_id": event, "at": at}
    await connection.execute(insert_or_ignore(connection, provider_cursors).values(new))
    mine = provider_cursors.c.provider == provider
    await connection.execute(update(provider_cursors).where(mine).values(event_id=event, at=at))
