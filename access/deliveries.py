"""One issue to one account, at most once: see `access.mail_queue`.

Skipped is whoever at the claim is not entitled, has unsubscribed or cannot be reached. What a suspended creator has queued
waits until that is lifted, or he stops it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import mail_consents, mail_queue, newsletter_audience, suspensions
from access.accounts import by_ids
from access.benefit_model import Delivery
from access.tables_benefits import DELIVERY_STATES, deliveries, newsletter_issues

KEPT = timedelta(days=90)
"""After its issue is finished. Bounces come within days."""
WAITING = deliveries.c.state.in_(("queued", "claimed"))


async def due(connection: AsyncConnection, now: datetime) -> bool:
    """Is there anything to send?"""
    return (await connection.execute(_due(now).limit(1))).first() is not None


async def claim(connection: AsyncConnection, now: datetime) -> Delivery | None:
    """The next one that is to be sent, now this caller's alone; None: none is due (or too many were skipped)."""
    claimed = await mail_queue.claim(connection, deliveries, _due(now).order_by(deliveries.c.id), _look, now)
    if claimed is None:
        return None
    row, address = claimed
    creator = (await by_ids(connection, [row.creator]))[row.creator]
    return Delivery(
        row.id, row.attempts + 1, row.issue, row.version, row.account, row.creator, creator.name, address,
        row.subject, row.markdown,
    )  # fmt: skip


async def settle(
    connection: AsyncConnection, delivery: Delivery, outcome: str, now: datetime, *, bounced: bool = False
) -> None:
    """What became of a claim: sent, refused, not_sent or unknown. Of a claim that is not this one's any more: nothing."""
    query = select(newsletter_issues.c.state).where(newsletter_issues.c.id == delivery.issue)
    issue = (await connection.execute(query)).scalar_one()
    await mail_queue.settle(
        connection, deliveries, delivery.id, delivery.attempt, outcome, now,
        again=issue == "sending", stopped=issue == "stopped",
    )  # fmt: skip
    if bounced:
        await mail_consents.suppress(connection, mail_consents.digest(delivery.address), "bounce", now)


async def tidy(connection: AsyncConnection, now: datetime) -> None:
    """Claims of those who died become `unknown`; issues with nothing left to send are finished."""
    await mail_queue.tidy(connection, deliveries, now)
    left = exists().where(deliveries.c.issue == newsletter_issues.c.id, WAITING)
    done = update(newsletter_issues).where(newsletter_issues.c.state == "sending", ~left)
    await connection.execute(done.values(state="sent", finished_at=now))


async def forget(connection: AsyncConnection, now: datetime) -> bool:
    """To whom one issue went that was finished long ago; how many they were stays. Whether there was such an issue.

    Nobody is mailed again: what is finished is never sent.
    """
    over = newsletter_issues.c.state.in_(("sent", "stopped")) & (newsletter_issues.c.finished_at < now - KEPT)
    waits = exists().where(deliveries.c.issue == newsletter_issues.c.id, WAITING)
    query = select(newsletter_issues.c.id).where(over, newsletter_issues.c.counted.is_(None), ~waits)
    issue = (await connection.execute(query.order_by(newsletter_issues.c.id).limit(1).with_for_update())).scalar()
    if issue is None:
        return False
    counted = await counts(connection, issue)
    await connection.execute(update(newsletter_issues).where(newsletter_issues.c.id == issue).values(counted=counted))
    await connection.execute(delete(deliveries).where(deliveries.c.issue == issue))
    return True


async def counts(connection: AsyncConnection, issue: int) -> dict[str, int]:
    """Deliveries by state: numbers only, for who they are is not the editor's to know."""
    counted = select(newsletter_issues.c.counted).where(newsletter_issues.c.id == issue)
    forgotten: dict[str, int] | None = (await connection.execute(counted)).scalar_one()
    if forgotten is not None:
        return forgotten
    query = select(deliveries.c.state, func.count().label("n")).where(deliveries.c.issue == issue)
    found = {row.state: row.n for row in await connection.execute(query.group_by(deliveries.c.state))}
    return {state: found.get(state, 0) for state in DELIVERY_STATES}


async def address_sha256(connection: AsyncConnection, delivery: int) -> str | None:
    """Where it went."""
    return await mail_queue.address_sha256(connection, deliveries, delivery)


def _due(now: datetime) -> Any:
    return (
        select(deliveries, newsletter_issues.c.creator, newsletter_issues.c.tiers, newsletter_issues.c.version,
               newsletter_issues.c.subject, newsletter_issues.c.markdown)
        .join(newsletter_issues, newsletter_issues.c.id == deliveries.c.issue)
        .where(newsletter_issues.c.state == "sending", deliveries.c.state == "queued", deliveries.c.due_at <= now)
        .where(~suspensions.keeps_back(newsletter_issues.c.creator))
    )  # fmt: skip


async def _look(connection: AsyncConnection, row: Row[Any], now: datetime) -> tuple[str | None, str | None]:
    """Why it is not to be sent, or to which address."""
    consent = await mail_consents.standing_of(connection, row.account, row.creator)
    if consent is None or consent.confirmed_at is None:
        return "unsubscribed", None
    if await mail_consents.bounced(connection, consent.address):
        return "bounced", None
    if not await newsletter_audience.entitled(connection, row.creator, [row.account], row.tiers, now):
        return "not_entitled", None
    return None, consent.address
