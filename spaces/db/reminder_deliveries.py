"""Notices of reminders by mail, each at most once: see `access.mail_queue`.

Skipped is what at its claim is no news any more, or is for nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import mail_consents, mail_queue, snapshots
from access.accounts import by_ids
from access.database import read, write
from spaces.db.reminders import WANTED, Kind, address_of, is_due
from spaces.db.tables import spaces
from spaces.db.tables_reminders import reminder_notices, reminders
from spaces.room_rules import State

LATE = timedelta(days=1)
"""What could not be sent for so long is no news."""


@dataclass(frozen=True, slots=True)
class ReminderDelivery:
    """A notice that is to be handed over now, by nobody but who has claimed it."""

    id: int
    attempt: int
    reminder: int
    account: int
    kind: Kind
    address: str
    space: str
    title: str
    creator: str
    """The name."""
    live: bool
    sequence: int
    starts_at: datetime | None
    was_at: datetime | None
    time_zone: str | None


class ReminderDeliveries:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    async def due(self) -> bool:
        """Is there anything to send?"""
        return await read(self._engine, due, self._now())

    async def claim(self) -> ReminderDelivery | None:
        """The next one, now this caller's alone; None: none is due (or too many were skipped)."""
        return await write(self._engine, claim, self._now())

    async def settle(self, claimed: ReminderDelivery, outcome: str, *, bounced: bool = False) -> None:
        """What became of a claim: sent, refused, not_sent, failed or unknown."""
        await write(self._engine, settle, claimed, outcome, self._now(), bounced=bounced)

    async def tidy(self) -> None:
        """Claims of those who died become `unknown`, and are not sent again."""
        await write(self._engine, mail_queue.tidy, reminder_notices, self._now())

    async def address_sha256(self, notice: int) -> str | None:
        """Where it went."""
        return await read(self._engine, mail_queue.address_sha256, reminder_notices, notice)


async def due(connection: AsyncConnection, now: datetime) -> bool:
    return (await connection.execute(_due(now).limit(1))).first() is not None


async def claim(connection: AsyncConnection, now: datetime) -> ReminderDelivery | None:
    query = _due(now).order_by(reminder_notices.c.due_at, reminder_notices.c.id)
    claimed = await mail_queue.claim(connection, reminder_notices, query, _look, now)
    if claimed is None:
        return None
    row, address = claimed
    creator = (await by_ids(connection, [row.creator]))[row.creator]
    return ReminderDelivery(
        row.id, row.attempts + 1, row.reminder, row.account, row.kind, address, row.space, row.title, creator.name,
        row.space_state == State.LIVE, row.sequence, row.starts_at, row.was_at, row.time_zone,
    )  # fmt: skip


async def settle(
    connection: AsyncConnection, delivery: ReminderDelivery, outcome: str, now: datetime, *, bounced: bool = False
) -> None:
    await mail_queue.settle(connection, reminder_notices, delivery.id, delivery.attempt, outcome, now)
    if bounced:
        await mail_consents.suppress(connection, mail_consents.digest(delivery.address), "bounce", now)


def _due(now: datetime) -> Select[Any]:
    told = (reminders.c.space, reminders.c.mail, reminders.c.withdrawn_at)
    of_space = (spaces.c.title, spaces.c.creator, spaces.c.state.label("space_state"), spaces.c.time_zone)
    return (
        select(reminder_notices, *told, *of_space)
        .join(reminders, reminders.c.id == reminder_notices.c.reminder)
        .join(spaces, spaces.c.id == reminders.c.space)
        .where(reminder_notices.c.state == "queued", is_due(now), WANTED)
    )


async def _look(connection: AsyncConnection, row: Row[Any], now: datetime) -> tuple[str | None, str | None]:
    """Why it is not to be sent, or to which address."""
    if not row.mail:
        return "page_only", None
    if row.kind != "cancelled" and row.space_state not in (State.SCHEDULED, State.LIVE):
        return "over", None
    if row.due_at < now - LATE:
        return "late", None
    [snapshot] = await snapshots.load_many(connection, [row.account], row.creator)
    if snapshot.account_status != "active" or any(ban.covers(row.space, now) for ban in snapshot.bans):
        return "kept_out", None
    address = await address_of(connection, row.account)
    return (None, address) if address is not None else ("no_address", None)
