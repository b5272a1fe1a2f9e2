"""How an account stands with a creator: the fold over all its grants and subscriptions of the pair. Pure.

No single subscription says it: an abandoned checkout beside a paid one takes nothing away, and a comp beside both has
dates of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from access.model import Standing, Subscription
from access.rights import Grant
from access.tables import LIVE_STATES


def best_grant(grants: Iterable[Grant], now: datetime) -> Grant | None:
    """Of the grants that cover `now`: the highest level, then the one that lasts longest."""
    covering = [grant for grant in grants if grant.covers(now)]
    return max(covering, key=lambda grant: (grant.level, _lasting(grant), grant.id), default=None)


def covered_until(grants: Sequence[Grant], level: int, now: datetime) -> datetime | None:
    """The first moment from `now` on without a grant of at least this level; None: never. `now` itself if there is none."""
    fitting = [grant for grant in grants if grant.level >= level]
    until = now
    while True:
        ends = [grant.ends() for grant in fitting if grant.covers(until)]
        if None in ends:
            return None
        latest = max((end for end in ends if end is not None), default=until)
        if latest == until:
            return until
        until = latest


def standing(grants: Sequence[Grant], subscriptions: Iterable[Subscription], now: datetime) -> Standing:
    """`subscriptions`: with their statuses as of `now`."""
    live = [subscription for subscription in subscriptions if subscription.status in LIVE_STATES]
    newest = max(live, key=lambda subscription: subscription.id, default=None)
    best = best_grant(grants, now)
    if best is None:
        ended = any(grant.start <= now for grant in grants)
        return Standing(None, "lapsed" if ended else "none", None)
    status = newest.status if newest else ("canceled" if best.source == "period" else best.source)
    until = covered_until(grants, best.level, now)
    return Standing(best.tier, status, until, newest is not None and newest.cancel_at_period_end)


def _lasting(grant: Grant) -> float:
    end = grant.ends()
    return float("inf") if end is None else end.timestamp()
