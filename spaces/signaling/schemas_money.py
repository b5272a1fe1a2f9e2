"""Bodies and answers of offers, subscriptions and the books. Amounts are in minor units of their ISO 4217 currency."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spaces.signaling.answers import AccountView
from spaces.signaling.bodies import Moment, Reference
from spaces.signaling.terms import (
    AmountMinor,
    Benefit,
    Country,
    CouponCode,
    CouponMonths,
    Currency,
    ForwardSeconds,
    PercentOff,
    RedemptionsMax,
)

Interval = Literal["month", "year"]


class MemberView(Struct, kw_only=True, frozen=True):
    account: AccountView
    role: Literal["owner", "editor", "host", "finance"]
    since: datetime


class MembersView(Struct, kw_only=True, frozen=True):
    members: list[MemberView]


class NewRole(Struct, kw_only=True, frozen=True):
    role: Literal["owner", "editor", "host", "finance"]


class NewTierPrice(Struct, kw_only=True, frozen=True):
    amount_minor: AmountMinor
    currency: Currency
    interval: Interval = "month"


class TierBenefits(Struct, kw_only=True, frozen=True):
    benefits: Annotated[list[Benefit], Meta(max_length=20)]


class NewCoupon(Struct, kw_only=True, frozen=True):
    """Either `percent_off` or `amount_off_minor` with `currency`; `months` goes with the duration `months`."""

    code: CouponCode
    percent_off: PercentOff | None = None
    amount_off_minor: AmountMinor | None = None
    currency: Currency | None = None
    duration: Literal["once", "months", "forever"] = "once"
    months: CouponMonths | None = None
    tier: Reference | None = None
    redemptions_max: RedemptionsMax | None = None
    expires_at: Moment | None = None


class CouponView(Struct, kw_only=True, frozen=True):
    code: str
    percent_off: float | None
    amount_off_minor: int | None
    currency: str | None
    duration: Literal["once", "months", "forever"]
    months: int | None
    tier: str | None
    redemptions: int
    redemptions_max: int | None
    expires_at: datetime | None
    archived_at: datetime | None


class CouponsView(Struct, kw_only=True, frozen=True):
    coupons: list[CouponView]


class SubscriptionChange(Struct, kw_only=True, frozen=True):
    """To a higher tier at once, the difference charged; to a lower one at the end of the period."""

    tier: Reference
    interval: Interval | None = None


class TestPayment(Struct, kw_only=True, frozen=True):
    """Test money only: what becomes of the subscription's charges from now on."""

    outcome: Literal["succeed", "decline", "requires_action"]


class PortalView(Struct, kw_only=True, frozen=True):
    url: str | None
    """Where the means of payment is changed; null: the provider has no such page."""


class RefundRequestView(Struct, kw_only=True, frozen=True):
    amount_minor: int
    reason: str
    asked_at: datetime


class PaymentView(Struct, kw_only=True, frozen=True):
    id: str
    account: AccountView
    creator: AccountView
    purchase: str
    """What was paid for, as `subscription:17`."""
    currency: str
    gross_minor: int
    tax_minor: int
    fee_minor: int
    refunded_minor: int
    refunds_asked: list[RefundRequestView]
    """Here, the oldest first; what has gone back is `refunded_minor`."""
    paid_at: datetime
    test_money: bool


class PaymentsView(Struct, kw_only=True, frozen=True):
    payments: list[PaymentView]
    next: str | None
    """As `before` of the next page; null: that was all."""


class FoundPaymentView(Struct, kw_only=True, frozen=True):
    """As operators see one: not whose it is."""

    id: str
    creator: AccountView
    purchase: str
    currency: str
    gross_minor: int
    left_minor: int
    """What may still be paid back."""
    paid_at: datetime
    test_money: bool


class NewRefund(Struct, kw_only=True, frozen=True):
    """Without an amount: all that is left. The payer is told the reason."""

    amount_minor: AmountMinor | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


class BalanceView(Struct, kw_only=True, frozen=True):
    currency: str
    balance_minor: int
    available_minor: int
    held_minor: int
    in_transit_minor: int


class BalancesView(Struct, kw_only=True, frozen=True):
    balances: list[BalanceView]


class NewPayout(Struct, kw_only=True, frozen=True):
    """Without an amount: all that is available."""

    currency: Currency
    amount_minor: AmountMinor | None = None


class PayoutView(Struct, kw_only=True, frozen=True):
    id: str
    currency: str
    amount_minor: int
    state: Literal["planned", "submitted", "paid", "failed", "returned"]
    returned_minor: int
    """Of the amount, what has come back and is owed again."""
    reason: str
    held: Literal["creator_suspended", "suspended", "negative_balance"] | None
    """What keeps it back. It goes on by itself once that is over."""
    created_at: datetime
    changed_at: datetime
    test_money: bool


class NewPayoutAccount(Struct, kw_only=True, frozen=True):
    country: Country | None = None
    """Where the creator lives; without it, the country of the server's own account. Fixed once the account is begun."""
    return_path: Annotated[str, Meta(max_length=500)] = "/"
    """Where the creator comes back to, below the server's address."""


class OnboardingView(Struct, kw_only=True, frozen=True):
    url: str
    """A page of the payment provider's; good once, for minutes."""


class PayoutAccountView(Struct, kw_only=True, frozen=True):
    needed: bool
    """Whether payouts need an account that is connected."""
    state: Literal["none", "pending", "ready", "restricted"]
    reason: str


class PayoutsView(Struct, kw_only=True, frozen=True):
    payouts: list[PayoutView]
    next: str | None
    """As `before` of the next page; null: that was all."""


class StatementLineView(Struct, kw_only=True, frozen=True):
    """A charge: gross = fee + tax + platform share + creator. What takes back has the signs turned."""

    booked_at: datetime
    """In the month of the statement: a month that is over stays as it is."""
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
    """Owed to the creator after this line."""
    reason: str
    """Of what was paid back, as the payer was told it; else empty."""


class StatementView(Struct, kw_only=True, frozen=True):
    month: str
    lines: list[StatementLineView]


class ClockView(Struct, kw_only=True, frozen=True):
    now: datetime
    may_forward: bool


class Forward(Struct, kw_only=True, frozen=True):
    forward_seconds: ForwardSeconds
