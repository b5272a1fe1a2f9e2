"""Spaces in the database: records in, records out. Each method is one transaction."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import audit, ticket_offers
from access.database import insert_or_ignore, reading, writing
from spaces.db.guest_links import GuestLinks
from spaces.db.reports import Reports
from spaces.db.tables import hands, server_keys, spaces, stage_invitations, stage_members
from spaces.room_record import AccessRule, Invitation, Kept, Record, StageMember
from spaces.room_rules import Asking, Role, State

ID_ALPHABET = string.ascii_letters + string.digits
ID_LENGTH = 13
"""The longest that `^[a-zA-Z0-9]{1,13}$` allows: 77 bits, so ids are not guessed and never collide."""

SPACE_ID = re.compile(r"[a-zA-Z0-9]{1,13}")

LISTED_MAX = 100
"""Spaces in one list."""


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
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.guest_links = GuestLinks(engine)
        self.reports = Reports(engine)

    async def insert(self, record: Record) -> None:
        async with writing(self._engine) as connection:
            await connection.execute(insert(spaces).values(_row(record)))
            await connection.execute(insert(stage_members), _stage_rows(Kept(record)))

    async def save(
        self, before: Kept, after: Kept, now: datetime, notes: Iterable[Note] = (), deeds: Iterable[Deed] = ()
    ) -> None:
        """Write what has changed since `before` was written, what the audit log is told, and what goes with it.

        The tickets of a Space that is over are told in the same transaction.
        """
        async with writing(self._engine) as connection:
            record = after.record
            if _row(record) != _row(before.record):
                await connection.execute(update(spaces).where(spaces.c.id == record.id).values(_row(record)))
            for table, old, new in (
                (stage_members, _stage_rows(before), _stage_rows(after)),
                (stage_invitations, _invitation_rows(before), _invitation_rows(after)),
                (hands, _hand_rows(before), _hand_rows(after)),
            ):
                await _write_changed(connection, table, record.id, old, new)
            over = record.state in (State.ENDED, State.CANCELLED) and record.state is not before.record.state
            if over and record.ended_at is not None:
                await ticket_offers.close(connection, record.id, str(record.state), record.ended_at)
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

    async def listed(self, states: Iterable[State], *, creator: int | None = None) -> list[Record]:
        """The newest first, at most LISTED_MAX."""
        query = select(spaces).where(spaces.c.state.in_([str(state) for state in states]))
        if creator is not None:
            query = query.where(spaces.c.creator == creator)
        async with reading(self._engine) as connection:
            return await self._records(connection, query.order_by(spaces.c.created_at.desc()).limit(LISTED_MAX))

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
        return [_record(row, stages.get(row.id, ()), invitations.get(row.id, ())) for row in rows]


async def _write_changed(
    connection: AsyncConnection, table: Table, space: str, old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    """Rows with the key (space, account): those that are gone or different are deleted, those new or different inserted."""
    was, is_now = ({row["account"]: row for row in rows} for rows in (old, new))
    gone = [account for account, row in was.items() if is_now.get(account) != row]
    if gone:
        await connection.execute(delete(table).where(table.c.space == space, table.c.account.in_(gone)))
    if made := [row for account, row in is_now.items() if was.get(account) != row]:
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


def _record(row: Row[Any], stage: Sequence[StageMember], invitations: Sequence[Invitation]) -> Record:
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
        stage=tuple(stage),
        invitations=tuple(invitations),
    )
