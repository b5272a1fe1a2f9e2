"""Who is a member of a community, computed: from his row, the rules he accepted and, in a tier's group, his grants. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from access.rights import CommunityStanding, Grant, Snapshot
from access.tier_rights import covering

COMMUNITY_BENEFIT = "community.member"
OFFICES = frozenset({"admin", "moderator"})
"""Whoever holds one is a member of a tier's group without paying."""


@dataclass(frozen=True, slots=True)
class Member:
    community: int
    rights: tuple[tuple[Grant, datetime | None], ...] = ()
    """What the membership rests on, each with its end; empty: on itself, without an end in sight."""


@dataclass(frozen=True, slots=True)
class CommunityWay:
    """Somebody who is no member, and the next step that would make him one."""

    community: int
    name: str
    step: str
    """join, request, wait, invitation, subscribe or accept_rules."""
    rules_version: int
    tier: int | None = None


def stands(community: CommunityStanding, snapshot: Snapshot, now: datetime) -> Member | CommunityWay | None:
    """None: the community is closed, and nobody is a member of it."""
    if community.closed:
        return None

    def way(step: str) -> CommunityWay:
        return CommunityWay(community.id, community.name, step, community.rules_version, community.tier)

    active = community.state == "active"
    rights: tuple[tuple[Grant, datetime | None], ...] = ()
    if community.joining == "tier" and not (active and community.role in OFFICES):
        rights = tuple(covering(snapshot, community.tier, COMMUNITY_BENEFIT, now))
        if not rights:
            return way("subscribe")
    if not active:
        return way(_first_step(community))
    if community.accepted_version != community.rules_version:
        return way("accept_rules")
    return Member(community.id, rights)


def _first_step(community: CommunityStanding) -> str:
    if community.joining in ("open", "tier") or community.state == "invited":
        return "join"
    if community.joining == "request":
        return "wait" if community.state == "requested" else "request"
    return "invitation"
