"""Spaces, accounts and topics as the objects of X API v2."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec import UNSET

from access.model import Account
from spaces.room import Room
from spaces.room_record import Record
from spaces.room_rules import Role, State
from spaces.signaling.views import Accounts
from spaces.signaling.xapi_query import PROBLEMS, Wanted
from spaces.signaling.xapi_schemas import Includes, PartialProblem, SpaceObject, TopicObject, UserObject

IN_ORDER = (Role.HOST, Role.COHOST)


@dataclass(frozen=True, slots=True)
class Seen:
    """A Space as one caller may see it."""

    record: Record
    room: Room | None
    """As it lives now; None if it does not."""
    updated_at: datetime | None
    reminders: int | None
    """How many want to be reminded; None: that is not for him."""
    elsewhere: int
    """How many are in it, if it lives on another node."""
    invited_ids: list[int] | None
    """Who is invited to the stage, as far as he may see that; None: that is not for him."""

    @property
    def host_ids(self) -> list[int]:
        stage = self.record.stage
        return [member.account for role in IN_ORDER for member in stage if member.role is role]

    @property
    def speaker_ids(self) -> list[int]:
        return [member.account for member in self.record.stage if member.role is Role.SPEAKER]

    @property
    def participants(self) -> int:
        if self.record.state is not State.LIVE:
            return 0
        return self.elsewhere if self.room is None else len(self.room.seats)


def invitations_seen(record: Record, viewer: Account | None, *, hosts: bool) -> list[int] | None:
    """Whose invitations to the stage this caller may see: a host all, the invited his own; None: none."""
    invited = [invitation.account for invitation in record.invitations]
    if hosts:
        return invited
    return [viewer.id] if viewer is not None and viewer.id in invited else None


def space_object(seen: Seen, wanted: Wanted) -> SpaceObject:
    record = seen.record
    assert record.state is not State.CANCELLED
    told = {
        "title": record.title,
        "created_at": moment(record.created_at),
        "updated_at": moment(seen.updated_at),
        "scheduled_start": moment(record.scheduled_start),
        "started_at": moment(record.started_at),
        "ended_at": moment(record.ended_at),
        "creator_id": str(record.creator),
        "host_ids": strings(seen.host_ids),
        "speaker_ids": strings(seen.speaker_ids),
        "invited_user_ids": None if seen.invited_ids is None else strings(seen.invited_ids),
        "participant_count": seen.participants,
        "subscriber_count": seen.reminders,
        "is_ticketed": any(rule.policy == "ticketed" for rule in record.access),
        "lang": record.language,
        "topic_ids": list(record.topics),
    }
    asked = {name: value for name, value in told.items() if name in wanted.space and value is not None}
    return SpaceObject(id=record.id, state=record.state.value, **asked)  # type: ignore[arg-type]


def user_object(account: Account, fields: Iterable[str], url: str) -> UserObject:
    """`url`: the page's."""
    page = UNSET if account.handle is None or "url" not in fields else f"{url}/@{account.handle}"
    return UserObject(id=str(account.id), name=account.name, username=account.handle or "", url=page)


def expanded_accounts(seen: Seen, wanted: Wanted) -> list[int]:
    """Whom the answer tells of as whole objects for this Space."""
    ids = {
        "creator_id": [seen.record.creator],
        "host_ids": seen.host_ids,
        "speaker_ids": seen.speaker_ids,
        "invited_user_ids": seen.invited_ids or [],
    }
    return [account for name, accounts in ids.items() if name in wanted.expansions for account in accounts]


def includes(found: list[Seen], wanted: Wanted, accounts: Accounts, url: str) -> Includes:
    ids = dict.fromkeys(account for seen in found for account in expanded_accounts(seen, wanted))
    users = [user_object(accounts[account], wanted.users, url) for account in ids]
    if "topic_ids" not in wanted.expansions:
        return Includes(users=users)
    topics = dict.fromkeys(topic for seen in found for topic in seen.record.topics)
    return Includes(users=users, topics=[TopicObject(id=topic, name=topic) for topic in topics])


def withheld(found: list[Seen], wanted: Wanted) -> list[PartialProblem]:
    """The fields that were asked for and that the caller may not see."""
    return [
        PartialProblem(
            type=f"{PROBLEMS}/not-authorized-for-field",
            title="Field Authorization Error",
            detail=f"You are not permitted to see `{field}` of this Space: [{seen.record.id}].",
            resource_type="space",
            resource_id=seen.record.id,
            section="data",
            field=field,
        )
        for seen in found
        for field, value in (("invited_user_ids", seen.invited_ids), ("subscriber_count", seen.reminders))
        if field in wanted.space and value is None
    ]


def missing(space: str, parameter: str, why: str | None) -> PartialProblem:
    """Of a Space that is not told of: there is none, or (`why`) it was cancelled or is suspended."""
    if why is not None:
        kind, title, detail = "resource-unavailable", "Resource Unavailable Error", why
    else:
        kind, title, detail = "resource-not-found", "Not Found Error", "could not be found"
    return PartialProblem(
        type=f"{PROBLEMS}/{kind}",
        title=title,
        detail=f"The Space with {parameter}: [{space}] {detail}.",
        resource_type="space",
        resource_id=space,
        parameter=parameter,
        value=space,
    )


def moment(time: datetime | None) -> str | None:
    if time is None:
        return None
    time = time.astimezone(UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def strings(accounts: list[int]) -> list[str]:
    return [str(account) for account in accounts]
