"""The states of a subscription and what moves it between them, as a table. Rights are not read from here: see rights.py.

A status is what was last heard; `status_at` says what it means at a time, because no event ever tells that time has passed.
"""

from __future__ import annotations

import enum
from datetime import datetime

from access.tables import LIVE_STATES


class Event(enum.Enum):
    PAID = "paid"
    """The first payment of a checkout."""
    CHECKOUT_EXPIRED = "checkout_expired"
    CANCELED = "canceled"
    """At once."""
    PERIOD_ENDED = "period_ended"
    """What was paid for is over and nothing more was paid."""


TRANSITIONS: dict[tuple[str, Event], str] = {
    ("incomplete", Event.PAID): "active",
    ("incomplete", Event.CHECKOUT_EXPIRED): "incomplete_expired",
    ("incomplete", Event.CANCELED): "incomplete_expired",
    **{(state, Event.CANCELED): "canceled" for state in LIVE_STATES},
    **{(state, Event.PERIOD_ENDED): "canceled" for state in LIVE_STATES},
}
"""Missing: not possible. What has ended stays ended."""


def status_at(status: str, *, until: datetime | None, checkout_expires_at: datetime | None, now: datetime) -> str:
    """A stored status as it is to be read at `now`. `until`: the end, with grace, of what has been paid for."""
    if status == "incomplete" and checkout_expires_at is not None and checkout_expires_at <= now:
        return TRANSITIONS[status, Event.CHECKOUT_EXPIRED]
    if status in LIVE_STATES and until is not None and until <= now:
        return TRANSITIONS[status, Event.PERIOD_ENDED]
    return status
