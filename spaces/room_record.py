"""What must last of a Space: one frozen value, stored as it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from spaces.room_rules import Role, State


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One way in: a policy's name; for `subscribers` the lowest tier that admits (None: any), for `community` which one."""

    policy: str
    tier: int | None = None
    community: int | None = None


@dataclass(frozen=True, slots=True)
class StageMember:
    account: int
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything about a Space that outlives the process. Times are aware, in UTC."""

    id: str
    creator: int
    """The creator who is followed and paid, and whose account is the host."""
    title: str
    access: tuple[AccessRule, ...]
    """Any of them admits."""
    created_at: datetime
    stage: tuple[StageMember, ...]
    """In the order of arrival; exactly one host."""
    state: State = State.SCHEDULED
    topics: tuple[str, ...] = ()
    language: str | None = None
    scheduled_start: datetime | None = None
    time_zone: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def role_of(self, account: int | None) -> Role:
        for member in self.stage:
            if member.account == account:
                return member.role
        return Role.LISTENER
