"""The values of money that access hands out, as access.model has those of rights. Times are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Coupon:
    id: int
    code: str
    percent_off: float | None
    amount_off_minor: int | None
    currency: str | None
    duration: str
    """once, months or forever."""
    months: int | None
    tier: int | None
    """Only for this tier."""
    redemptions: int
    redemptions_max: int | None
    expires_at: datetime | None
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class Balance:
    """What is owed to a creator in one currency, in minor units."""

    currency: str
    balance_minor: int
    """May be below zero: refunds of what was paid out before."""
    available_minor: int
    """Of the balance, what may be paid out now."""
    held_minor: int
    """Beside the balance: disputed."""
    in_transit_minor: int
    """Beside the balance: being paid out."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """That a payment be paid back, whole or in part, as it was asked for here."""

    amount_minor: int
    reason: str
    """As the payer is told it; may be empty."""
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    id: int
    account: int
    creator: int
    purchase: str
    currency: str
    gross_minor: int
    tax_minor: int
    fee_minor: int
    refunded_minor: int
    refunds_asked: list[RefundRequest]
    """The oldest first; not those that were made at the provider."""
    paid_at: datetime
    provider: str


@dataclass(frozen=True, slots=True)
class Payout:
    id: int
    creator: int
    currency: str
    amount_minor: int
    state: str
    """planned, submitted, paid, failed or returned."""
    returned_minor: int
    """Of the amount, what has come back and is owed again."""
    reason: str
    """Why it failed, in the provider's words."""
    held: str | None
    """What keeps it back: creator_suspended, suspended or negative_balance; None: nothing."""
    created_at: datetime
    changed_at: datetime
    provider: str


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """Where a creator is paid out to."""

    needed: bool
    """Whether the provider pays only to an account that is connected."""
    state: str
    """none, pending, ready or restricted."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """Amounts in minor units, as they change what each gets; see access.statements."""

    booked_at: datetime
    """In the month of the statement."""
    at: datetime
    """When it became so, by the provider's clock: perhaps in a month before."""
    kind: str
    purchase: str | None
    currency: str
    gross_minor: int
    fee_minor: int
    tax_minor: int
    platform_share_minor: int
    creator_minor: int
    held_minor: int
    balance_minor: int
    reason: str
    """Of what was paid back, as the payer was told it; else empty."""


@dataclass(frozen=True, slots=True)
class CreatorMember:
    account: int
    role: str
    """owner, editor, host or finance."""
    since: datetime
