"""Types of fields whose limits `access` holds: `/openapi.json` tells of them, and who breaks one is refused there."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from access.coupons import MONTHS_MAX as COUPON_MONTHS_MAX
from access.creators import BENEFITS, TRIAL_DAYS_MAX
from access.embedded_money import OUTCOMES
from access.fields import HANDLE, LEVEL_MAX
from access.gifts import MONTHS_MAX as GIFT_MONTHS_MAX
from access.mail_addresses import ADDRESS, LENGTH_MAX
from access.money import AMOUNT_MINOR_MAX, EXPONENTS
from access.money_clock import FORWARD_SECONDS_MAX
from access.payout_service import COUNTRY
from access.ticket_offers import QUANTITY_MAX

POLICIES = ("open", "members", "subscribers", "ticketed", "community", "invite")


def told(**schema: Any) -> Meta:
    """Not looked at when a request is read: the refusal is to have a code of its own, or values are taken more kindly."""
    return Meta(extra_json_schema=schema)


def whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


AmountMinor = Annotated[int, told(minimum=1, maximum=AMOUNT_MINOR_MAX)]
Currency = Annotated[str, told(enum=sorted(EXPONENTS), description="ISO 4217; small letters are taken too")]
Level = Annotated[int, told(minimum=0, maximum=LEVEL_MAX)]
TrialDays = Annotated[int, told(minimum=0, maximum=TRIAL_DAYS_MAX)]
Benefit = Annotated[str, told(enum=list(BENEFITS))]
Outcome = Annotated[str, told(enum=list(OUTCOMES))]
CancelledAt = Annotated[str, told(enum=["period_end", "now"])]
Policy = Annotated[str, told(enum=list(POLICIES))]
CouponMonths = Annotated[int, told(minimum=1, maximum=COUPON_MONTHS_MAX)]
PercentOff = Annotated[float, told(minimum=0.01, maximum=100, multipleOf=0.01)]
RedemptionsMax = Annotated[int, told(minimum=1, maximum=1_000_000)]
GiftIntervals = Annotated[int, told(minimum=1, maximum=GIFT_MONTHS_MAX)]
ForwardSeconds = Annotated[int, told(minimum=1, maximum=FORWARD_SECONDS_MAX)]
Quantity = Annotated[int, told(minimum=1, maximum=QUANTITY_MAX)]
Country = Annotated[str, told(pattern=whole(COUNTRY.pattern), description="ISO 3166")]
Handle = Annotated[str, told(pattern=whole(f"@?{HANDLE.pattern}"))]
CouponCode = Annotated[str, told(pattern=whole(HANDLE.pattern))]
EmailAddress = Annotated[str, told(pattern=whole(ADDRESS.pattern), maxLength=LENGTH_MAX)]
