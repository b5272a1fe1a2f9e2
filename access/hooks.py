"""Events for integrators, written in the transaction of what they tell: an outbox with one queue per endpoint and Space.

As in `outbox`, each takes its number from a counter row that stays locked until the transaction ends: numbers become
visible in order, so the order of a queue is the order of commits. That is done as the last act of the transaction.
Without an endpoint nothing is written.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import before_commit, insert_or_ignore, upsert
from access.hook_kinds import OF_ACTS, TOLD, wants
from access.tables import accounts, audit_log, counters, subscriptions, tiers
from access.tables_hooks import webhook_deliveries, webhook_endpoints, webhook_messages, webhook_queues

COUNTER = "webhooks"
GIVEN_UP_AFTER = timedelta(days=3)
"""A message that could not be delivered for so long is dead: a weekend, in which nobody looks at a broken endpoint."""
WAITING_MAX = 1_000
"""Messages that wait in one queue; beyond that the oldest is dead (`overflow`): what is newer says more of how things are."""

ENDPOINTS = select(webhook_endpoints.c.id, webhook_endpoints.c.integration, webhook_endpoints.c.kinds).where(
    webhook_endpoints.c.disabled_at.is_(None)
)
ANY_ENDPOINT = ENDPOINTS.exists()


@dataclass(frozen=True, slots=True)
class Happening:
    """One event before it is a message. Accounts are ids in `body`: what they are called is looked up when it is sent."""

    kind: str
    at: datetime
    queue: str
    about: int | None
    """Whose integration is told: the creator, else the account."""
    body: dict[str, Any] = field(default_factory=dict)
    act: int | None = None
    """The audit log's row of it: if that was undone with its savepoint, so was this."""


def tell(connection: AsyncConnection, happening: Happening) -> None:
    """At the end of this transaction, to every endpoint that wants to know."""
    before_commit(connection, _publish, happening)


def tell_act(
    connection: AsyncConnection,
    act: int,
    now: datetime,
    action: str,
    actor: int | None,
    account: int | None,
    creator: int | None,
    body: dict[str, Any],
) -> None:
    """Of an act that the audit log is told of, if integrators are."""
    kind = OF_ACTS.get(action)
    if kind is None:
        return
    told = {key: body[key] for key in TOLD if body.get(key) is not None}
    told |= {"account": account, "creator": creator, "by": actor}
    if kind.startswith("subscription."):
        told["subscription"] = body["id"]
    elif kind.startswith("moderation.report"):
        told["report"] = body["id"]
    space = body.get("space")
    queue = space if space is not None else f"{account or 0}-{creator or 0}"
    tell(connection, Happening(kind, now, queue, creator if creator is not None else account, told, act))


async def take_numbers(connection: AsyncConnection, count: int) -> int:
    """The first of so many numbers; whoever has them is alone with them until his transaction ends."""
    await connection.execute(insert_or_ignore(connection, counters).values(name=COUNTER, value=0))
    taken = update(counters).where(counters.c.name == COUNTER).values(value=counters.c.value + count)
    return int((await connection.execute(taken.returning(counters.c.value))).scalar_one()) - count + 1


async def _publish(connection: AsyncConnection, happenings: list[Happening]) -> None:
    if (await connection.execute(ENDPOINTS.limit(1))).first() is None:
        return
    first = await take_numbers(connection, len(happenings))
    endpoints = (await connection.execute(ENDPOINTS)).all()  # none of them is removed before this transaction ends
    integrations = await _integrations(connection, happenings)
    undone = await _undone(connection, happenings)
    going = [
        (happening, to)
        for happening in happenings
        if happening.act not in undone and (to := [e for e in endpoints if _concerns(e, happening, integrations)])
    ]
    for seq, (happening, to) in enumerate(going, first):
        row = {
            "seq": seq,
            "id": f"msg_{secrets.token_hex(16)}",
            "kind": happening.kind,
            "queue": happening.queue,
            "body": await _completed(connection, happening.body),
            "created_at": happening.at,
        }
        await connection.execute(insert(webhook_messages).values(row))
        for endpoint in to:
            await _enqueue(connection, endpoint.id, seq, happening.queue, happening.at)


async def _enqueue(connection: AsyncConnection, endpoint: int, seq: int, queue: str, now: datetime) -> None:
    row = {"endpoint": endpoint, "seq": seq, "queue": queue, "state": "waiting", "give_up_at": now + GIVEN_UP_AFTER}
    await connection.execute(insert(webhook_deliveries).values(row))
    new = upsert(connection, webhook_queues).values(endpoint=endpoint, queue=queue, due_at=now, waiting=1)
    more = {
        "due_at": func.coalesce(webhook_queues.c.due_at, now),
        "waiting": webhook_queues.c.waiting + 1,
    }
    placed = new.on_conflict_do_update(index_elements=["endpoint", "queue"], set_=more)
    waiting = (await connection.execute(placed.returning(webhook_queues.c.waiting))).scalar_one()
    if waiting > WAITING_MAX:
        await _let_go_of_oldest(connection, endpoint, queue, now)


async def _let_go_of_oldest(connection: AsyncConnection, endpoint: int, queue: str, now: datetime) -> None:
    ours = (webhook_deliveries.c.endpoint == endpoint) & (webhook_deliveries.c.queue == queue)
    waiting = ours & (webhook_deliveries.c.state == "waiting")
    oldest = select(func.min(webhook_deliveries.c.seq)).where(waiting).scalar_subquery()
    dead = {"state": "dead", "last_error": "overflow", "done_at": now}
    await connection.execute(update(webhook_deliveries).where(waiting, webhook_deliveries.c.seq == oldest).values(dead))
    mine = (webhook_queues.c.endpoint == endpoint) & (webhook_queues.c.queue == queue)
    await connection.execute(update(webhook_queues).where(mine).values(waiting=webhook_queues.c.waiting - 1))


def _concerns(endpoint: Any, happening: Happening, integrations: dict[int, int | None]) -> bool:
    theirs = endpoint.integration is None or endpoint.integration == integrations.get(happening.about or 0)
    return theirs and wants(endpoint.kinds, happening.kind)


async def _integrations(connection: AsyncConnection, happenings: Sequence[Happening]) -> dict[int, int | None]:
    ids = {happening.about for happening in happenings if happening.about is not None}
    query = select(accounts.c.id, accounts.c.integration).where(accounts.c.id.in_(ids))
    return {row.id: row.integration for row in await connection.execute(query)}


async def _undone(connection: AsyncConnection, happenings: Sequence[Happening]) -> set[int]:
    acts = {happening.act for happening in happenings if happening.act is not None}
    query = select(audit_log.c.id).where(audit_log.c.id.in_(acts))
    return acts - set((await connection.execute(query)).scalars())


async def _completed(connection: AsyncConnection, body: dict[str, Any]) -> dict[str, Any]:
    """Of a subscription: with what it is now that the transaction is at its end."""
    if "subscription" not in body:
        return body
    query = (
        select(subscriptions, tiers.c.name.label("tier_name"))
        .join(tiers, tiers.c.id == subscriptions.c.tier)
        .where(subscriptions.c.id == body["subscription"])
    )
    row = (await connection.execute(query)).one()
    return body | {
        "subscription": {
            "id": str(row.id),
            "tier": str(row.tier),
            "tier_name": row.tier_name,
            "status": row.status,
            "cancel_at_period_end": bool(row.cancel_at_period_end),
            "ended_at": None if row.ended_at is None else row.ended_at.isoformat(),
        }
    }
