"""What the API is sent: request bodies, validated by their types.."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spaces.signaling.patterns import ID, ONE_LINE
from spaces.signaling.terms import (
    AmountMinor,
    Benefit,
    CancelledAt,
    CouponCode,
    Currency,
    Handle,
    Level,
    Outcome,
    Policy,
    TrialDays,
)

Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=ONE_LINE)]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)]
Topic = Annotated[str, Meta(min_length=1, max_length=50, pattern=ONE_LINE)]
Topics = Annotated[list[Topic], Meta(max_length=3)]
Language = Annotated[
    str, Meta(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$(?!\n)", description="BCP 47")
]
TimeZone = Annotated[str, Meta(max_length=64, description="IANA time zone")]
Moment = Annotated[datetime, Meta(tz=True)]
LocalTime = Annotated[datetime, Meta(tz=False, description="by the clock of time_zone, without an offset")]
AccountRef = Annotated[str, Meta(min_length=1, max_length=300, description="an account's id, @handle or sub:<sub>")]
Reference = Annotated[str, Meta(pattern=ID)] | Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Rule(Struct, kw_only=True, frozen=True):
    """One way in. `tier` (subscribers): that tier's level or above; without it any tier. `community`: whose members."""

    policy: Policy
    tier: Reference | None = None
    community: Reference | None = None


AccessRules = Rule | Annotated[list[Rule], Meta(min_length=1, max_length=10)]


Capacity = Annotated[int, Meta(ge=0, le=1_000_000, description="seats; 0: as many as there are")]
Asking = Annotated[
    Literal["everyone", "subscribers", "nobody"], Meta(description="who of the audience may ask to speak")
]
AskingSeconds = Annotated[int, Meta(ge=0, le=3_600, description="between two times that one person asks to speak")]


Chat = Annotated[
    Literal["off", "everyone", "subscribers"], Meta(description="who of the audience may write in the chat")
]
ChatSeconds = Annotated[int, Meta(ge=0, le=3_600, description="slow mode: between two lines of one person")]
Captions = Annotated[
    Literal["off", "speakers", "server"],
    Meta(description="where captions come from: speakers' clients; and of those who send none, the server's engine"),
]


class NewSpace(Struct, kw_only=True, frozen=True):
    title: Title
    access: AccessRules
    creator: AccountRef | None = None
    topics: Topics = []
    language: Language | None = None
    scheduled_start: Moment | None = None
    local_start: LocalTime | None = None
    """In place of scheduled_start."""
    time_zone: TimeZone | None = None
    capacity: Capacity = 0
    asking: Asking = "everyone"
    asking_seconds: AskingSeconds = 0
    recording: bool = False
    chat: Chat = "everyone"
    chat_seconds: ChatSeconds = 0
    captions: Captions = "speakers"


class SpaceChanges(Struct, kw_only=True, frozen=True):
    title: Title | None = None
    access: AccessRules | None = None
    topics: Topics | None = None
    language: Language | None = None
    scheduled_start: Moment | None = None
    local_start: LocalTime | None = None
    """In place of scheduled_start."""
    time_zone: TimeZone | None = None
    capacity: Capacity | None = None
    asking: Asking | None = None
    asking_seconds: AskingSeconds | None = None
    recording: bool | None = None
    chat: Chat | None = None
    chat_seconds: ChatSeconds | None = None
    captions: Captions | None = None


class NewSpeaker(Struct, kw_only=True, frozen=True):
    account: AccountRef
    role: Literal["speaker", "cohost"] = "speaker"


class SpaceInvitation(Struct, kw_only=True, frozen=True):
    account: AccountRef


class NewCreator(Struct, kw_only=True, frozen=True):
    """A person is the caller; a publication has an account of its own and members, the caller its first owner."""

    handle: Handle
    name: Name | None = None
    kind: Literal["person", "publication"] = "person"


class NewPrice(Struct, kw_only=True, frozen=True):
    amount_minor: AmountMinor
    currency: Currency
    interval: Literal["month", "year"] = "month"


class CreatorChanges(Struct, kw_only=True, frozen=True):
    about: Annotated[str, Meta(max_length=1_000)]
    """Plain text of several lines; empty: none."""


class NewTier(Struct, kw_only=True, frozen=True):
    name: Name
    level: Level
    price: NewPrice
    benefits: list[Benefit] | None = None
    state: Literal["draft", "published"] = "published"
    trial_days: TrialDays = 0


class NewComp(Struct, kw_only=True, frozen=True):
    account: AccountRef
    tier: Reference
    ends_at: Moment | None = None


class NewSubscription(Struct, kw_only=True, frozen=True):
    """Without currency or interval: the tier's oldest price, by the month if there is one."""

    tier: Reference
    currency: Currency | None = None
    interval: Literal["month", "year"] | None = None
    coupon: CouponCode | None = None


class Cancellation(Struct, kw_only=True, frozen=True):
    at: CancelledAt = "period_end"


class Payment(Struct, kw_only=True, frozen=True):
    """How a payment with test money is to end: succeed, decline, requires_action or pays_later."""

    outcome: Outcome
