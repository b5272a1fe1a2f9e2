"""Spaces in the database: records in, records out. Each method is one transaction."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import audit, hooks, ticket_offers
from access.database import alone_with, insert_or_ignore, reading, writing
from access.fields import is_storable
from spaces.db import listing, owners, reminders
from spaces.db.guest_links import GuestLinks
from spaces.db.happenings import happenings
from spaces.db.owners import Owners
from spaces.db.reminders import Reminders
from spaces.db.reports import Reports
from spaces.db.stingers import Stingers
from spaces.db.tables import hands, pins, server_keys, spaces, stage_invitations, stage_members
from spaces.db.talk import TalkStore
from spaces.errors import RequestError
from spaces.room_record import AccessRule, Invitation, Kept, Pin, Record, StageMember
from spaces.room_rules import Asking, CaptionsPolicy, ChatPolicy, Role, State

ID_ALPHABET = string.ascii_letters + string.digits
ID_LENGTH = 13
"""The longest that `^[a-zA-Z0-9]{1,13}$` allows: 77 bits, so ids are not guessed and never collide."""

SPACE_ID = re.compile(r"[a-zA-Z0-9]{1,13}")

FOUND_MAX = 20
LISTED_MAX = 100
"""Spaces in one list."""
OPEN_MAX = 200
"""Spaces of one creator that are live or planned: lists are of everybody's."""
UNTOLD = frozenset({"peak_listeners"})
"""What may change of a Space without its being another to anybody."""

Deed = Callable[[AsyncConnection], Awaitable[None]]
"""What else belongs to a change, done in its transaction."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the audit log is told of an act."""

    action: str
    actor: int | None
    account: int | None = None
    body: dict[str, Any] = field(default_factory=dict)


def new_space_id() -> str:
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


class SpaceStore:
    def __init__(self, engine: AsyncEngine, reminder_lead: timedelta = timedelta(minutes=15)) -> None:
        self._engine = engine
        self._reminder_lead = reminder_lead
        self.reminders = Reminders(engine, reminder_lead)
        self.guest_links = GuestLinks(engine)
        self.reports = Reports(engine)
        self.stingers = Stingers(engine)
        self.talk = TalkStore(engine)
        self.owners = Owners(engine)

    async def insert(self, record: Record) -> None:
        """Raises RequestError(409)."""
        async with writing(self._engine) as connection:
            await _check_room(connection, record.creator)
            await connection.execute(insert(spaces).values(_row(record) | {"updated_at": record.created_at}))
            await connection.execute(insert(stage_members), _stage_rows(Kept(record)))
            await listing.write_words(connection, record)
            for happening in happenings(None, record, record.creator, record.created_at):
                hooks.tell(connection, happening)

    async def save(
        self,
        before: Kept,
        after: Kept,
        now: datetime,
        notes: Iterable[Note] = (),
        deeds: Iterable[Deed] = (),
        fence: int | None = None,
    ) -> None:
        """Write what has changed since `before` was written, what the audit log is told, and what goes with it.

        The tickets of a Space that is over, whoever asked to be reminded of it, and integrators are told in the same
        transaction. `fence`: with several nodes the writer's number; if it is not the newest, nothing is written: FencedError.
        """
        notes = list(notes)
        async with writing(self._engine) as connection:
            record = after.record
            if fence is not None:
                await owners.check(connection, record.id, fence)
            row, was = _row(record), _row(before.record)
            if row != was:
                seen = any(row[name] != was[name] for name in row.keys() - UNTOLD)
                row |= {"updated_at": now} if seen else {}
                await connection.execute(update(spaces).where(spaces.c.id == record.id).values(row))
            if (record.title, record.topics) != (before.record.title, before.record.topics):
                await listing.write_words(connection, record)
            for table, key, old, new in (
                (stage_members, "account", _stage_rows(before), _stage_rows(after)),
                (stage_invitations, "account", _invitation_rows(before), _invitation_rows(after)),
                (hands, "account", _hand_rows(before), _hand_rows(after)),
                (pins, "url", _pin_rows(before), _pin_rows(after)),
            ):
                await _write_changed(connection, table, key, record.id, old, new)
            over = record.state in (State.ENDED, State.CANCELLED) and record.state is not before.record.state
            if over and record.ended_at is not None:
                await ticket_offers.close(connection, record.id, str(record.state), record.ended_at)
            await reminders.follow(connection, before.record, record, self._reminder_lead, now)
            for happening in happenings(before.record, record, notes[-1].actor if notes else None, now):
                hooks.tell(connection, happening)
            for note in notes:
                body = {"space": record.id, **note.body}
                await audit.record(
                    connection, now, note.action, actor=note.actor, account=note.account, creator=record.creator, **body
                )
            for deed in deeds:
                await deed(connection)

    async def load(self, space: str) -> Record | None:
        kept = await self.load_kept(space)
        return None if kept is None else kept.record

    async def load_kept(self, space: str) -> Kept | None:
        """Everything that was stored of it."""
        if SPACE_ID.fullmatch(space) is None:
            return None  # PostgreSQL would fail on some characters
        async with reading(self._engine) as connection:
            found = await self._records(connection, select(spaces).where(spaces.c.id == space))
            if not found:
                return None
            asking = select(hands).where(hands.c.space == space).order_by(hands.c.since, hands.c.account)
            raised = tuple((row.account, row.since) for row in await connection.execute(asking))
            muted = select(stage_members.c.account).where(stage_members.c.space == space, stage_members.c.muted)
            return Kept(found[0], raised, frozenset((await connection.execute(muted)).scalars()))

    async def live(self) -> list[str]:
        """Every Space that is live, by the database's word."""
        async with reading(self._engine) as connection:
            return list((await connection.execute(select(spaces.c.id).where(spaces.c.state == "live"))).scalars())

    async def listed(
        self, states: Iterable[State], *, creator: int | None = None, suspended: bool = True
    ) -> list[Record]:
        """The newest first, at most LISTED_MAX; with or without what is suspended."""
        query = select(spaces).where(spaces.c.state.in_([str(state) for state in states]))
        if creator is not None:
            query = query.where(spaces.c.creator == creator)
        if not suspended:
            query = query.where(listing.SHOWN)
        async with reading(self._engine) as connection:
            return await self._records(connection, query.order_by(spaces.c.created_at.desc()).limit(LISTED_MAX))

    async def found(
        self, query: listing.SpaceQuery, after: listing.Cursor | None, limit: int, now: datetime
    ) -> tuple[list[Record], listing.Cursor | None]:
        """One page of what is looked for, and where to go on; None: that was all."""
        async with reading(self._engine) as connection:
            ids, end = await listing.page(connection, query, after, limit, now)
            records = {
                one.id: one for one in await self._records(connection, select(spaces).where(spaces.c.id.in_(ids)))
            }
            return [records[id] for id in ids], end

    async def some(self, ids: Sequence[str]) -> dict[str, Record]:
        """Those of them that there are."""
        async with reading(self._engine) as connection:
            return {one.id: one for one in await self._records(connection, select(spaces).where(spaces.c.id.in_(ids)))}

    async def updated(self, ids: Iterable[str]) -> dict[str, datetime]:
        """When anything that was set of them changed last."""
        query = select(spaces.c.id, spaces.c.updated_at).where(spaces.c.id.in_(list(ids)))
        async with reading(self._engine) as connection:
            return {row.id: row.updated_at for row in await connection.execute(query)}

    async def planned(self, creator: int, since: datetime) -> list[Record]:
        """Of this creator, without what is suspended: what is live or coming, and what was cancelled since then; the newest
        first, at most LISTED_MAX."""
        lately = (spaces.c.state == str(State.CANCELLED)) & (spaces.c.ended_at >= since)
        open_ = spaces.c.state.in_((str(State.LIVE), str(State.SCHEDULED)))
        query = select(spaces).where(spaces.c.creator == creator, open_ | lately, listing.SHOWN)
        async with reading(self._engine) as connection:
            return await self._records(connection, query.order_by(spaces.c.created_at.desc()).limit(LISTED_MAX))

    async def named(self, text: str) -> list[Record]:
        """By id, or with this in the title; the newest first, at most FOUND_MAX."""
        if not is_storable(text):
            return []
        query = select(spaces).where((spaces.c.id == text) | spaces.c.title.icontains(text, autoescape=True))
        async with reading(self._engine) as connection:
            return await self._records(connection, query.order_by(spaces.c.created_at.desc()).limit(FOUND_MAX))

    async def server_key(self, name: str, now: datetime) -> bytes:
        """The server's own key of that name: 32 random bytes, made the first time it is asked for."""
        async with writing(self._engine) as connection:
            await connection.execute(
                insert_or_ignore(connection, server_keys).values(
                    name=name, secret=secrets.token_bytes(32), created_at=now
                )
            )
            row = (await connection.execute(select(server_keys.c.secret).where(server_keys.c.name == name))).one()
            return bytes(row.secret)

    @staticmethod
    async def _records(connection: AsyncConnection, query: Any) -> list[Record]:
        rows = (await connection.execute(query)).all()
        if not rows:
            return []
        members = await connection.execute(
            select(stage_members)
            .where(stage_members.c.space.in_([row.id for row in rows]))
            .order_by(stage_members.c.space, stage_members.c.position)
        )
        stages: dict[str, list[StageMember]] = {}
        for member in members:
            stages.setdefault(member.space, []).append(StageMember(member.account, Role(member.role)))
        invited = await connection.execute(
            select(stage_invitations)
            .where(stage_invitations.c.space.in_([row.id for row in rows]))
            .order_by(stage_invitations.c.since, stage_invitations.c.account)
        )
        invitations: dict[str, list[Invitation]] = {}
        for one in invited:
            invitation = Invitation(one.account, Role(one.role), one.by, one.since)
            invitations.setdefault(one.space, []).append(invitation)
        shown = await connection.execute(
            select(pins).where(pins.c.space.in_([row.id for row in rows])).order_by(pins.c.space, pins.c.position)
        )
        links: dict[str, list[Pin]] = {}
        for link in shown:
            links.setdefault(link.space, []).append(Pin(link.url, link.title))
        return [
            _record(row, stages.get(row.id, ()), invitations.get(row.id, ()), links.get(row.id, ())) for row in rows
        ]


async def _check_room(connection: AsyncConnection, creator: int) -> None:
    await alone_with(connection, f"spaces:{creator}")
    open_ = (spaces.c.creator == creator) & spaces.c.state.in_((str(State.LIVE), str(State.SCHEDULED)))
    if (await connection.execute(select(func.count()).where(open_))).scalar_one() >= OPEN_MAX:
        detail = f"{OPEN_MAX} Spaces are live or planned: end or cancel one first"
        raise RequestError(409, "too_many_spaces", detail)


async def _write_changed(
    connection: AsyncConnection,
    table: Table,
    key: str,
    space: str,
    old: list[dict[str, Any]],
    new: list[dict[str, Any]],
) -> None:
    """Rows with the key (space, `key`): those that are gone or different are deleted, those new or different inserted."""
    was, is_now = ({row[key]: row for row in rows} for rows in (old, new))
    gone = [one for one, row in was.items() if is_now.get(one) != row]
    if gone:
        await connection.execute(delete(table).where(table.c.space == space, table.c[key].in_(gone)))
    if made := [row for one, row in is_now.items() if was.get(one) != row]:
        await connection.execute(insert(table), made)


def _row(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "creator": record.creator,
        "title": record.title,
        "access": [asdict(rule) for rule in record.access],
        "topics": list(record.topics),
        "language": record.language,
        "state": str(record.state),
        "scheduled_start": record.scheduled_start,
        "time_zone": record.time_zone,
        "created_at": record.created_at,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "locked": record.locked,
        "capacity": record.capacity,
        "asking": str(record.asking),
        "asking_seconds": record.asking_seconds,
        "sequence": record.sequence,
        "moved_at": record.moved_at,
        "moved_from": record.moved_from,
        "peak_listeners": record.peak_listeners,
        "recording": record.recording,
        "chat": str(record.chat),
        "chat_seconds": record.chat_seconds,
        "captions": str(record.captions),
    }


def _stage_rows(kept: Kept) -> list[dict[str, Any]]:
    return [
        {
            "space": kept.record.id,
            "account": member.account,
            "role": str(member.role),
            "position": position,
            "muted": member.account in kept.muted,
        }
        for position, member in enumerate(kept.record.stage)
    ]


def _invitation_rows(kept: Kept) -> list[dict[str, Any]]:
    return [
        {"space": kept.record.id, "account": i.account, "role": str(i.role), "by": i.by, "since": i.since}
        for i in kept.record.invitations
    ]


def _hand_rows(kept: Kept) -> list[dict[str, Any]]:
    return [{"space": kept.record.id, "account": account, "since": since} for account, since in kept.hands]


def _pin_rows(kept: Kept) -> list[dict[str, Any]]:
    return [
        {"space": kept.record.id, "url": pin.url, "title": pin.title, "position": position}
        for position, pin in enumerate(kept.record.pins)
    ]


def _record(
    row: Row[Any], stage: Sequence[StageMember], invitations: Sequence[Invitation], links: Sequence[Pin]
) -> Record:
    return Record(
        id=row.id,
        creator=row.creator,
        title=row.title,
        access=tuple(AccessRule(**rule) for rule in row.access),
        topics=tuple(row.topics),
        language=row.language,
        state=State(row.state),
        scheduled_start=row.scheduled_start,
        time_zone=row.time_zone,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        locked=row.locked,
        capacity=row.capacity,
        asking=Asking(row.asking),
        asking_seconds=row.asking_seconds,
        sequence=row.sequence,
        moved_at=row.moved_at,
        moved_from=row.moved_from,
        peak_listeners=row.peak_listeners,
        recording=row.recording,
        chat=ChatPolicy(row.chat),
        chat_seconds=row.chat_seconds,
        captions=CaptionsPolicy(row.captions),
        pins=tuple(links),
        stage=tuple(stage),
        invitations=tuple(invitations),
    )
