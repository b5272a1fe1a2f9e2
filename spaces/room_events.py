"""What a Space tells: frozen values, consumed by `match`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from spaces.room_rules import Role, State


class Reason(enum.StrEnum):
    """Why the room ended a session."""

    REPLACED = "replaced"
    DISPLACED = "displaced"
    """Another device of the same account has taken the place of this one's seat."""
    OFF_STAGE = "off_stage"
    REMOVED = "removed"
    BLOCKED = "blocked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: State


@dataclass(frozen=True, slots=True)
class DetailsChanged:
    access: bool
    """Whether the way in changed, so that everybody seated has to be looked at again."""


@dataclass(frozen=True, slots=True)
class RoleChanged:
    account: int
    role: Role


@dataclass(frozen=True, slots=True)
class StageChanged:
    """Who is on stage, who is muted or who is connected there."""


@dataclass(frozen=True, slots=True)
class HandsChanged:
    """Who asks to speak; also after hosts have changed, for those who may see it now."""


@dataclass(frozen=True, slots=True)
class HandChanged:
    """For the one whose hand it is."""

    account: int
    raised: bool


@dataclass(frozen=True, slots=True)
class MuteChanged:
    account: int
    muted: bool


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The room has forgotten this session; its media and its connection are to be closed."""

    session: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class InvitationsChanged:
    """Who is invited to the stage; also after hosts have changed, for those who may see it now."""


@dataclass(frozen=True, slots=True)
class InvitationChanged:
    """For the one who is invited, or is not any more."""

    account: int


@dataclass(frozen=True, slots=True)
class PinsChanged:
    """Which links are shown, or in which order."""


@dataclass(frozen=True, slots=True)
class ClosingChanged:
    """No host or co-host is there, and at this time it ends; None: one is back."""

    at: datetime | None


Event = (
    StateChanged
    | DetailsChanged
    | RoleChanged
    | StageChanged
    | HandsChanged
    | HandChanged
    | InvitationsChanged
    | InvitationChanged
    | MuteChanged
    | PinsChanged
    | ClosingChanged
    | SessionEnded
)
