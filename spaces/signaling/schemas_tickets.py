"""What is sent and answered about tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from spaces.signaling.answers import AccountView
from spaces.signaling.bodies import AccountRef, Moment
from spaces.signaling.schemas_money import RefundRequestView
from spaces.signaling.terms import AmountMinor, Currency, Quantity


class NewTicketOffer(Struct, kw_only=True, frozen=True):
    """1–999 whole units of the currency. `open` false: nothing is sold for now."""

    amount_minor: AmountMinor
    currency: Currency
    quantity: Quantity
    sale_start: Moment | None = None
    sale_end: Moment | None = None
    open: bool = True


class TicketOfferView(Struct, kw_only=True, frozen=True):
    space: str
    amount_minor: int
    currency: str
    quantity: int
    left: int
    sale: Literal["on_sale", "sold_out", "not_yet", "closed"]
    sale_start: datetime | None
    sale_end: datetime | None


class TicketView(Struct, kw_only=True, frozen=True):
    id: str
    space: str
    account: AccountView
    """Whose it is."""
    payer: AccountView
    state: Literal["reserved", "paid", "admitted", "disputed", "refunding", "refunded", "void"]
    name: str
    amount_minor: int
    currency: str
    test_money: bool
    checkout_url: str | None
    """Where to pay, while there is something to pay; only to the payer."""
    payment_state: str | None
    reserved_until: datetime
    refund_reason: str | None
    refunds_asked: list[RefundRequestView]
    """What was said with it; only to the payer and the creator's finance."""
    admitted_at: datetime | None
    created_at: datetime


class TicketsView(Struct, kw_only=True, frozen=True):
    tickets: list[TicketView]
    next: str | None
    """As `before` of the next page; null: that was all."""


class TicketTransfer(Struct, kw_only=True, frozen=True):
    account: AccountRef
