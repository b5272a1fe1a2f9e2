"""How a payment is divided. Pure, in integers.

    gross = processor fee + tax + platform share + creator share, exactly

The platform's share is taken of what is left after tax and fee, and grows in steps over what a creator has earned in his
life, subscriptions and tickets together, in each currency by itself. The one rounding rule: *the share of a lifetime's
earnings* is rounded, half to even; a payment's share is the difference between the share after it and the share before it.
So rounding never adds up over many payments, the payment that crosses a step is split exactly, and whatever order payments
and refunds are written in, the sum is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from access.money import EXPONENTS

BASIS = 10_000
"""Basis points in a whole."""


@dataclass(frozen=True, slots=True)
class ShareTerms:
    below_bp: int = 300
    above_bp: int = 2_000
    step_minor: int | None = None
    """Of lifetime earnings; None: there is no step in this currency."""


@dataclass(frozen=True, slots=True)
class MoneyTerms:
    """The operator's terms."""

    share_below_bp: int = 300
    share_above_bp: int = 2_000
    steps: Mapping[str, int] = field(default_factory=lambda: {"USD": 50_000})
    """Lifetime earnings above which the higher share is taken, in whole units, by currency."""
    grace: timedelta = timedelta(days=7)
    """After a period whose renewal could not be collected."""
    renewal_slack: timedelta = timedelta()
    """After a period that is to be renewed, until the provider has told: see PaymentProvider."""
    payout_delay: timedelta = timedelta(days=7)
    """Earnings can be paid out when they are so old: refunds and disputes come early."""

    def share(self, currency: str) -> ShareTerms:
        step = self.steps.get(currency)
        step_minor = None if step is None else step * 10 ** EXPONENTS[currency]
        return ShareTerms(self.share_below_bp, self.share_above_bp, step_minor)


def share_of_lifetime(earned_minor: int, terms: ShareTerms) -> int:
    """What the platform has taken of a creator's lifetime earnings (after tax and fees), in minor units."""
    earned = max(earned_minor, 0)
    below = earned if terms.step_minor is None else min(earned, terms.step_minor)
    return round_half_even(below * terms.below_bp + (earned - below) * terms.above_bp, BASIS)


def share_of_change(before_minor: int, after_minor: int, terms: ShareTerms) -> int:
    """The platform's part of what takes lifetime earnings from `before` to `after`; negative when it gives back."""
    return share_of_lifetime(after_minor, terms) - share_of_lifetime(before_minor, terms)


def in_proportion(whole_minor: int, part: int, of: int) -> int:
    """`whole × part ÷ of`. Of parts that add up, take differences of cumulated results: they add up too."""
    return round_half_even(whole_minor * part, of) if of else 0


def round_half_even(numerator: int, denominator: int) -> int:
    """`numerator ÷ denominator`, both ≥ 0, to the nearest integer; of two as near to the even one."""
    quotient, rest = divmod(numerator, denominator)
    return quotient + int(2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1))
