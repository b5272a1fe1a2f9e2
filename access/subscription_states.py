"""The states of a subscription and what moves it between them. Rights are not read from here: see rights.py.

A status is what was last heard; `status_at` says what it means at a time, because no event ever tells that time has passed.
"""

from __future__ import annotations

import enum
from datetime import datetime

from access.tables import LIVE_STATES

LIFE = ("incomplete", "trialing", "active", "past_due", "unpaid", "paused", "incomplete_expired", "canceled")
"""All of Stripe's, in the order in which the later stands if two are told for the same moment."""


class Event(enum.Enum):
    """What we ourselves find or do; what the provider tells is in facts.SubscriptionChanged."""

    CHECKOUT_EXPIRED = "checkout_expired"
    CANCELED = "canceled"
    """At once."""
    PERIOD_ENDED = "period_ended"
    """What was paid for is over and nothing more was paid."""


TRANSITIONS: dict[tuple[str, Event], str] = {
    ("incomplete", Event.CHECKOUT_EXPIRED): "incomplete_expired",
    ("incomplete", Event.CANCELED): "incomplete_expired",
    **{(state, Event.CANCELED): "canceled" for state in LIVE_STATES},
    **{(state, Event.PERIOD_ENDED): "canceled" for state in LIVE_STATES if state != "paused"},
}
"""Missing: not possible. What has ended stays ended."""


def status_at(
    status: str,
    *,
    until: datetime | None,
    paid_until: datetime | None = None,
    checkout_expires_at: datetime | None,
    now: datetime,
) -> str:
    """A stored status as it is to be read at `now`. `until`: the end, with grace, of what has been paid for."""
    if status == "incomplete" and checkout_expires_at is not None and checkout_expires_at <= now:
        return TRANSITIONS[status, Event.CHECKOUT_EXPIRED]
    if status in LIVE_STATES and until is not None and until <= now:
        return TRANSITIONS.get((status, Event.PERIOD_ENDED), status)
    if status in ("trialing", "active") and paid_until is not None and paid_until <= now:
        return "past_due"
    return status


def fact_order(version: int, status: str, event: str) -> str:
    """The place of a fact about an agreement among all others, as text that sorts: of two, the greater stands."""
    return f"{version:020d}:{LIFE.index(status)}:{event}"


def told_status(order: str) -> str | None:
    """The status in the newest fact; None: nothing was told yet."""
    return LIFE[int(order.split(":", 2)[1])] if order else None
