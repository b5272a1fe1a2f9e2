"""Periods that were exchanged for others before their end, and what is bought with the credit for them.

At a change at once the provider sets the rest of the running period off against the new one, and what is left of it against
those to come. So a period that begins within another of the same subscription has taken its place, and where the money for
the older one goes back, what its credit bought is not paid for either. Both follow from the periods alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Period:
    start: datetime
    end: datetime
    kind: str
    invoice: str
    amount_minor: int
    paid_minor: int
    """In money: less than its amount, and the rest was credit."""
    voided_at: datetime | None
    """Since when the payment for itself has not stood."""

    def takes_place_of(self, other: Period) -> bool:
        return other.start < self.start < other.end


def voided(periods: Sequence[Period]) -> dict[str, datetime | None]:
    """By invoice: since when each is not paid for, with money or with credit.

    Credit is used before money: until some is paid in money again, what remains may be of the payment that went back.
    """
    found: dict[str, datetime | None] = {}
    exchanged_at: dict[str, datetime] = {}
    bad_since: datetime | None = None
    in_order = sorted(periods, key=lambda one: (one.start, one.end, one.invoice))
    for period in in_order:
        exchanged = [
            one
            for one in in_order
            if period.takes_place_of(one) and exchanged_at.setdefault(one.invoice, period.start) == period.start
        ]
        bad = [at for one in exchanged if (at := found[one.invoice]) is not None]
        bad_since = min([*bad, *([] if bad_since is None else [bad_since])], default=None)
        on_credit = period.kind == "paid" and (bool(bad) or period.paid_minor < period.amount_minor)
        ends = [at for at in (period.voided_at, bad_since if on_credit else None) if at is not None]
        found[period.invoice] = min(ends, default=None)
        if period.paid_minor > 0:
            bad_since = None
    return found
