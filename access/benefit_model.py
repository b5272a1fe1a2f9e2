"""The values of benefits besides audio that access hands out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CreatorKey:
    """Lets a program of somebody else do one thing for a creator. The secret is given out only when it is made."""

    id: str
    creator: int
    name: str
    scope: str
    """merch: verify and redeem codes."""
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class MerchDiscount:
    tier: int
    percent: int
    codes_per_month_max: int
    """For one subscriber, in any 30 days."""


@dataclass(frozen=True, slots=True)
class MerchCode:
    id: int
    account: int
    creator: int
    tier: int
    percent: int
    code: str
    """In groups of four."""
    state: str
    """issued, redeemed or revoked."""
    good: bool
    """Whether a shop should take it now: issued, and the right behind it stands."""
    issued_at: datetime
    redeemed_at: datetime | None
    order_ref: str | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Community:
    id: int
    creator: int
    name: str
    description: str
    topics: tuple[str, ...]
    joining: str
    """open, request, invite, or tier: its members are those who have a right to that tier's level."""
    tier: int | None
    rules_version: int
    rules: str
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CommunityMember:
    community: int
    account: int
    role: str
    """admin, moderator or member."""
    state: str
    """requested, invited, active, left, removed or declined."""
    rules_version: int | None
    """The version of the rules accepted last."""
    since: datetime


@dataclass(frozen=True, slots=True)
class MailConsent:
    """An account wants the newsletters of a creator at an address."""

    id: int
    account: int
    creator: int
    address: str
    source: str
    given_at: datetime
    confirmed_at: datetime | None
    """None: it counts for nothing yet."""
    withdrawn_at: datetime | None
    withdrawn_by: str | None


@dataclass(frozen=True, slots=True)
class NewsletterIssue:
    id: int
    creator: int
    author: int
    subject: str
    markdown: str
    tiers: tuple[int, ...]
    """Whose holders it is for; none: every tier with the benefit."""
    state: str
    """draft, sending, sent or stopped."""
    version: int
    created_at: datetime
    sent_at: datetime | None
    """When sending began."""
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claim to send one issue to one account."""

    id: int
    attempt: int
    issue: int
    version: int
    account: int
    creator: int
    creator_name: str
    address: str
    subject: str
    markdown: str
