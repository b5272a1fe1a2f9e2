"""Issues of a creator's newsletter: draft → sending → sent, or stopped. Who gets one: newsletter_audience, deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, creators, fields, suspensions
from access.benefit_model import NewsletterIssue
from access.errors import AccessError
from access.mail_consents import STANDING
from access.model import Account
from access.tables import tiers as tier_rows
from access.tables_benefits import deliveries, mail_consents, newsletter_issues

MARKDOWN_LENGTH_MAX = 20_000
"""Some 3,000 words; in any script within the 64 KiB of a body."""
DRAFTS_MAX = 100
ISSUES_PER_DAY_MAX = 10
LISTED_MAX = 100


async def draft(
    connection: AsyncConnection,
    actor: Account,
    creator: int,
    subject: str,
    markdown: str,
    tiers: Sequence[int],
    now: datetime,
) -> NewsletterIssue:
    """`tiers`: whose holders it is for; none: every tier with the benefit `newsletter`. 403; 409 too_many_drafts; 422."""
    await creators.require_member(connection, creator, actor, creators.EDITING_ROLES)
    await accounts.lock(connection, creator)
    drafts = (newsletter_issues.c.creator == creator) & (newsletter_issues.c.state == "draft")
    count = select(func.count()).select_from(newsletter_issues).where(drafts)
    if (await connection.execute(count)).scalar_one() >= DRAFTS_MAX:
        raise AccessError(409, "too_many_drafts", f"A creator has at most {DRAFTS_MAX} drafts.")
    row = {
        "creator": creator,
        "author": actor.id,
        "state": "draft",
        "version": 1,
        "created_at": now,
        **await _content(connection, creator, subject, markdown, tiers),
    }
    issue = (await connection.execute(insert(newsletter_issues).values(row).returning(newsletter_issues))).one()
    await _audit(connection, actor, issue, "drafted", now)
    return _issue(issue)


async def change(
    connection: AsyncConnection,
    actor: Account,
    creator: int,
    issue: int,
    subject: str | None,
    markdown: str | None,
    tiers: Sequence[int] | None,
    now: datetime,
) -> NewsletterIssue:
    """Of a draft; None leaves as it is. 403, 404; 409 bad_state; 422."""
    row = await _lock(connection, actor, creator, issue, ("draft",))
    values = await _content(
        connection, creator, subject or row.subject, markdown or row.markdown, row.tiers if tiers is None else tiers
    )
    mine = newsletter_issues.c.id == issue
    changed = update(newsletter_issues).where(mine).values(values | {"version": row.version + 1})
    return _issue((await connection.execute(changed.returning(newsletter_issues))).one())


async def discard(connection: AsyncConnection, actor: Account, creator: int, issue: int, now: datetime) -> None:
    """Of a draft: gone. 403, 404; 409 bad_state."""
    row = await _lock(connection, actor, creator, issue, ("draft",))
    await connection.execute(delete(newsletter_issues).where(newsletter_issues.c.id == issue))
    await _audit(connection, actor, row, "discarded", now)


async def send(connection: AsyncConnection, actor: Account, creator: int, issue: int, now: datetime) -> NewsletterIssue:
    """draft → sending: a delivery is queued for everybody who has consented; who is entitled is seen when it is claimed.

    403, also creator_suspended; 404; 409 bad_state, too_many_issues.
    """
    await accounts.lock(connection, creator)
    await _lock(connection, actor, creator, issue, ("draft",))
    await suspensions.refuse_house(connection, creator, None)
    recent = newsletter_issues.c.sent_at > now - timedelta(days=1)
    count = select(func.count()).select_from(newsletter_issues).where(newsletter_issues.c.creator == creator, recent)
    if (await connection.execute(count)).scalar_one() >= ISSUES_PER_DAY_MAX:
        raise AccessError(409, "too_many_issues", f"At most {ISSUES_PER_DAY_MAX} issues are sent in a day.")
    everybody = select(
        literal(issue), mail_consents.c.account, literal("queued"), literal(now, deliveries.c.due_at.type)
    )
    everybody = everybody.where(mail_consents.c.creator == creator, STANDING)
    await connection.execute(insert(deliveries).from_select(["issue", "account", "state", "due_at"], everybody))
    return await _change_state(connection, actor, issue, now, state="sending", sent_at=now)


async def stop(connection: AsyncConnection, actor: Account, creator: int, issue: int, now: datetime) -> NewsletterIssue:
    """sending → stopped: what has not been claimed is not sent. 403, 404; 409 bad_state."""
    await _lock(connection, actor, creator, issue, ("sending",))
    queued = (deliveries.c.issue == issue) & (deliveries.c.state == "queued")
    await connection.execute(update(deliveries).where(queued).values(state="skipped", reason="stopped", done_at=now))
    return await _change_state(connection, actor, issue, now, state="stopped", finished_at=now)


async def get(connection: AsyncConnection, actor: Account, creator: int, issue: int) -> NewsletterIssue:
    """403 not_creator; 404 unknown_issue."""
    await creators.require_member(connection, creator, actor, creators.EDITING_ROLES)
    return _issue(await _find(connection, creator, issue))


async def of_creator(
    connection: AsyncConnection, actor: Account, creator: int, before: int | None = None
) -> list[NewsletterIssue]:
    """The newest first, at most LISTED_MAX; `before` that issue. 403 not_creator."""
    await creators.require_member(connection, creator, actor, creators.EDITING_ROLES)
    query = select(newsletter_issues).where(newsletter_issues.c.creator == creator)
    if before is not None:
        query = query.where(newsletter_issues.c.id < before)
    rows = await connection.execute(query.order_by(newsletter_issues.c.id.desc()).limit(LISTED_MAX))
    return [_issue(row) for row in rows]


async def _content(
    connection: AsyncConnection, creator: int, subject: str, markdown: str, tiers: Sequence[int]
) -> dict[str, Any]:
    wanted = sorted(set(tiers))
    if len(wanted) > creators.TIERS_MAX or not all(0 < tier <= accounts.ID_MAX for tier in wanted):
        raise fields.bad_field("tiers", "the creator has no such tier")
    mine = (tier_rows.c.creator == creator) & tier_rows.c.id.in_(wanted)
    known = set((await connection.execute(select(tier_rows.c.id).where(mine))).scalars()) if wanted else set()
    if known != set(wanted):
        raise fields.bad_field("tiers", "the creator has no such tier")
    return {
        "subject": fields.text(subject, "subject", 200),
        "markdown": fields.prose(markdown, "markdown", MARKDOWN_LENGTH_MAX),
        "tiers": wanted,
    }


async def _change_state(
    connection: AsyncConnection, actor: Account, issue: int, now: datetime, **values: Any
) -> NewsletterIssue:
    changed = update(newsletter_issues).where(newsletter_issues.c.id == issue).values(values)
    row = (await connection.execute(changed.returning(newsletter_issues))).one()
    await _audit(connection, actor, row, row.state, now)
    return _issue(row)


async def _lock(
    connection: AsyncConnection, actor: Account, creator: int, issue: int, states: tuple[str, ...]
) -> Row[Any]:
    await creators.require_member(connection, creator, actor, creators.EDITING_ROLES)
    row = await _find(connection, creator, issue, lock=True)
    if row.state not in states:
        raise AccessError(409, "bad_state", f"This issue is {row.state}.")
    return row


async def _find(connection: AsyncConnection, creator: int, issue: int, *, lock: bool = False) -> Row[Any]:
    mine = (newsletter_issues.c.id == issue) & (newsletter_issues.c.creator == creator)
    query = select(newsletter_issues).where(mine)
    known = 0 < issue <= accounts.ID_MAX
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none() if known else None
    if row is None:
        raise AccessError(404, "unknown_issue", "There is no such issue.")
    return row


async def _audit(connection: AsyncConnection, actor: Account, row: Row[Any], what: str, now: datetime) -> None:
    await audit.record(connection, now, f"newsletter.{what}", actor=actor.id, creator=row.creator, issue=row.id)


def _issue(row: Row[Any]) -> NewsletterIssue:
    return NewsletterIssue(
        row.id, row.creator, row.author, row.subject, row.markdown, tuple(row.tiers), row.state, row.version,
        row.created_at, row.sent_at, row.finished_at,
    )  # fmt: skip
