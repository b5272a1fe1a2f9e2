"""Reminders: who asked to be told of a scheduled Space, and the notices that are owed to them.

A notice is written in the transaction of what it tells: one per reminder, kind and revision of the schedule, whatever is
done twice. By mail it goes through `reminder_deliveries`; on the page it is there until it has been seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, delete, func, insert, literal, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import accounts, mail_consents
from access.database import insert_or_ignore, read, write
from access.mail_consents import STANDING
from access.tables_benefits import mail_consents as consent_rows
from access.tables_people import mailboxes
from spaces.db.listing import OVERDUE, SHOWN
from spaces.db.tables import spaces
from spaces.db.tables_reminders import reminder_notices, reminders
from spaces.errors import RequestError
from spaces.room_record import Record
from spaces.room_rules import BEFORE_END, State

LISTED_MAX = 100
OPEN_MAX = 200
"""Reminders that one account may have of Spaces that are not over."""

Kind = Literal["begins", "moved", "cancelled"]

WANTED = reminders.c.withdrawn_at.is_(None)
BEGINS_QUEUED = (reminder_notices.c.kind == "begins") & (reminder_notices.c.state == "queued")
OPEN_STATES = tuple(str(state) for state in BEFORE_END)


@dataclass(frozen=True, slots=True)
class Reminder:
    space: str
    mail: bool
    """By mail too."""
    since: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A word that is due on the page."""

    id: int
    kind: Kind
    space: str
    at: datetime
    starts_at: datetime | None
    was_at: datetime | None


class Reminders:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine, lead: timedelta) -> None:
        """`lead`: how long before its start people are told."""
        self._engine = engine
        self._lead = lead

    async def ask(self, space: str, account: int, mail: bool | None, now: datetime) -> Reminder:
        """`mail` None: if the account has a proved address. Asked again it changes that alone. Raises RequestError(409)."""
        return await write(self._engine, ask, space, account, mail, self._lead, now)

    async def withdraw(self, space: str, account: int, now: datetime) -> None:
        """Nothing more is told of it. Idempotent."""
        await write(self._engine, withdraw, (reminders.c.space == space) & (reminders.c.account == account), now)

    async def withdraw_by_id(self, reminder: int, account: int, now: datetime) -> None:
        await write(self._engine, withdraw, (reminders.c.id == reminder) & (reminders.c.account == account), now)

    async def find(self, reminder: int, account: int) -> tuple[str, bool] | None:
        """The Space, and whether it is still wanted; None: there is none such."""
        return await read(self._engine, find, reminder, account)

    async def standing(self, space: str, account: int) -> Reminder | None:
        return await read(self._engine, standing, space, account)

    async def of_account(self, account: int) -> list[Reminder]:
        """Of Spaces that are not over, the newest first."""
        return await read(self._engine, of_account, account)

    async def counts(self, spaces: Sequence[str]) -> dict[str, int]:
        """How many people have one, by Space; none: left out."""
        return await read(self._engine, counts, spaces)

    async def notices(self, account: int, now: datetime) -> list[Notice]:
        """What is due and not seen, the oldest first."""
        return await read(self._engine, notices, account, now)

    async def forget(self, now: datetime) -> None:
        """Reminders of what has long been over."""
        await write(self._engine, forget, now)

    async def see(self, account: int, which: Sequence[int], now: datetime) -> list[int]:
        """Those that had not been seen before: whoever shows them is told which are his to show."""
        return await write(self._engine, see, account, which, now)


# --- by the one who is reminded


async def ask(
    connection: AsyncConnection, space: str, account: int, mail: bool | None, lead: timedelta, now: datetime
) -> Reminder:
    await accounts.lock(connection, account)
    schedule = await _schedule(connection, space)
    if mail is None or mail:
        reachable = await address_of(connection, account) is not None
        if mail and not reachable:
            raise RequestError(409, "no_address", "this account has no e-mail address that is known to be its own")
        mail = reachable
    await _check_room(connection, space, account)
    mine = (reminders.c.space == space) & (reminders.c.account == account)
    new = {"space": space, "account": account, "mail": mail, "created_at": now}
    await connection.execute(insert_or_ignore(connection, reminders).values(new))
    changed = update(reminders).where(mine).values(mail=mail, withdrawn_at=None)
    row = (await connection.execute(changed.returning(reminders))).one()
    due = begins_due(schedule.scheduled_start, lead, now)
    begins = _begins(schedule.sequence, schedule.scheduled_start, due)
    notice = {"reminder": row.id, "account": account} | begins
    await connection.execute(insert_or_ignore(connection, reminder_notices).values(notice))
    return _reminder(row)


async def _schedule(connection: AsyncConnection, space: str) -> Any:
    """As it stays until the transaction ends: who moves it afterwards finds the reminder. Raises RequestError(409)."""
    query = select(spaces.c.state, spaces.c.scheduled_start, spaces.c.sequence).where(spaces.c.id == space)
    row = (await connection.execute(query.with_for_update())).one()
    if row.state != State.SCHEDULED:
        raise RequestError(409, "wrong_state", f"a Space that is {row.state} needs no reminder")
    return row


async def _check_room(connection: AsyncConnection, space: str, account: int) -> None:
    open_ = select(func.count()).select_from(reminders.join(spaces, spaces.c.id == reminders.c.space))
    open_ = open_.where(reminders.c.account == account, WANTED, spaces.c.state.in_(OPEN_STATES), spaces.c.id != space)
    if (await connection.execute(open_)).scalar_one() >= OPEN_MAX:
        raise RequestError(409, "too_many_reminders", f"{OPEN_MAX} reminders at most: withdraw one first")


async def withdraw(connection: AsyncConnection, which: ColumnElement[bool], now: datetime) -> None:
    gone = update(reminders).where(which, WANTED).values(withdrawn_at=now).returning(reminders.c.id)
    ids = [row.id for row in await connection.execute(gone)]
    if ids:
        waiting = reminder_notices.c.reminder.in_(ids) & (reminder_notices.c.state == "queued")
        await connection.execute(delete(reminder_notices).where(waiting))


async def find(connection: AsyncConnection, reminder: int, account: int) -> tuple[str, bool] | None:
    query = select(reminders.c.space, reminders.c.withdrawn_at)
    query = query.where(reminders.c.id == reminder, reminders.c.account == account)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row.space, row.withdrawn_at is None)


async def standing(connection: AsyncConnection, space: str, account: int) -> Reminder | None:
    query = select(reminders).where(reminders.c.space == space, reminders.c.account == account, WANTED)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _reminder(row)


async def of_account(connection: AsyncConnection, account: int) -> list[Reminder]:
    query = select(reminders).join(spaces, spaces.c.id == reminders.c.space)
    query = query.where(reminders.c.account == account, WANTED, spaces.c.state.in_(OPEN_STATES), SHOWN)
    return [_reminder(row) for row in await connection.execute(query.order_by(reminders.c.id.desc()).limit(LISTED_MAX))]


async def counts(connection: AsyncConnection, which: Sequence[str]) -> dict[str, int]:
    query = select(reminders.c.space, func.count().label("people")).where(reminders.c.space.in_(which), WANTED)
    return {row.space: row.people for row in await connection.execute(query.group_by(reminders.c.space))}


async def notices(connection: AsyncConnection, account: int, now: datetime) -> list[Notice]:
    query = select(reminder_notices, reminders.c.space)
    query = query.join(reminders, reminders.c.id == reminder_notices.c.reminder)
    query = query.join(spaces, spaces.c.id == reminders.c.space)
    mine = (reminder_notices.c.account == account) & reminder_notices.c.seen_at.is_(None) & WANTED
    stands = (reminder_notices.c.kind == "cancelled") | spaces.c.state.in_(OPEN_STATES)
    query = query.where(mine, is_due(now), stands).order_by(reminder_notices.c.due_at).limit(LISTED_MAX)
    found = await connection.execute(query)
    return [Notice(row.id, row.kind, row.space, row.due_at, row.starts_at, row.was_at) for row in found]


def is_due(now: datetime) -> ColumnElement[bool]:
    """Of notices with their Spaces: what may be told now.

    Of what is suspended nothing is, until that is lifted. By then its time may be long past: what has not begun is not told
    of as if it were about to, but when it does begin.
    """
    overdue = (reminder_notices.c.kind == "begins") & (reminder_notices.c.starts_at < now - OVERDUE)
    coming = ~overdue | reminder_notices.c.starts_at.is_(None) | (spaces.c.state == str(State.LIVE))
    return (reminder_notices.c.due_at <= now) & coming & SHOWN


async def see(connection: AsyncConnection, account: int, which: Sequence[int], now: datetime) -> list[int]:
    mine = (reminder_notices.c.account == account) & reminder_notices.c.id.in_(which)
    fresh = reminder_notices.c.seen_at.is_(None) & (reminder_notices.c.due_at <= now)
    marked = update(reminder_notices).where(mine, fresh).values(seen_at=now).returning(reminder_notices.c.id)
    return sorted(row.id for row in await connection.execute(marked))


async def address_of(connection: AsyncConnection, account: int) -> str | None:
    """Where the account has been reached before: the address it signs in with, else one it has confirmed for newsletters."""
    own = select(mailboxes.c.address).where(mailboxes.c.account == account)
    confirmed = select(consent_rows.c.address).where(consent_rows.c.account == account, STANDING)
    for query in (own, confirmed.order_by(consent_rows.c.id.desc()).limit(1)):
        address = (await connection.execute(query)).scalar_one_or_none()
        if address is not None and not await mail_consents.bounced(connection, address):
            return str(address)
    return None


KEPT = timedelta(days=30)
"""After the Space is over; until then it is known what was told, and where it went, should it bounce."""


async def forget(connection: AsyncConnection, now: datetime) -> None:
    over = select(spaces.c.id).where(spaces.c.ended_at < now - KEPT)
    old = select(reminders.c.id).where(reminders.c.space.in_(over))
    await connection.execute(delete(reminder_notices).where(reminder_notices.c.reminder.in_(old)))
    await connection.execute(delete(reminders).where(reminders.c.space.in_(over)))


# --- by what happens to the Space


def begins_due(start: datetime | None, lead: timedelta, now: datetime) -> datetime | None:
    """When to say that it begins: ahead of it, but not to somebody who has only just heard of it. None: when it is live."""
    if start is None:
        return None
    return start - lead if now < start - lead else start


async def follow(connection: AsyncConnection, before: Record, after: Record, lead: timedelta, now: datetime) -> None:
    """What is owed to whoever asked, after this change of the Space."""
    started = before.state is State.SCHEDULED and after.state is State.LIVE
    cancelled = before.state is State.SCHEDULED and after.state is State.CANCELLED
    moved = after.state is State.SCHEDULED and after.sequence > before.sequence
    of_space = reminder_notices.c.reminder.in_(select(reminders.c.id).where(reminders.c.space == after.id))
    if started:
        now_due = update(reminder_notices).where(of_space, BEGINS_QUEUED).values(due_at=now)
        await connection.execute(now_due)
    if moved or cancelled:
        await connection.execute(delete(reminder_notices).where(of_space, BEGINS_QUEUED))
    if moved:
        told = {"starts_at": after.scheduled_start, "was_at": before.scheduled_start, "due_at": now}
        await _tell_all(connection, after, {"kind": "moved", "sequence": after.sequence} | told)
        due = begins_due(after.scheduled_start, lead, now)
        await _tell_all(connection, after, _begins(after.sequence, after.scheduled_start, due))
    if cancelled:
        told = {"starts_at": None, "was_at": after.scheduled_start, "due_at": now}
        await _tell_all(connection, after, {"kind": "cancelled", "sequence": after.sequence} | told)


def _begins(sequence: int, start: datetime | None, due: datetime | None) -> dict[str, Any]:
    return {"kind": "begins", "sequence": sequence, "starts_at": start, "due_at": due}


async def _tell_all(connection: AsyncConnection, record: Record, notice: dict[str, Any]) -> None:
    values = [_literal(value, reminder_notices.c[name].type) for name, value in notice.items()]
    everybody = select(reminders.c.id, reminders.c.account, *values).where(reminders.c.space == record.id, WANTED)
    names = ["reminder", "account", *notice]
    await connection.execute(insert(reminder_notices).from_select(names, everybody))


def _literal(value: Any, kind: Any) -> Any:
    return null() if value is None else literal(value, kind)


def _reminder(row: Row[Any]) -> Reminder:
    return Reminder(row.space, row.mail, row.created_at)
