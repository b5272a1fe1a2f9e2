"""Admissions: who was let in where, on which grants and at which epoch; and the tokens that let somebody connect once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, pairs, snapshots, snapshots_of_many, ticket_acts
from access.database import insert_or_ignore
from access.decide import Action, Allow, Deny, Policy, Resource, decide
from access.errors import TokenError
from access.hooks import ANY_ENDPOINT
from access.model import Account, Admission, Occupant
from access.rights import Snapshot
from access.tables import admissions, used_join_tokens
from access.tokens import make_join_token, read_join_token_untrusted

KEPT = timedelta(hours=1)
"""Used join tokens are remembered beyond their expiry, should the clock step back."""

FORGOTTEN_AT_ONCE = 5_000
"""Rows deleted in one transaction: on SQLite everybody who joins waits meanwhile, a few hundredths of a second."""

ADMITTED = insert(admissions).values(untold=ANY_ENDPOINT).returning(admissions.c.id)
RUNNING = (admissions.c.id == bindparam("admission")) & admissions.c.ended_at.is_(None)
SEATED = update(admissions).where(RUNNING).values(state="seated").returning(admissions)
PENDING = update(admissions).where(RUNNING).values(state="pending")
ENDED = update(admissions).where(RUNNING).values(state=bindparam("how"), ended_at=bindparam("at"), untold=ANY_ENDPOINT)


async def decide_now(
    connection: AsyncConnection,
    account: int | None,
    action: Action,
    resource: Resource,
    role: str | None,
    now: datetime,
) -> Allow | Deny:
    snapshot = await snapshots.load(connection, account, resource, role)
    answer = decide(snapshot, action, resource, now)
    if isinstance(answer, Deny):
        answer = decide(await snapshots.with_prices(connection, snapshot), action, resource, now)
    return answer


async def decide_many(
    connection: AsyncConnection, account: int | None, asked: Sequence[tuple[Resource, str | None]], now: datetime
) -> list[bool]:
    """Whether each of these resources could be joined now, with that role in it. Nobody in particular needs no rows."""
    if account is None:
        found = [Snapshot(None, resource.creator, role=role) for resource, role in asked]
    else:
        found = await snapshots_of_many.load(connection, account, asked)
    judged = zip(found, asked, strict=True)
    return [isinstance(decide(one, Action.JOIN, resource, now), Allow) for one, (resource, _) in judged]


async def admit(
    connection: AsyncConnection,
    account: int | None,
    action: Action,
    resource: Resource,
    role: str | None,
    client: str,
    now: datetime,
) -> Admission | Deny:
    answer = await decide_now(connection, account, action, resource, role, now)
    if (
        isinstance(answer, Allow)
        and answer.ticket is not None
        and not await ticket_acts.use(connection, answer.ticket, now)
    ):
        answer = await decide_now(connection, account, action, resource, role, now)
    if isinstance(answer, Deny):
        return answer
    row = {
        "account": account,
        "creator": resource.creator,
        "space": resource.space,
        "client": client,
        "action": action.value,
        "role": role,
        "policies": [asdict(policy) for policy in resource.policies],
        "grants": list(answer.grants),
        "epoch": answer.epoch,
        "not_after": answer.not_after,
        "state": "pending",
        "created_at": now,
    }
    admission = (await connection.execute(ADMITTED, row)).scalar_one()
    return Admission(admission, account, resource.space, client, answer)


async def confirm(connection: AsyncConnection, admission: int, now: datetime) -> bool:
    """Between admission and media a right may have ended: the epoch must be the same and the answer still yes."""
    row = (await connection.execute(SEATED, {"admission": admission})).one_or_none()
    if row is None:
        return False
    answer = await decide_now(connection, row.account, Action(row.action), _resource(row), row.role, now)
    holds = isinstance(answer, Allow) and answer.epoch == row.epoch
    if not holds:
        await connection.execute(PENDING, {"admission": admission})
    return holds


async def leave(connection: AsyncConnection, admission: int, evicted: bool, now: datetime) -> None:
    how = "evicted" if evicted else "left"
    await connection.execute(ENDED, {"admission": admission, "how": how, "at": now})


async def leave_all(connection: AsyncConnection, space: str | None, now: datetime) -> None:
    query = update(admissions).where(admissions.c.ended_at.is_(None))
    if space is not None:
        query = query.where(admissions.c.space == space)
    await connection.execute(query.values(state="left", ended_at=now, untold=ANY_ENDPOINT))


async def vacate(connection: AsyncConnection, space: str, now: datetime) -> list[Occupant]:
    """Every seat of the Space is given up; who had them, in the order in which they were admitted."""
    here = (admissions.c.space == space) & admissions.c.ended_at.is_(None)
    query = select(admissions.c.account, admissions.c.client, admissions.c.state).where(here).order_by(admissions.c.id)
    found = [Occupant(row.account, row.client, row.state == "seated") for row in await connection.execute(query)]
    await leave_all(connection, space, now)
    return found


async def lately_inside(connection: AsyncConnection, space: str, since: datetime) -> set[int]:
    """Accounts that have been in the Space at that time or later, and were not put out."""
    here = (admissions.c.space == space) & admissions.c.account.is_not(None) & (admissions.c.state != "evicted")
    lately = here & (admissions.c.ended_at.is_(None) | (admissions.c.ended_at >= since))
    return set((await connection.execute(select(admissions.c.account).where(lately).distinct())).scalars())


async def mint_join_token(
    connection: AsyncConnection, account: int | None, resource: Resource, role: str | None, key: bytes, now: datetime
) -> tuple[str, datetime] | Deny:
    answer = await decide_now(connection, account, Action.REFRESH, resource, role, now)
    if isinstance(answer, Deny):
        return answer
    return make_join_token(
        key,
        account=account,
        space=resource.space,
        creator=resource.creator,
        epoch=answer.epoch,
        now=now,
        not_after=answer.not_after,
    )


async def redeem_join_token(
    connection: AsyncConnection, token: str, space: str, key: bytes, now: datetime
) -> Account | None:
    """Its account; the token is used up, also if the transaction that follows refuses. Raises TokenError."""
    claims = read_join_token_untrusted(token, key, space, now)
    if await pairs.current_epoch(connection, claims.account, claims.creator) != claims.epoch:
        raise TokenError("token_revoked", "A right that this join token stood for has ended.")
    use = insert_or_ignore(connection, used_join_tokens).values(jti=claims.jti, expires_at=claims.expires_at)
    if (await connection.execute(use.returning(used_join_tokens.c.jti))).first() is None:
        raise TokenError("token_used", "This join token has been used.")
    if claims.account is None:
        return None
    return (await accounts.by_ids(connection, [claims.account]))[claims.account]


async def forget(connection: AsyncConnection, now: datetime, kept: timedelta) -> int:
    """Delete the oldest of those that ended longer ago than that, FORGOTTEN_AT_ONCE at most. How many it were."""
    old = select(admissions.c.id).where(admissions.c.ended_at < now - kept).order_by(admissions.c.ended_at)
    batch = delete(admissions).where(admissions.c.id.in_(old.limit(FORGOTTEN_AT_ONCE)))
    return int((await connection.execute(batch)).rowcount)


async def forget_used_join_tokens(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(used_join_tokens).where(used_join_tokens.c.expires_at < now - KEPT))


def _resource(row: Row[Any]) -> Resource:
    policies = tuple(Policy(**policy) for policy in row.policies)
    return Resource(row.space, row.creator, policies)
