"""What must last of a Space: one frozen value, stored as it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from spaces.room_rules import Asking, CaptionsPolicy, ChatPolicy, Role, State


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


@dataclass(frozen=True, slots=True)
class Invitation:
    """To the stage, for one account; it stands until it is accepted, declined or taken back."""

    account: int
    role: Role
    """speaker or cohost."""
    by: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Pin:
    """A link that hosts show to everybody inside; a Space has each address once."""

    url: str
    title: str
    """Empty: the address speaks for itself."""


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
    locked: bool = False
    """Nobody new comes in."""
    capacity: int | None = None
    """Seats, as the host has set it; None: as many as the node gives."""
    asking: Asking = Asking.EVERYONE
    asking_seconds: int = 0
    """Between two times that one person asks to speak."""
    sequence: int = 0
    """Grows with every change of the schedule, as calendars count them (RFC 5545 §3.8.7.4)."""
    moved_at: datetime | None = None
    """When it was given another start than the one it had, and that one."""
    moved_from: datetime | None = None
    peak_listeners: int = 0
    """The most seats that the audience has had at once."""
    recording: bool = False
    """Whether it is recorded, as the host has set it."""
    chat: ChatPolicy = ChatPolicy.EVERYONE
    chat_seconds: int = 0
    """Between two lines of one person of the audience."""
    captions: CaptionsPolicy = CaptionsPolicy.SPEAKERS
    pins: tuple[Pin, ...] = ()
    """In the order in which they are shown."""
    invitations: tuple[Invitation, ...] = ()
    """In the order in which they were made; nobody on stage has one."""

    def role_of(self, account: int | None) -> Role:
        for member in self.stage:
            if member.account == account:
                return member.role
        return Role.LISTENER

    def invitation_of(self, account: int | None) -> Invitation | None:
        return next((invitation for invitation in self.invitations if invitation.account == account), None)


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is stored of a Space: what it comes back with after its node was killed."""

    record: Record
    hands: tuple[tuple[int, datetime], ...] = ()
    """Who asks to speak, and since when; in the order of asking."""
    muted: frozenset[int] = frozenset()
    """Of those on stage."""
