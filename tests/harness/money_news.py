"""What a provider tells of a ticket's or a gift's money, as a test makes it up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from access.facts import Amounts, CheckoutChanged, DisputeChanged, RefundChanged
from access.gift_model import Gift
from access.ticket_model import SoldTicket

Sold = SoldTicket | Gift


def paid(sold: Sold, ref: str, at: datetime, *, payment: str | None = None) -> CheckoutChanged:
    kind = "ticket" if isinstance(sold, SoldTicket) else "gift"
    return CheckoutChanged(
        provider="test",
        event=f"{ref}:paid",
        at=at,
        checkout=ref,
        purchase=f"{kind}:{sold.id}",
        state="paid",
        payment=payment or f"{ref}:pay",
        amounts=Amounts(currency=sold.currency, gross_minor=sold.amount_minor, fee_minor=50),
    )


def refunded(
    sold: Sold, ref: str, at: datetime, state: Any = "succeeded", *, amount: int | None = None
) -> RefundChanged:
    """Of the whole, or of an amount."""
    return RefundChanged(
        provider="test",
        event=f"{ref}:refund:{state}:{amount}",
        at=at,
        refund=f"{ref}:re:{amount}",
        payment=f"{ref}:pay",
        state=state,
        amount_minor=amount or sold.amount_minor,
    )


def disputed(sold: Sold, ref: str, at: datetime, state: Any = "open") -> DisputeChanged:
    return DisputeChanged(
        provider="test",
        event=f"{ref}:dispute:{state}",
        at=at,
        dispute=f"{ref}:dp",
        payment=f"{ref}:pay",
        state=state,
        amount_minor=sold.amount_minor,
        opened_at=at,
    )
