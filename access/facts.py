"""What a payment provider tells: a small set of typed facts, which `access.fold.apply` writes into our rows.

A fact says how an object of the provider's *is*, not what changed. Each object goes through few states in one direction, and
the later one stands whatever order the news comes in: hearing a fact twice, late or before what it builds on ends in the same
rows. Facts are told by webhooks, are the answers to our own requests, and are what the reconciler fetches: three ways to say
the same, so nothing depends on which of them came first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct


class Amounts(Struct, frozen=True, kw_only=True):
    """Of one payment, in minor units of one currency (ISO 4217)."""

    currency: str
    gross_minor: int
    """What the payer paid, tax included."""
    tax_minor: int = 0
    fee_minor: int = 0
    """What the processor keeps; 0 also while it has not said: a fee that is told later is booked then."""


class Line(Struct, frozen=True, kw_only=True):
    """A line of an invoice. `paid` and `trial` lines prove a period, which takes the place of one that it begins within; the
    `credit` for that one says no more."""

    price: int
    """Our own tier_prices.id."""
    kind: Literal["paid", "trial", "credit"]
    start: datetime
    end: datetime
    amount_minor: int


class Fact(Struct, frozen=True, kw_only=True, tag_field="fact"):
    """`purchase` in what follows is our own name of what is bought, which the provider hands back: `subscription:17`."""

    provider: str
    """The name of the PaymentProvider: references are unique within it."""
    event: str
    """The provider's id of this news; for an answer or a fetched object one made of the object and its version."""
    at: datetime
    """When it became so, by the provider's clock."""


class CheckoutChanged(Fact, frozen=True, kw_only=True, tag="checkout"):
    """States in the order in which the later stands; a payment that arrives after all overrules an expiry."""

    checkout: str
    purchase: str
    state: Literal["declined", "requires_action", "pending", "expired", "paid"]
    """`pending`: agreed to, the money comes later. `declined` and `requires_action` leave it open."""
    agreement: str | None = None
    """Of a subscription: the provider's name for it, which its invoices and changes bear."""
    payment: str | None = None
    """Of a one-off purchase that is paid: the provider's name for the payment, which refunds and disputes bear."""
    amounts: Amounts | None = None
    """With `payment`."""


class InvoicePaid(Fact, frozen=True, kw_only=True, tag="invoice_paid"):
    invoice: str
    agreement: str
    payment: str | None
    """None: there was nothing to pay (a trial, a coupon over the whole price)."""
    amounts: Amounts
    lines: tuple[Line, ...]
    purchase: str | None = None


class InvoiceFailed(Fact, frozen=True, kw_only=True, tag="invoice_failed"):
    """The period from `period_start` on is not paid for, yet. Grace begins."""

    invoice: str
    agreement: str
    period_start: datetime
    attempt: int
    purchase: str | None = None


class SubscriptionChanged(Fact, frozen=True, kw_only=True, tag="subscription"):
    """The agreement as a whole; of two the one with the greater (version, status in the order of life, event) stands."""

    agreement: str
    version: int
    """Grows with every change: the provider's own number, or the time in its finest unit."""
    status: Literal[
        "incomplete", "trialing", "active", "past_due", "unpaid", "paused", "incomplete_expired", "canceled"
    ]
    price: int
    """Our own tier_prices.id of what is charged."""
    next_price: int | None = None
    """What it changes to at the end of the period."""
    cancel_at_period_end: bool = False
    ended_at: datetime | None = None
    """With `canceled`: a period that is running then ends then."""
    purchase: str | None = None


class RefundChanged(Fact, frozen=True, kw_only=True, tag="refund"):
    """`failed` after `succeeded`: the money has come back to us."""

    refund: str
    payment: str
    state: Literal["pending", "succeeded", "failed"]
    amount_minor: int
    tax_minor: int | None = None
    """Of that, tax; None: in proportion."""
    fee_minor: int = 0
    """What the processor gives back of its fee."""


class DisputeChanged(Fact, frozen=True, kw_only=True, tag="dispute"):
    """Open or lost, it revokes what the payment bought and holds or takes the creator's money; won, it restores both."""

    dispute: str
    payment: str
    state: Literal["open", "won", "lost"]
    amount_minor: int
    opened_at: datetime
    fee_minor: int = 0
    """What the processor asks for it, if it is lost."""


class PayoutChanged(Fact, frozen=True, kw_only=True, tag="payout"):
    payout: int
    """Our own payouts.id."""
    transfer: str
    state: Literal["submitted", "paid", "failed", "returned"]
    returned_minor: int = 0
    """Of one that is paid: so much of it has come back, all in all."""
    reason: str = ""


class PayoutAccountChanged(Fact, frozen=True, kw_only=True, tag="payout_account"):
    """An account that a creator has connected to be paid out to; of two the one with the greater version stands."""

    account: str
    creator: int
    version: int
    state: Literal["pending", "ready", "restricted"]
    """`pending`: more is asked of the creator. `restricted`: the provider pays nothing to it for now."""
    reason: str = ""


AnyFact = (
    CheckoutChanged
    | InvoicePaid
    | InvoiceFailed
    | SubscriptionChanged
    | RefundChanged
    | DisputeChanged
    | PayoutChanged
    | PayoutAccountChanged
)
Facts = tuple[AnyFact, ...]


def encode(fact: AnyFact) -> str:
    return msgspec.json.encode(fact).decode()


def decode(text: str) -> AnyFact:
    """Of what `encode` made. Raises msgspec.DecodeError."""
    fact: AnyFact = msgspec.json.decode(text, type=AnyFact)
    return fact
