"""What a Space is told (commands) and what it tells (events): frozen values, consumed by `match`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from spaces.room_record import AccessRule
from spaces.room_rules import Act, Kind, Role, State


@dataclass(frozen=True, slots=True)
class SeatKey:
    """(account, client); without an account `client` is unique, so that every anonymous connection has its own seat."""

    account: int | None
    client: str

    def __str__(self) -> str:
        return f"{'~' if self.account is None else self.account}/{self.client}"


# --- commands


@dataclass(frozen=True, slots=True)
class Start:
    act: ClassVar[Act] = Act.START
    by: int
    now: datetime


@dataclass(frozen=True, slots=True)
class End:
    act: ClassVar[Act] = Act.END
    by: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    act: ClassVar[Act] = Act.CANCEL
    by: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """None: leave as it is."""

    by: int
    title: str | None = None
    topics: tuple[str, ...] | None = None
    language: str | None = None
    access: tuple[AccessRule, ...] | None = None
    scheduled_start: datetime | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class BringToStage:
    by: int
    account: int
    role: Role = Role.SPEAKER


@dataclass(frozen=True, slots=True)
class TakeFromStage:
    """`by` may be `account`: leaving the stage oneself."""

    by: int
    account: int


@dataclass(frozen=True, slots=True)
class AcceptHand:
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class DeclineHand:
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class RaiseHand:
    by: int | None
    now: datetime


@dataclass(frozen=True, slots=True)
class LowerHand:
    by: int | None


@dataclass(frozen=True, slots=True)
class MuteSelf:
    by: int | None
    muted: bool


@dataclass(frozen=True, slots=True)
class MuteOther:
    """Mutes only: nobody can unmute another."""

    by: int | None
    account: int


@dataclass(frozen=True, slots=True)
class Join:
    seat: SeatKey
    kind: Kind
    session: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Leave:
    session: str


@dataclass(frozen=True, slots=True)
class MediaChanged:
    session: str
    connected: bool


Lasting = Start | End | Cancel | Edit | BringToStage | TakeFromStage | AcceptHand
Passing = DeclineHand | RaiseHand | LowerHand | MuteSelf | MuteOther | Join | Leave | MediaChanged
Command = Lasting | Passing


# --- events


class Reason(enum.StrEnum):
    """Why the room ended a session."""

    REPLACED = "replaced"
    DISPLACED = "displaced"
    """Another device of the same account has taken the place of this one's seat."""
    OFF_STAGE = "off_stage"
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


Event = (
    StateChanged | DetailsChanged | RoleChanged | StageChanged | HandsChanged | HandChanged | MuteChanged | SessionEnded
)
