"""The values of gifts that access hands out. Times are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from access.money_model import RefundRequest


@dataclass(frozen=True, slots=True)
class Gift:
    id: int
    account: int
    """Who gives."""
    recipient: int | None
    """None: whoever redeems its link."""
    creator: int
    tier: int
    tier_name: str
    months: int
    state: str
    """begun, paid, redeemed, disputed, refunding, refunded or void."""
    name: str
    amount_minor: int
    currency: str
    provider: str
    payment_state: str | None
    code_expires_at: datetime | None
    """Of its newest redeem link."""
    redeemed_at: datetime | None
    starts_at: datetime | None
    """Of the right, once it is redeemed: it may wait until what the recipient has is over."""
    ends_at: datetime | None
    created_at: datetime
    checkout_url: str | None
    refunds_asked: list[RefundRequest]
    """In words, by the creator's finance or an operator."""
