"""One issue to one account, at most once: claimed in a transaction of its own before it is handed to the mail server.

queued → claimed → sent | refused | unknown, or queued again when the server has certainly not taken it; skipped when at
its claim the account is not entitled, has unsubscribed or cannot be reached. Whoever dies with a claim leaves a delivery
of which nobody knows; after CLAIM it is `unknown`, is counted as that, and is not sent again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import mail_consents, newsletter_audience
from access.accounts import by_ids
from access.benefit_model import Delivery
from access.tables_benefits import deliveries, newsletter_issues

CLAIM = timedelta(minutes=10)
"""Longer than a mail server is ever waited for."""
RETRIES = (
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=8),
)  # fmt: skip
"""Greylisting wants a few minutes, a full mailbox some hours."""
LOOKED_AT_MAX = 100
"""Deliveries skipped in one transaction."""

WAITING = deliveries.c.state.in_(("queued", "claimed"))


async def due(connection: AsyncConnection, now: datetime) -> bool:
    """Is there anything to send?"""
    return (await connection.execute(_due(now).limit(1))).first() is not None


async def claim(connection: AsyncConnection, now: datetime) -> Delivery | None:
    """The next one that is to be sent, now this caller's alone; None: none is due (or LOOKED_AT_MAX were skipped)."""
    query = _due(now).order_by(deliveries.c.id).limit(1)
    for _ in range(LOOKED_AT_MAX):
        row = (await connection.execute(query.with_for_update(of=deliveries, skip_locked=True))).one_or_none()
        if row is None:
            return None
        mine = deliveries.c.id == row.id
        reason, address = await _look(connection, row, now)
        if reason is not None or address is None:
            skipped = {"state": "skipped", "reason": reason, "done_at": now}
            await connection.execute(update(deliveries).where(mine).values(skipped))
            continue
        claimed = {
            "state": "claimed",
            "claimed_at": now,
            "attempts": row.attempts + 1,
            "address_sha256": mail_consents.digest(address),
        }
        await connection.execute(update(deliveries).where(mine).values(claimed))
        creator = (await by_ids(connection, [row.creator]))[row.creator]
        return Delivery(
            row.id, row.attempts + 1, row.issue, row.version, row.account, row.creator, creator.name, address,
            row.subject, row.markdown,
        )  # fmt: skip
    return None


async def settle(
    connection: AsyncConnection, delivery: Delivery, outcome: str, now: datetime, *, bounced: bool = False
) -> None:
    """What became of a claim: sent, refused, not_sent or unknown. Of a claim that is not this one's any more: nothing."""
    values: dict[str, Any] = {"state": outcome, "reason": None, "done_at": now}
    if outcome == "not_sent":
        issue = select(newsletter_issues.c.state).where(newsletter_issues.c.id == delivery.issue)
        values = _next_attempt(delivery.attempt, (await connection.execute(issue)).scalar_one(), now)
    mine = (deliveries.c.id == delivery.id) & (deliveries.c.attempts == delivery.attempt)
    unsettled = deliveries.c.state.in_(("claimed", "unknown"))  # whoever was slow knows better than whoever gave him up
    await connection.execute(update(deliveries).where(mine, unsettled).values(values))
    if bounced:
        await mail_consents.suppress(connection, mail_consents.digest(delivery.address), "bounce", now)


async def tidy(connection: AsyncConnection, now: datetime) -> None:
    """Claims of those who died become `unknown`; issues with nothing left to send are finished."""
    lost = (deliveries.c.state == "claimed") & (deliveries.c.claimed_at < now - CLAIM)
    await connection.execute(update(deliveries).where(lost).values(state="unknown", reason="lost", done_at=now))
    left = exists().where(deliveries.c.issue == newsletter_issues.c.id, WAITING)
    done = update(newsletter_issues).where(newsletter_issues.c.state == "sending", ~left)
    await connection.execute(done.values(state="sent", finished_at=now))


async def address_sha256(connection: AsyncConnection, delivery: int) -> str | None:
    """Where it went."""
    query = select(deliveries.c.address_sha256).where(deliveries.c.id == delivery)
    return (await connection.execute(query)).scalar_one_or_none()


def _next_attempt(attempt: int, issue: str, now: datetime) -> dict[str, Any]:
    """`issue`: its state."""
    if issue == "stopped":
        return {"state": "skipped", "reason": "stopped", "done_at": now}
    if issue != "sending" or attempt > len(RETRIES):
        return {"state": "failed", "reason": "not_sent", "done_at": now}
    return {"state": "queued", "reason": None, "due_at": now + RETRIES[attempt - 1], "done_at": None}


def _due(now: datetime) -> Any:
    return (
        select(deliveries, newsletter_issues.c.creator, newsletter_issues.c.tiers, newsletter_issues.c.version,
               newsletter_issues.c.subject, newsletter_issues.c.markdown)
        .join(newsletter_issues, newsletter_issues.c.id == deliveries.c.issue)
        .where(newsletter_issues.c.state == "sending", deliveries.c.state == "queued", deliveries.c.due_at <= now)
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
