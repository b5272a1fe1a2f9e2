"""What integrators are told of a Space: read off the difference between what was stored and what is stored now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from access.hooks import Happening
from spaces.room_record import Record
from spaces.room_rules import Role, State

KINDS = {
    State.SCHEDULED: "space.scheduled",
    State.LIVE: "space.started",
    State.ENDED: "space.ended",
    State.CANCELLED: "space.cancelled",
}


def happenings(before: Record | None, after: Record, by: int | None, now: datetime) -> Iterator[Happening]:
    """`before` None: it is new. `by`: whose act it was; None: the clock's."""
    if before is None or before.state is not after.state or before.scheduled_start != after.scheduled_start:
        yield _happening(KINDS[after.state], after, {"space": _space(after), "by": by}, now)
    if before is None:
        return
    roles, were = _roles(after), _roles(before)
    for account in dict.fromkeys([*were, *roles]):
        role, was = roles.get(account, Role.LISTENER), were.get(account, Role.LISTENER)
        if role is not was:
            body = {"space": after.id, "account": account, "role": str(role), "was": str(was), "by": by}
            yield _happening("role.changed", after, body, now)


def _happening(kind: str, record: Record, body: dict[str, Any], now: datetime) -> Happening:
    return Happening(kind, now, record.id, record.creator, body | {"creator": record.creator})


def _roles(record: Record) -> dict[int, Role]:
    return {member.account: member.role for member in record.stage}


def _space(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "title": record.title,
        "state": str(record.state),
        "scheduled_start": _text(record.scheduled_start),
        "time_zone": record.time_zone,
        "started_at": _text(record.started_at),
        "ended_at": _text(record.ended_at),
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
