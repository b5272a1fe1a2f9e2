"""The values of tickets that access hands out. Times are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from access.money_model import RefundRequest


@dataclass(frozen=True, slots=True)
class SoldTicket:
    id: int
    space: str
    creator: int
    account: int
    """Whose it is."""
    payer: int
    state: str
    """reserved, paid, admitted, disputed, refunding, refunded or void."""
    name: str
    amount_minor: int
    currency: str
    provider: str
    """`test`: test money, no real payment."""
    reserved_until: datetime
    payment_state: str | None
    refund_reason: str | None
    refunds_asked: list[RefundRequest]
    """In words, by the creator's finance or an operator."""
    admitted_at: datetime | None
    created_at: datetime
    checkout_url: str | None
    """Where to pay, while there is something to pay."""


@dataclass(frozen=True, slots=True)
class Buyer:
    account: int
    ticket: int
    """The first that it has bought for the Space."""
