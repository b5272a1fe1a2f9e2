"""Who may come in: one pure function for join, rejoin, refresh, promotion and replay. It never reads a clock or a row."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from access.rights import Grant, Snapshot, TierTerms

STAGE_ROLES = frozenset({"host", "cohost", "speaker"})


class Action(enum.Enum):
    JOIN = "join"
    """Listen to a Space; also rejoin and refresh."""
    SPEAK = "speak"
    """Send sound: needs a place on stage."""
    REPLAY = "replay"


BENEFITS = {Action.JOIN: "space.join", Action.SPEAK: "space.join", Action.REPLAY: "space.replay"}
"""What a tier must give for the action. Speaking asks for a place on stage as well, which no tier gives."""


@dataclass(frozen=True, slots=True)
class Policy:
    policy: str
    """open, members or subscribers; any other admits nobody."""
    tier: int | None = None
    """subscribers: that tier's level or above; None: any tier."""


@dataclass(frozen=True, slots=True)
class Resource:
    space: str
    creator: int
    policies: tuple[Policy, ...]
    """Any one of them admits."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A price that would admit."""

    tier: int
    name: str
    creator: str
    amount_minor: int
    currency: str
    interval: str


@dataclass(frozen=True, slots=True)
class Allow:
    grants: tuple[int, ...]
    """The grants that admit, the one that lasts longest first; empty: no grant was needed."""
    not_after: datetime | None
    """Decide again at this time; None: no end in sight."""
    epoch: int


@dataclass(frozen=True, slots=True)
class Deny:
    reason: str
    status: int
    """401, 402 (an offer would admit) or 403."""
    detail: str
    offers: tuple[Offer, ...] = ()


def decide(snapshot: Snapshot, action: Action, resource: Resource, now: datetime) -> Allow | Deny:
    """May the account of the snapshot do this to the resource at `now`? A ban overrides every grant."""
    assert snapshot.creator == resource.creator, "a snapshot speaks of one creator"
    refusal = _kept_out(snapshot, resource, now)
    if refusal is not None:
        return refusal
    if _has_role(snapshot):
        return Allow((), None, snapshot.epoch)
    answer = _by_policy(snapshot, action, resource, now)
    if action is Action.SPEAK and isinstance(answer, Allow):
        if snapshot.account is None:
            return Deny("not_signed_in", 401, "Sign in to speak.")
        return Deny("not_on_stage", 403, "Only the host, co-hosts and invited speakers may speak.")
    return answer


def _kept_out(snapshot: Snapshot, resource: Resource, now: datetime) -> Deny | None:
    if snapshot.account_status != "active":
        return Deny("suspended", 403, "This account is suspended.")
    scopes = {ban.scope for ban in snapshot.bans if ban.covers(resource.space, now)}
    if "platform" in scopes:
        return Deny("suspended", 403, "This account is suspended.")
    if scopes:
        return Deny("blocked", 403, "You have been blocked here.")
    return None


def _has_role(snapshot: Snapshot) -> bool:
    return snapshot.account is not None and (
        snapshot.role in STAGE_ROLES or snapshot.account == snapshot.creator  # everybody may enter his own house
    )


def _by_policy(snapshot: Snapshot, action: Action, resource: Resource, now: datetime) -> Allow | Deny:
    kinds = {policy.policy for policy in resource.policies}
    if "open" in kinds or ("members" in kinds and snapshot.account is not None):
        return Allow((), None, snapshot.epoch)
    paid = [policy for policy in resource.policies if policy.policy == "subscribers"]
    benefit = BENEFITS[action]
    admitting = _longest_first(
        {grant.id: (grant, end) for policy in paid for grant, end in _covering(snapshot, policy, benefit, now)}
    )
    if admitting:
        return Allow(tuple(grant.id for grant, _ in admitting), admitting[0][1], snapshot.epoch)
    offers = tuple(dict.fromkeys(offer for policy in paid for offer in _offers(snapshot, policy, benefit, now)))
    return _refusal(snapshot, bool(paid), offers, now)


def _covering(snapshot: Snapshot, policy: Policy, benefit: str, now: datetime) -> list[tuple[Grant, datetime | None]]:
    """Grants that satisfy the policy now, each with the time until which it does."""
    level = _level_needed(snapshot, policy)
    found: list[tuple[Grant, datetime | None]] = []
    for grant in snapshot.grants:
        terms = snapshot.terms(grant.tier)
        if level is None or terms is None or grant.level < level or not grant.covers(now):
            continue
        given = [b for b in terms.benefits if b.name == benefit and b.covers(now)]
        if given:
            found.append((grant, _earlier(grant.ends(), _latest([b.end for b in given]))))
    return found


def _level_needed(snapshot: Snapshot, policy: Policy) -> int | None:
    """The level a policy asks for; None: it names a tier that the creator does not have, which admits nobody."""
    if policy.tier is None:
        return min((terms.level for terms in snapshot.tiers), default=None)
    terms = snapshot.terms(policy.tier)
    return None if terms is None else terms.level


def _longest_first(
    grants: dict[int, tuple[Grant, datetime | None]],
) -> list[tuple[Grant, datetime | None]]:
    return sorted(
        grants.values(),
        key=lambda found: (found[1] is not None, -found[1].timestamp() if found[1] else 0.0, found[0].id),
    )


def _offers(snapshot: Snapshot, policy: Policy, benefit: str, now: datetime) -> list[Offer]:
    """What is on sale now that would admit, cheapest level first."""
    level = _level_needed(snapshot, policy)
    if level is None:
        return []
    fitting = [t for t in snapshot.tiers if t.on_sale and t.level >= level and _gives(t, benefit, now)]
    return [
        Offer(terms.id, terms.name, snapshot.creator_handle, price.amount_minor, price.currency, price.interval)
        for terms in sorted(fitting, key=lambda terms: (terms.level, terms.id))
        for price in terms.prices
    ]


def _gives(terms: TierTerms, benefit: str, now: datetime) -> bool:
    return any(b.name == benefit and b.covers(now) for b in terms.benefits)


def _refusal(snapshot: Snapshot, paid: bool, offers: tuple[Offer, ...], now: datetime) -> Deny:
    if snapshot.account is None:
        return Deny("not_signed_in", 401, "Sign in to come in.", offers)
    status = 402 if offers else 403
    if not paid:
        return Deny("not_invited", 403, "You have not been invited.")
    if any(grant.covers(now) for grant in snapshot.grants):
        return Deny("tier_too_low", status, "This Space is for a higher tier than yours.", offers)
    if any(grant.start <= now for grant in snapshot.grants):
        return Deny("lapsed", status, "Your subscription has ended.", offers)
    return Deny("no_subscription", status, "This Space is for Super Followers.", offers)


def _earlier(a: datetime | None, b: datetime | None) -> datetime | None:
    """The earlier of two ends; None is never."""
    return min((end for end in (a, b) if end is not None), default=None)


def _latest(ends: list[datetime | None]) -> datetime | None:
    """The latest of some ends; None is never."""
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None
