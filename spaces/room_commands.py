"""What a Space is told: frozen values, consumed by `match`. What it tells is in `room_events`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from spaces.room_record import AccessRule, Pin
from spaces.room_rules import Act, Asking, CaptionsPolicy, ChatPolicy, Kind, Role


@dataclass(frozen=True, slots=True)
class SeatKey:
    """(account, client); without an account `client` is unique, so that every anonymous connection has its own seat."""

    account: int | None
    client: str

    def __str__(self) -> str:
        return f"{'~' if self.account is None else self.account}/{self.client}"


# --- what lasts: proposed, stored, committed


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

    act: ClassVar[Act] = Act.EDIT

    by: int
    now: datetime | None = None
    """When this is; a new start is noted with it."""
    title: str | None = None
    topics: tuple[str, ...] | None = None
    language: str | None = None
    access: tuple[AccessRule, ...] | None = None
    scheduled_start: datetime | None = None
    time_zone: str | None = None
    capacity: int | None = None
    """0: as many as the node gives."""
    asking: Asking | None = None
    asking_seconds: int | None = None
    chat: ChatPolicy | None = None
    chat_seconds: int | None = None
    captions: CaptionsPolicy | None = None


@dataclass(frozen=True, slots=True)
class BringToStage:
    act: ClassVar[Act] = Act.BRING_TO_STAGE
    by: int
    account: int
    role: Role = Role.SPEAKER


@dataclass(frozen=True, slots=True)
class TakeFromStage:
    """`by` may be `account`: leaving the stage oneself."""

    act: ClassVar[Act] = Act.TAKE_FROM_STAGE
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class AcceptHand:
    act: ClassVar[Act] = Act.ANSWER_HAND
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class SetLock:
    act: ClassVar[Act] = Act.LOCK
    by: int
    locked: bool


@dataclass(frozen=True, slots=True)
class HandOver:
    """To a co-host; the host becomes a co-host."""

    act: ClassVar[Act] = Act.HAND_OVER
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class Invite:
    act: ClassVar[Act] = Act.INVITE_TO_STAGE
    by: int
    account: int
    now: datetime
    role: Role = Role.SPEAKER


@dataclass(frozen=True, slots=True)
class Uninvite:
    act: ClassVar[Act] = Act.INVITE_TO_STAGE
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    act: ClassVar[Act] = Act.ANSWER_INVITATION
    by: int


@dataclass(frozen=True, slots=True)
class DeclineInvitation:
    act: ClassVar[Act] = Act.ANSWER_INVITATION
    by: int


@dataclass(frozen=True, slots=True)
class UseGuestLink:
    """That the link is good, and used up with this, is the caller's to see to."""

    act: ClassVar[Act] = Act.USE_GUEST_LINK
    by: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Out now, and from the stage; may come back."""

    act: ClassVar[Act] = Act.REMOVE
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class Block:
    """Out now, and not back. That he is kept out elsewhere too is the caller's to see to."""

    act: ClassVar[Act] = Act.BLOCK
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class Unblock:
    act: ClassVar[Act] = Act.UNBLOCK
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class PinLink:
    """One more, or another title or place for one that is there. That the link is safe is the caller's to see to."""

    act: ClassVar[Act] = Act.PIN
    by: int
    pin: Pin
    place: int | None = None
    """From 0; None: where it is, or last."""


@dataclass(frozen=True, slots=True)
class UnpinLink:
    act: ClassVar[Act] = Act.PIN
    by: int
    url: str


@dataclass(frozen=True, slots=True)
class SetPins:
    """All of them, in this order."""

    act: ClassVar[Act] = Act.PIN
    by: int
    pins: tuple[Pin, ...]


@dataclass(frozen=True, slots=True)
class EndAbandoned:
    """By the server: no host or co-host has been there for as long as the limits say."""

    act: ClassVar[Act] = Act.END
    now: datetime
    by: None = None


@dataclass(frozen=True, slots=True)
class EndSuspended:
    """By the server: an operator has suspended the Space or its creator."""

    act: ClassVar[Act] = Act.END
    now: datetime
    by: None = None


# --- what happens at once: hands and mutes are stored afterwards, the rest lives as long as the node


@dataclass(frozen=True, slots=True)
class DeclineHand:
    act: ClassVar[Act] = Act.ANSWER_HAND
    by: int
    account: int


@dataclass(frozen=True, slots=True)
class RaiseHand:
    act: ClassVar[Act] = Act.RAISE_HAND
    by: int | None
    now: datetime
    subscriber: bool = False
    """Whether access has found that he is one; asked where only subscribers may ask."""


@dataclass(frozen=True, slots=True)
class LowerHand:
    act: ClassVar[Act] = Act.LOWER_HAND
    by: int | None


@dataclass(frozen=True, slots=True)
class MuteSelf:
    act: ClassVar[Act] = Act.MUTE_SELF
    by: int | None
    muted: bool


@dataclass(frozen=True, slots=True)
class MuteOther:
    """Mutes only: nobody can unmute another."""

    act: ClassVar[Act] = Act.MUTE_OTHER
    by: int | None
    account: int


@dataclass(frozen=True, slots=True)
class MuteAll:
    """Everybody on stage but the host and who does it."""

    act: ClassVar[Act] = Act.MUTE_ALL
    by: int | None


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


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""

    now: datetime


Lasting = (
    Start
    | End
    | Cancel
    | Edit
    | SetLock
    | HandOver
    | BringToStage
    | TakeFromStage
    | AcceptHand
    | Invite
    | Uninvite
    | AcceptInvitation
    | DeclineInvitation
    | UseGuestLink
    | Remove
    | Block
    | Unblock
    | PinLink
    | UnpinLink
    | SetPins
    | EndAbandoned
    | EndSuspended
)
StoredAfter = DeclineHand | RaiseHand | LowerHand | MuteSelf | MuteOther | MuteAll
Passing = StoredAfter | Join | Leave | MediaChanged | Tick
Command = Lasting | Passing
