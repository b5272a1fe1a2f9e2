"""Deliveries on their way: claimed a queue at a time, settled one by one, tried again later, given up at last.

waiting → delivered, or → dead when its time is over or its queue too long; a redelivery makes it waiting again. While the
first of a queue fails the rest of that queue waits, and no other queue does. Whoever dies with a claim leaves a queue that
is claimed again when the claim has run out: then a message may come twice, with the same id.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, hook_endpoints
from access.accounts import by_ids
from access.errors import AccessError
from access.hook_model import Attempt, Delivery, Job
from access.hook_participants import UNTOLD
from access.hooks import GIVEN_UP_AFTER
from access.model import Account
from access.tables_hooks import webhook_deliveries, webhook_endpoints, webhook_messages, webhook_queues

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(hours=1)
"""Pauses double from the first to this: twelve attempts within the first hour or so, then one an hour."""
KEPT = timedelta(days=30)
"""Deliveries that are done or dead can be looked at, and sent again, for so long."""
LISTED_MAX = 100
REDELIVERED_AT_ONCE_MAX = 1_000
ACCOUNT_FIELDS = ("account", "creator", "by")

DELIVERIES, QUEUES = webhook_deliveries.c, webhook_queues.c


def pause(failures: int, noise: float, retry_after_seconds: float | None = None) -> timedelta:
    """Until the next attempt, after so many failures in a row. `noise` (0 to 1) spreads those that failed together."""
    doubled = min(FIRST_PAUSE * (1 << min(failures - 1, 30)), LONGEST_PAUSE)
    asked = timedelta(seconds=max(retry_after_seconds or 0.0, 0.0))
    return max(doubled * (1 + noise / 4), min(asked, LONGEST_PAUSE))


async def pending(connection: AsyncConnection, now: datetime) -> tuple[bool, bool]:
    """Whether there are participants to be told of, and queues to be sent from."""
    untold = (await connection.execute(UNTOLD.limit(1))).first() is not None
    return untold, (await connection.execute(_due(now, ()).limit(1))).first() is not None


async def claim(
    connection: AsyncConnection, busy: Collection[int], most: int, lease: timedelta, now: datetime
) -> list[Job]:
    """The first messages of queues that are due, the caller's alone for the lease; `busy`: endpoints to leave alone."""
    query = _due(now, busy).order_by(QUEUES.due_at).limit(most).with_for_update(of=webhook_queues, skip_locked=True)
    jobs = []
    for row in (await connection.execute(query)).all():
        claimed = secrets.token_hex(12)
        values = {"claim": claimed, "claimed_until": now + lease}
        await connection.execute(update(webhook_queues).where(_queue(row.endpoint, row.queue)).values(values))
        if (job := await _first(connection, row.endpoint, row.queue, claimed, now)) is not None:
            jobs.append(job)
        else:
            await _rest(connection, row.endpoint, row.queue)
    return jobs


async def settle(
    connection: AsyncConnection, job: Job, attempt: Attempt, lease: timedelta, noise: float, now: datetime
) -> Job | None:
    """What became of it; the next of its queue, if that may be sent at once."""
    mine = _queue(job.endpoint, job.queue)
    queue = (await connection.execute(select(webhook_queues).where(mine).with_for_update())).one_or_none()
    if queue is None:
        return None  # the endpoint was removed
    held = queue.claim == job.claim
    if attempt.interrupted:
        if held:
            await connection.execute(update(webhook_queues).where(mine).values(claim=None, claimed_until=None))
        return None
    was_waiting, is_waiting = await _note(connection, job, attempt, now)
    failures = 0 if attempt.error is None else queue.failures + 1
    if not held:
        return None
    values: dict[str, Any] = {"failures": failures, "waiting": QUEUES.waiting - int(was_waiting and not is_waiting)}
    following = None
    if not is_waiting:
        following = await _first(connection, job.endpoint, job.queue, job.claim, now)
        values |= (
            {"claimed_until": now + lease} if following else {"due_at": None, "claim": None, "claimed_until": None}
        )
    else:
        later = now + pause(failures, noise, attempt.retry_after_seconds)
        values |= {"due_at": later, "claim": None, "claimed_until": None}
    await connection.execute(update(webhook_queues).where(mine).values(values))
    return following


async def release(connection: AsyncConnection, job: Job, now: datetime) -> None:
    """A queue whose next message is not sent by this claim: others have their turn first."""
    mine = _queue(job.endpoint, job.queue) & (QUEUES.claim == job.claim)
    values = {"due_at": now, "claim": None, "claimed_until": None}
    await connection.execute(update(webhook_queues).where(mine).values(values))


async def listed(
    connection: AsyncConnection, owner: int | None, endpoint: int, state: str, before: int | None
) -> tuple[list[Delivery], int | None]:
    """The newest first, and where the next page begins. 404."""
    await hook_endpoints.one(connection, owner, endpoint)
    query = (
        select(webhook_deliveries, webhook_messages.c.id, webhook_messages.c.kind, webhook_messages.c.body,
               webhook_messages.c.created_at)
        .join(webhook_messages, webhook_messages.c.seq == DELIVERIES.seq)
        .where(DELIVERIES.endpoint == endpoint, DELIVERIES.state == state)
        .order_by(DELIVERIES.seq.desc())
        .limit(LISTED_MAX)
    )  # fmt: skip
    if before is not None:
        query = query.where(DELIVERIES.seq < before)
    rows = (await connection.execute(query)).all()
    return [_delivery(row) for row in rows], rows[-1].seq if len(rows) == LISTED_MAX else None


async def redeliver(
    connection: AsyncConnection, owner: int | None, actor: int | None, endpoint: int, message: str | None, now: datetime
) -> int:
    """Send it again, whatever became of it; None: all that are dead, the oldest first. How many. 404."""
    await hook_endpoints.one(connection, owner, endpoint)
    query = select(DELIVERIES.seq, DELIVERIES.queue).where(DELIVERIES.endpoint == endpoint)
    if message is None:
        query = query.where(DELIVERIES.state == "dead").order_by(DELIVERIES.seq).limit(REDELIVERED_AT_ONCE_MAX)
    else:
        named = select(webhook_messages.c.seq).where(webhook_messages.c.id == message).scalar_subquery()
        query = query.where(DELIVERIES.seq == named) if message.isascii() and message.isprintable() else query.limit(0)
    rows = (await connection.execute(query)).all()
    if message is not None and not rows:
        raise AccessError(404, "unknown_delivery", "There is no such delivery.")
    again = 0
    for row in rows:
        queue = _queue(endpoint, row.queue)
        await connection.execute(select(QUEUES.due_at).where(queue).with_for_update())
        mine = (DELIVERIES.endpoint == endpoint) & (DELIVERIES.seq == row.seq) & (DELIVERIES.state != "waiting")
        values = {"state": "waiting", "give_up_at": now + GIVEN_UP_AFTER, "done_at": None}
        more = (await connection.execute(update(webhook_deliveries).where(mine).values(values))).rowcount
        due = {"due_at": now, "failures": 0, "waiting": QUEUES.waiting + more}
        await connection.execute(update(webhook_queues).where(queue).values(due))
        again += more
    await audit.record(connection, now, "webhook_endpoint.redelivered", actor=actor, id=endpoint, count=again)
    return again


async def forget(connection: AsyncConnection, now: datetime) -> None:
    """What has been done with for KEPT, and what waits for an endpoint that has been disabled so long."""
    old = (DELIVERIES.state != "waiting") & (DELIVERIES.done_at < now - KEPT)
    given_up = (DELIVERIES.state == "waiting") & (DELIVERIES.give_up_at < now - KEPT)
    await connection.execute(delete(webhook_deliveries).where(old | given_up))
    going = select(DELIVERIES.seq).where(DELIVERIES.seq == webhook_messages.c.seq).exists()
    await connection.execute(delete(webhook_messages).where(webhook_messages.c.created_at < now - KEPT, ~going))
    some = select(DELIVERIES.seq).where(DELIVERIES.endpoint == QUEUES.endpoint, DELIVERIES.queue == QUEUES.queue)
    await connection.execute(delete(webhook_queues).where(QUEUES.due_at.is_(None), ~some.exists()))


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """Deliveries by state, of those that wait or are dead."""
    query = select(DELIVERIES.state, func.count().label("many")).where(DELIVERIES.state.in_(("waiting", "dead")))
    return {row.state: row.many for row in await connection.execute(query.group_by(DELIVERIES.state))}


def _due(now: datetime, busy: Collection[int]) -> Any:
    free = QUEUES.claimed_until.is_(None) | (QUEUES.claimed_until <= now)
    return (
        select(webhook_queues)
        .join(webhook_endpoints, webhook_endpoints.c.id == QUEUES.endpoint)
        .where(QUEUES.due_at <= now, free, webhook_endpoints.c.disabled_at.is_(None), QUEUES.endpoint.not_in(busy))
    )


async def _first(connection: AsyncConnection, endpoint: int, queue: str, claimed: str, now: datetime) -> Job | None:
    waiting = (DELIVERIES.endpoint == endpoint) & (DELIVERIES.queue == queue) & (DELIVERIES.state == "waiting")
    query = (
        select(webhook_messages, webhook_endpoints.c.url, webhook_endpoints.c.integration, webhook_endpoints.c.secret,
               webhook_endpoints.c.former_secret, webhook_endpoints.c.former_until)
        .select_from(webhook_deliveries)
        .join(webhook_messages, webhook_messages.c.seq == DELIVERIES.seq)
        .join(webhook_endpoints, webhook_endpoints.c.id == DELIVERIES.endpoint)
        .where(waiting)
        .order_by(DELIVERIES.seq)
        .limit(1)
    )  # fmt: skip
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    former = row.former_secret is not None and row.former_until is not None and now < row.former_until
    keys = (row.secret, row.former_secret) if former else (row.secret,)
    body = await _with_accounts(connection, row.body, row.integration)
    return Job(endpoint, queue, claimed, row.seq, row.id, row.kind, row.created_at, body, row.url, keys)


async def _rest(connection: AsyncConnection, endpoint: int, queue: str) -> None:
    values = {"due_at": None, "claim": None, "claimed_until": None, "waiting": 0, "failures": 0}
    await connection.execute(update(webhook_queues).where(_queue(endpoint, queue)).values(values))


async def _note(connection: AsyncConnection, job: Job, attempt: Attempt, now: datetime) -> tuple[bool, bool]:
    """In the delivery and of the endpoint. Whether it was waiting, and whether it is."""
    mine = (DELIVERIES.endpoint == job.endpoint) & (DELIVERIES.seq == job.seq)
    row = (await connection.execute(select(webhook_deliveries).where(mine))).one()
    values: dict[str, Any] = {
        "attempts": row.attempts + 1,
        "last_at": now,
        "last_status": attempt.status,
    }
    waited = row.state == "waiting"
    if waited or attempt.error is None:
        values["last_error"] = attempt.error  # what let go of it while it was on its way remains the reason
    if attempt.error is None:
        values |= {"state": "delivered", "done_at": now}
    elif waited and now >= row.give_up_at:
        values |= {"state": "dead", "done_at": now}
    await connection.execute(update(webhook_deliveries).where(mine).values(values))
    theirs = webhook_endpoints.c.id == job.endpoint
    if attempt.error is None:
        well = update(webhook_endpoints).where(theirs, webhook_endpoints.c.failing_since.is_not(None))
        await connection.execute(well.values(failing_since=None, last_error=None))
    else:
        since = func.coalesce(webhook_endpoints.c.failing_since, now)
        await connection.execute(
            update(webhook_endpoints).where(theirs).values(failing_since=since, last_error=attempt.error)
        )
    return waited, waited and "state" not in values


async def _with_accounts(connection: AsyncConnection, body: dict[str, Any], integration: int | None) -> dict[str, Any]:
    """People as they are called now; what the integration calls them is told to it and to operators alone."""
    ids: set[int] = set()
    _walk(body, lambda id: ids.add(id))
    accounts = await by_ids(connection, ids)

    def shown(id: int) -> Any:
        return _account(accounts.get(id), id, integration)

    completed: dict[str, Any] = _walk(body, shown)
    return completed


def _walk(value: Any, shown: Any) -> Any:
    match value:
        case dict():
            return {
                key: shown(inner) if key in ACCOUNT_FIELDS and isinstance(inner, int) else _walk(inner, shown)
                for key, inner in value.items()
            }
        case list():
            return [_walk(inner, shown) for inner in value]
        case _:
            return value


def _account(account: Account | None, id: int, integration: int | None) -> dict[str, Any]:
    if account is None:
        return {"id": str(id), "handle": None, "sub": None, "name": ""}
    sub = account.sub if integration is None or integration == account.integration else None
    return {"id": str(account.id), "handle": account.handle, "sub": sub, "name": account.name}


def _queue(endpoint: int, queue: str) -> Any:
    return (QUEUES.endpoint == endpoint) & (QUEUES.queue == queue)


def _delivery(row: Row[Any]) -> Delivery:
    space = row.body.get("space")
    return Delivery(
        id=row.id,
        kind=row.kind,
        space=space["id"] if isinstance(space, dict) else space,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        give_up_at=row.give_up_at,
        last_at=row.last_at,
        last_status=row.last_status,
        last_error=row.last_error,
        done_at=row.done_at,
    )
