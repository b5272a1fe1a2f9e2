"""The values that access hands out: rows of its tables as other code may see them. Times are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from access.decide import Allow


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    handle: str | None
    sub: str | None
    integration: int | None
    name: str
    status: str
    """active, suspended or deleted."""
    is_guest: bool = False
    """Let in by a guest link, without an account of his own."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that signs account tokens. The secret is given out only by `add_key`."""

    id: str
    integration: int
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Price:
    id: int
    amount_minor: int
    """In the currency's minor unit (ISO 4217 exponent)."""
    currency: str
    interval: str
    state: str


@dataclass(frozen=True, slots=True)
class Tier:
    id: int
    creator: int
    name: str
    level: int
    state: str
    """draft, published or archived."""
    benefits: tuple[str, ...]
    prices: tuple[Price, ...]
    """Not those that a newer price has replaced."""
    trial_days: int = 0
    """For whoever subscribes to this creator for the first time."""


@dataclass(frozen=True, slots=True)
class Creator:
    """Somebody who is followed and paid. `id` is also the id of the creator's account."""

    id: int
    handle: str
    name: str
    kind: str
    """person or publication."""
    about: str = ""
    """What he says of himself, in plain text of several lines."""


@dataclass(frozen=True, slots=True)
class Subscription:
    id: int
    account: int
    creator: int
    tier: int
    tier_name: str
    status: str
    """As of now: an ended period shows here although no event has told of it."""
    amount_minor: int
    currency: str
    interval: str
    until: datetime | None
    """End of what has been paid for."""
    cancel_at_period_end: bool
    checkout_url: str | None
    """Where to pay, while there is something to pay."""
    provider: str
    """`test`: test money, no real payment."""
    created_at: datetime
    ended_at: datetime | None
    payment_state: str | None = None
    """While it is incomplete: declined, requires_action or pending, as the last try to pay ended."""
    next_tier: int | None = None
    """What it changes to at the end of the period."""
    trial_days: int = 0


@dataclass(frozen=True, slots=True)
class Comp:
    """A right given for nothing by the creator."""

    id: int
    creator: int
    account: int
    tier: int
    starts_at: datetime
    ends_at: datetime | None
    ended_at: datetime | None
    """When the creator took it back."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands with a creator: the fold over all its grants and subscriptions."""

    tier: int | None
    """The highest tier it has a right to now."""
    status: str
    """The status of its newest live subscription; else `comp` or `gift` for a right without one; else `none` or `lapsed`."""
    until: datetime | None
    """When that right ends, including grace; None with a tier: it has no end."""
    cancel_at_period_end: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """One live seat's right: who, where, on which grants, until when."""

    id: int
    account: int | None
    space: str
    client: str
    allow: Allow


@dataclass(frozen=True, slots=True)
class Occupant:
    """Who has a seat, by what is written."""

    account: int | None
    client: str
    connected: bool
    """Media has connected on that admission."""


@dataclass(frozen=True, slots=True)
class RightsChanged:
    """Something about what `account` may do with `creator` changed: decide again.

    `creator` 0: with every creator. `account` 0: everybody with this creator.
    """

    account: int
    creator: int
