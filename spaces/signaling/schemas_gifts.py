"""What is sent and answered about gifts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spaces.signaling.answers import AccountView
from spaces.signaling.bodies import AccountRef, Reference
from spaces.signaling.schemas_money import RefundRequestView
from spaces.signaling.terms import Currency, GiftIntervals

Code = Annotated[str, Meta(min_length=1, max_length=80, description="what follows # in a gift's link")]


class NewGift(Struct, kw_only=True, frozen=True):
    """`intervals` of the tier's price, a month or a year each. Without `recipient`: for whoever redeems its link."""

    tier: Reference
    intervals: GiftIntervals = 1
    recipient: AccountRef | None = None
    currency: Currency | None = None
    interval: Literal["month", "year"] | None = None


class GiftCode(Struct, kw_only=True, frozen=True):
    code: Code


class GiftView(Struct, kw_only=True, frozen=True):
    id: str
    creator: AccountView
    tier: str
    tier_name: str
    months: int
    state: Literal["begun", "paid", "redeemed", "disputed", "refunding", "refunded", "void"]
    name: str
    giver: AccountView | None
    """Not told to whoever has only found the link."""
    recipient: AccountView | None
    """Null: whoever redeems it."""
    amount_minor: int | None
    """This and the currency are told to who gives, who pays and who is paid."""
    currency: str | None
    test_money: bool
    checkout_url: str | None
    """Where to pay, while there is something to pay; only to the giver."""
    payment_state: str | None
    link_expires_at: datetime | None
    redeemed_at: datetime | None
    starts_at: datetime | None
    """Of the right: now, or when what the recipient has already is over."""
    ends_at: datetime | None
    created_at: datetime
    refunds_asked: list[RefundRequestView]
    """What was said when it was paid back; only to who gives and who is paid."""


class GiftsView(Struct, kw_only=True, frozen=True):
    gifts: list[GiftView]
    next: str | None
    """As `before` of the next page; null: that was all."""


class GiftLinkView(Struct, kw_only=True, frozen=True):
    """Told this once: the code is kept nowhere."""

    link: str
    code: str
    expires_at: datetime
