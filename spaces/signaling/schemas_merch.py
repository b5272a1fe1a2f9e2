"""Merchandise discounts over HTTP: what is sent and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spaces.signaling.answers import AccountView
from spaces.signaling.bodies import Name
from spaces.signaling.patterns import ONE_LINE

Code = Annotated[str, Meta(min_length=1, max_length=64, description="in any case, with or without hyphens")]


class NewDiscount(Struct, kw_only=True, frozen=True):
    percent: Annotated[int, Meta(ge=1, le=100)]
    codes_per_month_max: Annotated[int, Meta(ge=1, le=100)] = 1
    """For one subscriber, in any 30 days."""


class DiscountView(Struct, kw_only=True, frozen=True):
    tier: str
    percent: int
    codes_per_month_max: int


class DiscountsView(Struct, kw_only=True, frozen=True):
    discounts: list[DiscountView]


class CodeView(Struct, kw_only=True, frozen=True):
    """`good`: a shop should take it now: it is issued, and the right behind it stands."""

    id: str
    creator: AccountView
    tier: str
    percent: int
    code: str
    state: Literal["issued", "redeemed", "revoked"]
    good: bool
    issued_at: datetime
    redeemed_at: datetime | None


class CodesView(Struct, kw_only=True, frozen=True):
    codes: list[CodeView]


class SoldCodeView(Struct, kw_only=True, frozen=True):
    """As the creator's finance role sees it: whose it is and for which order it was used; of one that is out not the code."""

    id: str
    account: AccountView
    tier: str
    percent: int
    state: Literal["issued", "redeemed", "revoked"]
    good: bool
    issued_at: datetime
    redeemed_at: datetime | None
    order: str | None


class SoldCodesView(Struct, kw_only=True, frozen=True):
    codes: list[SoldCodeView]
    next: str | None
    """As `before` of the next page; null: that was all."""


class CodeToVerify(Struct, kw_only=True, frozen=True):
    code: Code


class CodeToRedeem(Struct, kw_only=True, frozen=True):
    code: Code
    order: Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)]
    """The shop's own number: asked again for the same order, the answer is the same."""


class VerdictView(Struct, kw_only=True, frozen=True):
    """What a shop is told: nothing of whose the code is."""

    code: str
    percent: int
    state: Literal["issued", "redeemed", "revoked"]
    good: bool
    redeemed_at: datetime | None


class NewCreatorKey(Struct, kw_only=True, frozen=True):
    name: Name
    scope: Literal["merch"] = "merch"


class CreatorKeyView(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    scope: str
    created_at: datetime
    revoked_at: datetime | None
    token: str | None = None
    """Shown once, when the key is made."""


class CreatorKeysView(Struct, kw_only=True, frozen=True):
    keys: list[CreatorKeyView]
