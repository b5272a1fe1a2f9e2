"""What the tiers of a creator give: which grants cover a benefit at a level, and what is on sale that would. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from access.rights import Grant, Snapshot, TierTerms


@dataclass(frozen=True, slots=True)
class Offer:
    """A price that would admit."""

    tier: int
    name: str
    creator: str
    amount_minor: int
    currency: str
    interval: str
    benefits: tuple[str, ...]
    """All that its tier gives now, by name."""


def covering(snapshot: Snapshot, tier: int | None, benefit: str, now: datetime) -> list[tuple[Grant, datetime | None]]:
    """Grants that give the benefit now at this tier's level or above, each with the time until which it does.

    `tier` None: at any level.
    """
    level = _level_needed(snapshot, tier)
    found: list[tuple[Grant, datetime | None]] = []
    for grant in snapshot.grants:
        if level is None or grant.level < level or not grant.covers(now):
            continue
        terms = snapshot.terms(grant.tier)
        given = [] if terms is None else [b.end for b in terms.benefits if b.name == benefit and b.covers(now)]
        if given:
            found.append((grant, _earlier(grant.ends(), latest(given))))
    return found


def reaches(snapshot: Snapshot, tier: int | None, now: datetime) -> bool:
    """Whether a grant covers now at this tier's level or above, whatever its tier gives."""
    level = _level_needed(snapshot, tier)
    return level is not None and any(grant.level >= level and grant.covers(now) for grant in snapshot.grants)


def _level_needed(snapshot: Snapshot, tier: int | None) -> int | None:
    """The level asked for; None: it is of a tier that the creator does not have, which nobody reaches."""
    if tier is None:
        return min((terms.level for terms in snapshot.tiers), default=None)
    terms = snapshot.terms(tier)
    return None if terms is None else terms.level


def offers(snapshot: Snapshot, tier: int | None, benefit: str, now: datetime) -> list[Offer]:
    """What is on sale now that would give it, cheapest level first."""
    level = _level_needed(snapshot, tier)
    if level is None:
        return []
    fitting = [t for t in snapshot.tiers if t.on_sale and t.level >= level and _gives(t, benefit, now)]
    return [
        Offer(
            tier=terms.id,
            name=terms.name,
            creator=snapshot.creator_handle,
            amount_minor=price.amount_minor,
            currency=price.currency,
            interval=price.interval,
            benefits=tuple(sorted(b.name for b in terms.benefits if b.covers(now))),
        )
        for terms in sorted(fitting, key=lambda terms: (terms.level, terms.id))
        for price in terms.prices
    ]


def _gives(terms: TierTerms, benefit: str, now: datetime) -> bool:
    return any(b.name == benefit and b.covers(now) for b in terms.benefits)


def _earlier(a: datetime | None, b: datetime | None) -> datetime | None:
    """The earlier of two ends; None is never."""
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def latest(ends: list[datetime | None]) -> datetime | None:
    """The latest of some ends; None is never."""
    return None if None in ends else max(cast("list[datetime]", ends))
