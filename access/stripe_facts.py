"""What Stripe's objects say, in our words. Nothing here asks or stores anything; the shapes are those of the pinned version.

Every object that we make bears our server's name and the purchase in its metadata, because one Stripe account may serve others
too, and a Stripe account tells everybody everything: what does not bear our name is not ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

import stripe

from access.facts import (
    Amounts,
    CheckoutChanged,
    DisputeChanged,
    InvoiceFailed,
    InvoicePaid,
    Line,
    RefundChanged,
    SubscriptionChanged,
)
from access.stripe_amounts import from_stripe
from access.stripe_api import metadata, moment, ref

STRIPE = "stripe"
SERVER, PURCHASE, PRICE, PAYOUT, KEY, CREATOR, TRIAL = (
    f"spaces_{name}" for name in ("server", "purchase", "price", "payout", "key", "creator", "trial")
)  # names in metadata

REFUND_STATES: Mapping[str, Literal["pending", "succeeded", "failed"]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
DISPUTES_OVER: Mapping[str, Literal["won", "lost"]] = {"lost": "lost", "won": "won", "prevented": "won"}
INQUIRY = "warning_"
"""A bank asks, and no money has moved: not a dispute yet, and perhaps never."""


def purchase_of(bag: Any, server: str) -> str | None:
    """Of an object's metadata: what of ours it was bought for; None: not ours."""
    known = metadata(bag)
    return known.get(PURCHASE) if known.get(SERVER) == server else None


def checkout(
    session: stripe.checkout.Session, purchase: str, intent: stripe.PaymentIntent | None, now: datetime
) -> CheckoutChanged | None:
    """None: it is open and nobody has tried to pay. `intent`: of a single payment, if there is one."""
    state, at = _checkout_state(session, intent, now)
    if state is None:
        return None
    paid_once = state == "paid" and intent is not None
    tax = 0 if session.total_details is None else session.total_details.amount_tax
    return CheckoutChanged(
        provider=STRIPE,
        event=f"{session.id}:{state}",
        at=at,
        checkout=session.id,
        purchase=purchase,
        state=state,
        agreement=ref(session.subscription) if state == "paid" else None,
        payment=intent.id if paid_once and intent is not None else None,
        amounts=amounts(intent, tax) if paid_once and intent is not None else None,
    )


def _checkout_state(
    session: stripe.checkout.Session, intent: stripe.PaymentIntent | None, now: datetime
) -> tuple[Literal["declined", "requires_action", "pending", "expired", "paid"] | None, datetime]:
    begun = moment(session.created)
    if session.status == "expired":
        return "expired", min(moment(session.expires_at), now)
    if session.status == "complete":
        if session.payment_status != "unpaid":
            return "paid", moment(_charge(intent).created) if intent is not None else begun
        if intent is not None and intent.status in ("requires_payment_method", "canceled"):
            return "expired", now  # it was to be paid later and was not
        return "pending", begun
    if intent is not None and intent.status == "requires_action":
        return "requires_action", begun
    if intent is not None and intent.last_payment_error is not None:
        return "declined", begun
    return None, begun


def amounts(intent: stripe.PaymentIntent, tax: int) -> Amounts:
    currency = intent.currency.upper()
    return Amounts(
        currency=currency,
        gross_minor=from_stripe(intent.amount_received, currency),
        tax_minor=from_stripe(tax, currency),
        fee_minor=_fee(_charge(intent).balance_transaction, currency),
    )


def _charge(intent: stripe.PaymentIntent) -> stripe.Charge:
    charge = intent.latest_charge
    if not isinstance(charge, stripe.Charge):
        raise ValueError("a payment without its charge")
    return charge


def _fee(entry: Any, currency: str) -> int:
    """Of a balance transaction; 0 while there is none. In the charge's currency, whatever Stripe settles in."""
    if entry is None or isinstance(entry, str):
        return 0
    if entry.currency.upper() == currency or not entry.exchange_rate:
        return from_stripe(entry.fee, currency)
    fee = (Decimal(entry.fee) / Decimal(str(entry.exchange_rate))).to_integral_value(ROUND_HALF_EVEN)
    return from_stripe(int(fee), currency)


def agreement(
    subscription: stripe.Subscription, prices: Mapping[str, int], purchase: str, version: int
) -> SubscriptionChanged:
    """`prices`: our own ids by Stripe's. KeyError: it has a price that is none of ours."""
    following = next_price(subscription)
    ended = subscription.ended_at
    return SubscriptionChanged(
        provider=STRIPE,
        event=f"{subscription.id}:{version}",
        at=moment(ended or subscription.start_date),
        agreement=subscription.id,
        purchase=purchase,
        version=version,
        status=_status(subscription),
        price=prices[price(subscription)],
        next_price=None if following is None else prices[following],
        cancel_at_period_end=ends_with_period(subscription),
        ended_at=None if ended is None else moment(ended),
    )


def trial_after_change(subscription: stripe.Subscription, purchase: str) -> InvoicePaid | None:
    """A trial that was moved to another price, of which Stripe makes no invoice: we wrote the price and the time on it."""
    price, _, at = metadata(subscription.metadata).get(TRIAL, "").partition(":")
    ends = subscription.trial_end
    if not (price.isdecimal() and at.isdecimal()) or ends is None or int(at) >= ends:
        return None
    start = moment(int(at))
    return InvoicePaid(
        provider=STRIPE,
        event=f"{subscription.id}:trial:{at}",
        at=start,
        invoice=f"{subscription.id}:trial:{at}",
        agreement=subscription.id,
        purchase=purchase,
        payment=None,
        amounts=Amounts(currency=subscription.currency.upper(), gross_minor=0),
        lines=(Line(price=int(price), kind="trial", start=start, end=moment(ends), amount_minor=0),),
    )


def looks(subscription: stripe.Subscription) -> str:
    """Everything that `agreement` reads, as text: the same means nothing has changed."""
    seen = [_status(subscription), price(subscription), next_price(subscription)]
    return json.dumps([*seen, ends_with_period(subscription), subscription.ended_at])


def _status(subscription: stripe.Subscription) -> Any:
    """A pause begins with the first period that is not paid for."""
    if subscription.pause_collection is not None and subscription.status == "active":
        invoice = subscription.latest_invoice
        return "paused" if isinstance(invoice, stripe.Invoice) and invoice.status == "void" else "active"
    return subscription.status


def customer(subscription: stripe.Subscription) -> str:
    name = ref(subscription.customer)
    if name is None:
        raise ValueError("a subscription of nobody")
    return name


def is_paused(subscription: stripe.Subscription) -> bool:
    """It is to be paused, and a period has begun that is not paid for."""
    return subscription.pause_collection is not None and _status(subscription) == "paused"


def item(subscription: stripe.Subscription) -> stripe.SubscriptionItem:
    return subscription.items.data[0]


def price(subscription: stripe.Subscription) -> str:
    return item(subscription).price.id


def next_price(subscription: stripe.Subscription) -> str | None:
    """Of the schedule's phase after this one, if that has another."""
    schedule = subscription.schedule
    if not isinstance(schedule, stripe.SubscriptionSchedule) or schedule.current_phase is None:
        return None
    for phase in schedule.phases:
        if phase.start_date >= schedule.current_phase.end_date:
            following = ref(phase.items[0].price)
            return None if following == price(subscription) else following
    return None


def ends_with_period(subscription: stripe.Subscription) -> bool:
    """Said so, or by a date that is not after it."""
    ends = subscription.cancel_at
    return subscription.cancel_at_period_end or (ends is not None and ends <= item(subscription).current_period_end)


def invoice_agreement(invoice: stripe.Invoice, server: str) -> tuple[str, str] | None:
    """The subscription it is for, and what of ours that is; None: not ours."""
    parent = invoice.parent
    if parent is None or parent.subscription_details is None:
        return None
    purchase = purchase_of(parent.subscription_details.metadata, server)
    subscription = ref(parent.subscription_details.subscription)
    return None if purchase is None or subscription is None else (subscription, purchase)


def invoice_paid(
    invoice: stripe.Invoice,
    intent: stripe.PaymentIntent | None,
    prices: Mapping[str, int],
    agreement: str,
    purchase: str,
) -> InvoicePaid:
    currency = invoice.currency.upper()
    tax = sum(entry.amount for entry in invoice.total_taxes or [])
    paid = Amounts(
        currency=currency, gross_minor=from_stripe(invoice.amount_paid, currency), tax_minor=from_stripe(tax, currency)
    )
    if intent is not None:
        paid = amounts(intent, tax)
    return InvoicePaid(
        provider=STRIPE,
        event=f"{invoice.id}:paid",
        at=moment(invoice.status_transitions.paid_at or invoice.created),
        invoice=invoice.id,
        agreement=agreement,
        purchase=purchase,
        payment=None if intent is None else intent.id,
        amounts=paid,
        lines=tuple(
            _line(line, prices[name], currency)
            for line in invoice.lines.data
            if (name := line_price(line)) is not None and name in prices
        ),
    )


def line_price(line: stripe.InvoiceLineItem) -> str | None:
    details = None if line.pricing is None else line.pricing.price_details
    return None if details is None else ref(details.price)


def _line(line: stripe.InvoiceLineItem, price: int, currency: str) -> Line:
    """Stripe's amounts are before discounts: only what is free of itself is a trial."""
    off = sum(entry.amount for entry in line.discount_amounts or [])
    kind: Literal["paid", "trial", "credit"] = "paid"
    if line.amount < 0:
        kind = "credit"
    elif line.amount == 0:
        kind = "trial"
    start, end = moment(line.period.start), moment(line.period.end)
    return Line(price=price, kind=kind, start=start, end=end, amount_minor=from_stripe(line.amount - off, currency))


def invoice_failed(invoice: stripe.Invoice, agreement: str, purchase: str, now: datetime) -> InvoiceFailed:
    return InvoiceFailed(
        provider=STRIPE,
        event=f"{invoice.id}:failed:{invoice.attempt_count}",
        at=now,
        invoice=invoice.id,
        agreement=agreement,
        purchase=purchase,
        period_start=moment(min(line.period.start for line in invoice.lines.data if line.amount >= 0)),
        attempt=invoice.attempt_count,
    )


def refund(entry: stripe.Refund, payment: str) -> RefundChanged:
    state = REFUND_STATES[entry.status or "pending"]
    currency = entry.currency.upper()
    return RefundChanged(
        provider=STRIPE,
        event=f"{entry.id}:{state}",
        at=moment(entry.created),
        refund=entry.id,
        payment=payment,
        state=state,
        amount_minor=from_stripe(entry.amount, currency),
        fee_minor=max(-_fee(entry.balance_transaction, currency), 0),
    )


def dispute(entry: stripe.Dispute, payment: str) -> DisputeChanged | None:
    """None: only an inquiry."""
    if entry.status.startswith(INQUIRY):
        return None
    state: Literal["open", "won", "lost"] = DISPUTES_OVER.get(entry.status) or "open"
    currency = entry.currency.upper()
    return DisputeChanged(
        provider=STRIPE,
        event=f"{entry.id}:{state}",
        at=moment(entry.created),
        dispute=entry.id,
        payment=payment,
        state=state,
        amount_minor=from_stripe(entry.amount, currency),
        opened_at=moment(entry.created),
        fee_minor=max(sum(_fee(part, currency) for part in entry.balance_transactions), 0),
    )
