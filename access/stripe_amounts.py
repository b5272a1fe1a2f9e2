"""Amounts as Stripe counts them: ISO 4217's minor units, with exceptions that Stripe documents.

Stripe still takes two decimals for ISK and UGX, which have none (they must be whole), and of the currencies with three
decimals only amounts whose last digit is zero. https://docs.stripe.com/currencies
"""

from __future__ import annotations

from access.errors import AccessError

HUNDREDFOLD = frozenset({"ISK", "UGX"})
THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
AMOUNT_MAX = 99_999_999
"""Eight digits in minor units. https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts"""


def to_stripe(amount_minor: int, currency: str) -> int:
    """Raises AccessError 409 amount_unpayable."""
    amount = amount_minor * 100 if currency in HUNDREDFOLD else amount_minor
    if not 0 < amount <= AMOUNT_MAX:
        raise AccessError(409, "amount_unpayable", "The payment provider does not take this amount.", "amount_minor")
    if currency in THREE_DECIMALS and amount % 10:
        detail = f"The payment provider takes {currency} with two decimals: the last digit must be 0."
        raise AccessError(409, "amount_unpayable", detail, "amount_minor")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Half a unit and more counts as one."""
    return (amount + 50) // 100 if currency.upper() in HUNDREDFOLD else amount
