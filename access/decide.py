"""Who may do what: one pure function for every way in and everything inside. It never reads a clock or a row."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from access.community_rights import COMMUNITY_BENEFIT, CommunityWay, Member, stands
from access.rights import CommunityStanding, Guest, Snapshot
from access.ticket_rights import TicketWay
from access.tier_rights import Offer as Offer  # part of a Deny
from access.tier_rights import covering, latest, offers, reaches

STAGE_ROLES = frozenset({"host", "cohost", "speaker"})


class Action(enum.Enum):
    JOIN = "join"
    """Come in and listen."""
    REJOIN = "rejoin"
    """Back into a seat that is held, or its media made anew."""
    REFRESH = "refresh"
    """A token to connect with; or a seat's right, looked at again."""
    PROMOTE = "promote"
    """From the audience to the stage: to ask for it, and to be let up after asking."""
    SPEAK = "speak"
    """Send sound: needs a place on stage."""
    REPLAY = "replay"
    """Hear a Space that is over."""
    CLIP = "clip"
    """Cut a piece out of it that others can be shown."""
    DOWNLOAD = "download"
    """Take its recording along."""


BENEFITS = {
    Action.JOIN: "space.join",
    Action.REJOIN: "space.join",
    Action.REFRESH: "space.join",
    Action.PROMOTE: "space.speak",
    Action.SPEAK: "space.join",
    Action.REPLAY: "space.replay",
    Action.CLIP: "space.replay",
    Action.DOWNLOAD: "space.replay",
}
"""What a tier must give for the action. Speaking asks for a place on stage as well, which no tier gives."""

GUEST_ACTIONS = frozenset({Action.JOIN, Action.REJOIN, Action.REFRESH, Action.SPEAK})
"""What a guest without an account of his own may do, while he is a speaker."""

BY_SOMEBODY = frozenset({Action.PROMOTE, Action.SPEAK, Action.CLIP, Action.DOWNLOAD})
"""Whoever does this is known by an account, however open the Space is."""


@dataclass(frozen=True, slots=True)
class Policy:
    policy: str
    """open, members, subscribers, ticketed, community or invite; any other admits nobody."""
    tier: int | None = None
    """subscribers: that tier's level or above; None: any tier."""
    community: int | None = None
    """community: whose members are admitted; a Space that names a community is one of its Spaces."""


@dataclass(frozen=True, slots=True)
class Resource:
    space: str
    creator: int
    policies: tuple[Policy, ...]
    """Any one of them admits."""

    @property
    def communities(self) -> frozenset[int]:
        """Whose Space this is: they enclose it."""
        return frozenset(policy.community for policy in self.policies if policy.community is not None)


@dataclass(frozen=True, slots=True)
class Allow:
    grants: tuple[int, ...]
    """The grants that admit, the one that lasts longest first; empty: no grant was needed."""
    not_after: datetime | None
    """Decide again at this time; None: no end in sight."""
    epoch: int
    communities: tuple[int, ...] = ()
    """Of which the account is a member, which admits."""
    invited: bool = False
    """Which admits, until it is taken back."""
    ticket: int | None = None
    """The ticket's grant, if nothing but a ticket admits: then coming in uses it."""

    @property
    def revocable(self) -> bool:
        """Whether it rests on something that may end at any time: such a seat needs its lease."""
        return bool(self.grants or self.communities or self.invited)


@dataclass(frozen=True, slots=True)
class Deny:
    reason: str
    status: int
    """401, 402 (an offer would admit) or 403."""
    detail: str
    offers: tuple[Offer, ...] = ()
    communities: tuple[CommunityWay, ...] = ()
    """Whose members are admitted, and the step that leads there."""
    ticket: TicketWay | None = None
    """That admits, if there are any for this Space."""


def decide(snapshot: Snapshot, action: Action, resource: Resource, now: datetime) -> Allow | Deny:
    """May the account of the snapshot do this to the resource at `now`? A ban overrides every grant."""
    assert snapshot.creator == resource.creator, "a snapshot speaks of one creator"
    refusal = _kept_out(snapshot, resource, now)
    if refusal is not None:
        return refusal
    if snapshot.guest is not None:
        return _as_guest(snapshot, snapshot.guest, action, resource, now)
    if _has_role(snapshot):
        return Allow((), None, snapshot.epoch)
    answer = _by_policy(snapshot, action, resource, now)
    if isinstance(answer, Allow) and snapshot.account is None and action in BY_SOMEBODY:
        return Deny("not_signed_in", 401, "Sign in first.")
    if isinstance(answer, Allow) and action is Action.SPEAK:
        return Deny("not_on_stage", 403, "Only the host, co-hosts and invited speakers may speak.")
    return answer


def _kept_out(snapshot: Snapshot, resource: Resource, now: datetime) -> Deny | None:
    if snapshot.account_status != "active":
        return Deny("suspended", 403, "This account is suspended.")
    for suspension in snapshot.suspensions:
        if suspension.covers(resource.space, now):
            if suspension.space is None:
                return Deny("creator_suspended", 403, "This creator is suspended.")
            return Deny("space_suspended", 403, "This Space is suspended.")
    if not snapshot.bans:
        return None
    scopes = {ban.scope for ban in snapshot.bans if ban.covers(resource.space, now, resource.communities)}
    if "platform" in scopes:
        return Deny("suspended", 403, "This account is suspended.")
    if scopes:
        return Deny("blocked", 403, "You have been blocked here.")
    return None


def _as_guest(snapshot: Snapshot, guest: Guest, action: Action, resource: Resource, now: datetime) -> Allow | Deny:
    """Let in by a link: as a speaker of that one Space, in his time. Whatever else others may, a guest may not."""
    his_own = resource.space == guest.space and now < guest.until
    if his_own and action in GUEST_ACTIONS and snapshot.role == "speaker":
        return Allow((), guest.until, snapshot.epoch)
    return Deny("guest_over", 403, "A guest's place is the stage that he was let on, while he is on it.")


def _has_role(snapshot: Snapshot) -> bool:
    return snapshot.account is not None and (
        snapshot.role in STAGE_ROLES or snapshot.account == snapshot.creator  # everybody may enter his own house
    )


def _by_policy(snapshot: Snapshot, action: Action, resource: Resource, now: datetime) -> Allow | Deny:
    kinds = {policy.policy for policy in resource.policies}
    if "open" in kinds or ("members" in kinds and snapshot.account is not None):
        return Allow((), None, snapshot.epoch)
    benefit = BENEFITS[action]
    paid = [policy for policy in resource.policies if policy.policy == "subscribers"]
    found = (
        [stands(community, snapshot, now) for community in _named(snapshot, resource)] if snapshot.communities else []
    )
    members = [standing for standing in found if isinstance(standing, Member)] if found else []
    invited = "invite" in kinds and snapshot.invited
    tickets = [ticket for ticket in snapshot.tickets if ticket.covers(now)] if "ticketed" in kinds else []
    rights = [(grant.id, end) for policy in paid for grant, end in covering(snapshot, policy.tier, benefit, now)]
    for member in members:
        rights += [(grant.id, end) for grant, end in member.rights]
    if tickets:
        rights += [(ticket.grant, ticket.ends()) for ticket in tickets]
    admitting = _longest_first(rights)
    if admitting or members or invited:
        endless = invited or (bool(members) and not all(member.rights for member in members))
        end = None if endless else latest([end for _, end in admitting])
        communities = tuple([member.community for member in members])
        grants = tuple([grant for grant, _ in admitting])
        only = bool(tickets) and not (members or invited) and {ticket.grant for ticket in tickets} >= set(grants)
        return Allow(grants, end, snapshot.epoch, communities, invited, grants[0] if only else None)
    ways = tuple(standing for standing in found if isinstance(standing, CommunityWay))
    for_sale = [offers(snapshot, policy.tier, benefit, now) for policy in paid]
    for_sale += [offers(snapshot, way.tier, COMMUNITY_BENEFIT, now) for way in ways if way.step == "subscribe"]
    on_sale = tuple(dict.fromkeys(offer for some in for_sale for offer in some))
    terms = snapshot.ticket_terms if "ticketed" in kinds else None
    ticket = None if terms is None else TicketWay(terms, terms.sale(now))
    reached = any(reaches(snapshot, policy.tier, now) for policy in paid)
    return _refusal(snapshot, kinds, on_sale, ways, ticket, now, lacking=benefit if reached else None)


def _named(snapshot: Snapshot, resource: Resource) -> list[CommunityStanding]:
    named = {policy.community for policy in resource.policies if policy.policy == "community"}
    return [community for community in snapshot.communities if community.id in named]


def _longest_first(rights: list[tuple[int, datetime | None]]) -> list[tuple[int, datetime | None]]:
    """Each grant once, with the latest of its ends."""
    if len(rights) <= 1:
        return rights
    ends: dict[int, list[datetime | None]] = {}
    for grant, end in rights:
        ends.setdefault(grant, []).append(end)
    return sorted(
        ((grant, latest(several)) for grant, several in ends.items()),
        key=lambda found: (found[1] is not None, -found[1].timestamp() if found[1] else 0.0, found[0]),
    )


def _refusal(
    snapshot: Snapshot,
    kinds: set[str],
    on_sale: tuple[Offer, ...],
    ways: tuple[CommunityWay, ...],
    ticket: TicketWay | None,
    now: datetime,
    *,
    lacking: str | None,
) -> Deny:
    """The reason that leads somebody furthest: what he had, what he can buy, what he can ask for.

    `lacking`: the benefit that his tier, high enough, does not give.
    """
    buys = bool(on_sale) or (ticket is not None and ticket.on_sale)

    def deny(reason: str, detail: str) -> Deny:
        return Deny(reason, 402 if buys else 403, detail, on_sale, ways, ticket)

    if snapshot.account is None:
        return Deny("not_signed_in", 401, "Sign in to come in.", on_sale, ways, ticket)
    if any(way.step == "accept_rules" for way in ways):
        return deny("rules_changed", "The community's rules have changed: accept them to come in.")
    if "subscribers" in kinds:
        if lacking is not None:
            return deny("not_in_tier", f"Your tier does not give {lacking}.")
        if any(grant.covers(now) for grant in snapshot.grants):
            return deny("tier_too_low", "This Space is for a higher tier than yours.")
        if any(grant.start <= now for grant in snapshot.grants):
            return deny("lapsed", "Your subscription has ended.")
        return deny("no_subscription", "This Space is for Super Followers.")
    if "ticketed" in kinds:
        if ticket is not None and ticket.sale == "sold_out":
            return deny("sold_out", "All tickets for this Space are sold.")
        return deny("ticket_required", "This Space is for ticket holders.")
    if ways:
        return deny("not_member", f"This Space is for members of {' or '.join(way.name for way in ways)}.")
    return deny("not_invited", "You have not been invited.")
