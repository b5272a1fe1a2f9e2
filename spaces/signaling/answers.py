"""What the API answers: the shapes of PROTOCOL.md, which `/openapi.json` is generated from."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class OfferView(Struct, kw_only=True, frozen=True):
    """A price that would admit."""

    kind: Literal["tier"] = "tier"
    tier: str
    name: str
    creator: str
    amount_minor: int
    currency: str
    interval: str
    benefits: list[str]
    url: str


class CommunityWayView(Struct, kw_only=True, frozen=True):
    """A community whose members are admitted, and the next step to become one of them."""

    id: str
    name: str
    step: Literal["join", "request", "wait", "invitation", "subscribe", "accept_rules"]
    rules_version: int
    """To be named with `join`, which is also how changed rules are accepted."""


class TicketWayView(Struct, kw_only=True, frozen=True):
    """Tickets that admit, and whether one can be bought now."""

    amount_minor: int
    currency: str
    left: int
    sale: Literal["on_sale", "sold_out", "not_yet", "closed"]


class ParameterError(Struct, kw_only=True, frozen=True):
    """One thing that is wrong with a request to the read API."""

    parameters: dict[str, list[str]]
    message: str


class Problem(Struct, kw_only=True, frozen=True):
    """RFC 9457. `code` is stable; `field` names what 422 is about; `offers` and `communities` are what would let one in."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    retry_after: int | UnsetType = UNSET
    field: str | UnsetType = UNSET
    offers: list[OfferView] | UnsetType = UNSET
    communities: list[CommunityWayView] | UnsetType = UNSET
    ticket: TicketWayView | UnsetType = UNSET
    errors: list[ParameterError] | UnsetType = UNSET
    """Of the read API: what is wrong with each parameter."""


class AccountView(Struct, kw_only=True, frozen=True):
    id: str
    handle: str | None
    sub: str | None
    """Only to the account's own integration."""
    name: str
    guest: Literal[True] | UnsetType = UNSET
    """Let in by a guest link; nothing is known of who it is but the name that was typed."""


class MeView(Struct, kw_only=True, frozen=True):
    account: AccountView
    is_creator: bool
    creator: str | None
    """The handle as a creator."""
    address: str | None
    """The e-mail address that codes for signing in are sent to."""
    is_operator: bool


class MyCreatorView(Struct, kw_only=True, frozen=True):
    account: AccountView
    handle: str
    name: str
    kind: Literal["person", "publication"]
    role: Literal["owner", "editor", "host", "finance"]


class MyCreatorsView(Struct, kw_only=True, frozen=True):
    creators: list[MyCreatorView]


class RuleView(Struct, kw_only=True, frozen=True):
    policy: str
    tier: str | UnsetType = UNSET
    community: str | UnsetType = UNSET


class StageMemberView(Struct, kw_only=True, frozen=True):
    account: AccountView
    role: Literal["host", "cohost", "speaker"]
    muted: bool
    connected: bool


class StageInvitationView(Struct, kw_only=True, frozen=True):
    """To the stage."""

    account: AccountView
    role: Literal["cohost", "speaker"]
    by: AccountView
    since: datetime


class ReminderView(Struct, kw_only=True, frozen=True):
    mail: bool
    """By mail too, not on the page only."""
    since: datetime


class YouView(Struct, kw_only=True, frozen=True):
    """May I come in? `problem` is what joining would be refused with."""

    role: Literal["host", "cohost", "speaker", "listener"] | None
    admitted: bool
    problem: Problem | None
    invitation: StageInvitationView | UnsetType = UNSET
    """To the stage, while it stands."""
    reminder: ReminderView | UnsetType = UNSET
    """Of a scheduled Space, if you asked for it."""


class SpaceView(Struct, kw_only=True, frozen=True):
    id: str
    title: str
    state: Literal["scheduled", "live", "ended", "cancelled"]
    creator: AccountView
    access: list[RuleView]
    topics: list[str]
    language: str | None
    scheduled_start: datetime | None
    time_zone: str | None
    moved_at: datetime | None
    """When it was given another start."""
    moved_from: datetime | None
    """And the start that it had until then."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    listeners: int
    peak_listeners: int
    """The most at once, so far."""
    recording: bool
    locked: bool
    """Nobody new comes in."""
    capacity: int | None
    """Seats, as the host has set it."""
    asking: Literal["everyone", "subscribers", "nobody"]
    """Who may ask to speak."""
    asking_seconds: int
    """Between two times that one person asks."""
    chat: Literal["off", "everyone", "subscribers"]
    """Who of the audience may write in it."""
    chat_seconds: int
    """Between two lines of one person of the audience."""
    captions: Literal["off", "speakers", "server"]
    """Where they come from: speakers' own clients; and of those who send none, the server's engine."""
    closing_at: datetime | None
    """No host or co-host is there, and then it ends."""
    stage: list[StageMemberView]
    you: YouView | UnsetType = UNSET
    may_join: bool | UnsetType = UNSET
    """In lists, in place of `you`: whether the caller could come in now, or as soon as it starts."""


class AudienceView(Struct, kw_only=True, frozen=True):
    accounts: list[AccountView]
    signed_in: int
    """Of the audience, on all pages together."""
    anonymous: int
    """Seats of those who have not signed in, or said that they listen anonymously."""
    next: str | None
    """To be given as `after`; null: that was all."""


class SpeakerHealthView(Struct, kw_only=True, frozen=True):
    """One speaker's link. Losses are shares of the packets, times seconds; null: not known yet."""

    account: AccountView
    connected: bool
    """His microphone's session is there."""
    muted: bool
    loss: float | None
    """Of what he sends, in the last second or two."""
    jitter: float | None
    round_trip: float | None
    heard_loss: float | None
    """Of what is sent to him: how well he hears the others."""
    level: float | None
    """dBFS, while he is speaking."""


class StageHealthView(Struct, kw_only=True, frozen=True):
    speakers: list[SpeakerHealthView]


class SpacesView(Struct, kw_only=True, frozen=True):
    spaces: list[SpaceView]


class SpacePageView(Struct, kw_only=True, frozen=True):
    spaces: list[SpaceView]
    next: str | None
    """The `cursor` of the next page; null: that was all."""


class LocalTimeView(Struct, kw_only=True, frozen=True):
    """What a clock's time means in a time zone."""

    moments: list[datetime]
    """None where clocks jump over it, two where they show it twice."""
    after_gap: datetime | None
    """Where there is none: the time after the jump, by the same clock."""


class PriceView(Struct, kw_only=True, frozen=True):
    currency: str
    amount_minor: int
    interval: str


class TierView(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    level: int
    state: Literal["draft", "published", "archived"]
    benefits: list[str]
    prices: list[PriceView]
    trial_days: int


class StandingView(Struct, kw_only=True, frozen=True):
    """How the caller stands with a creator."""

    tier: str | None
    status: str
    until: datetime | None
    cancel_at_period_end: bool


class CreatorView(Struct, kw_only=True, frozen=True):
    account: AccountView
    handle: str
    name: str
    kind: Literal["person", "publication"]
    about: str
    """What he says of himself, in plain text; may be empty."""
    tiers: list[TierView]
    spaces: list[SpaceView]
    you: StandingView | None


class CompView(Struct, kw_only=True, frozen=True):
    id: str
    account: AccountView
    tier: str
    starts_at: datetime
    ends_at: datetime | None
    ended_at: datetime | None


class SubscriptionView(Struct, kw_only=True, frozen=True):
    id: str
    status: str
    account: AccountView
    creator: AccountView
    tier: str
    tier_name: str
    amount_minor: int
    currency: str
    interval: str
    until: datetime | None
    cancel_at_period_end: bool
    checkout_url: str | None
    """Where to pay, while there is something to pay; only to the subscriber."""
    payment: Literal["declined", "requires_action", "pending"] | None
    """While it is incomplete: how the last try to pay ended."""
    next_tier: str | None
    """What it changes to at the end of the period."""
    trial_days: int
    test_money: bool
    created_at: datetime
    ended_at: datetime | None


class SubscriptionsView(Struct, kw_only=True, frozen=True):
    subscriptions: list[SubscriptionView]


class SubscribersView(Struct, kw_only=True, frozen=True):
    subscriptions: list[SubscriptionView]
    next: str | None
    """As `before` of the next page; null: that was all."""


class CompsView(Struct, kw_only=True, frozen=True):
    comps: list[CompView]
    next: str | None
    """As `before` of the next page; null: that was all."""


class JoinTokenView(Struct, kw_only=True, frozen=True):
    join_token: str
    expires_at: datetime


class HandView(Struct, kw_only=True, frozen=True):
    account: AccountView
    since: datetime


class HealthView(Struct, kw_only=True, frozen=True):
    status: Literal["ok", "starting", "draining", "failing"]
    checks: dict[str, bool] = {}
