"""What a decision reads: rows of one (account, creator) pair as plain values. No I/O and no clock.

A grant is a dated right, and why. It starts and ends on its own dates; no status and no event is asked.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from access.ticket_rights import Ticket, TicketTerms


@dataclass(frozen=True, slots=True)
class Grant:
    """A right to the benefits of a tier (by the tier's level) from `start` on, until it ends or is revoked."""

    id: int
    source: str
    """period, ticket, comp, gift or role."""
    tier: int
    level: int
    start: datetime
    end: datetime | None
    """None: no end; only for comp and role."""
    grace_end: datetime | None = None
    """After `end`: a failed payment is given this long."""
    revoked_at: datetime | None = None

    def ends(self) -> datetime | None:
        """The first moment at which this grant gives nothing any more; None: never."""
        end = self.end
        if end is not None and self.grace_end is not None:
            end = max(end, self.grace_end)
        if self.revoked_at is not None:
            end = self.revoked_at if end is None else min(end, self.revoked_at)
        return end

    def covers(self, now: datetime) -> bool:
        end = self.ends()
        return self.start <= now and (end is None or now < end)


@dataclass(frozen=True, slots=True)
class Benefit:
    """What a tier gives in [start, end)."""

    name: str
    start: datetime
    end: datetime | None = None

    def covers(self, now: datetime) -> bool:
        return self.start <= now and (self.end is None or now < self.end)


@dataclass(frozen=True, slots=True)
class PriceOnSale:
    amount_minor: int
    currency: str
    interval: str


@dataclass(frozen=True, slots=True)
class TierTerms:
    """A tier of the creator: also drafts and archived ones, which grants and policies may still name."""

    id: int
    name: str
    level: int
    on_sale: bool
    benefits: tuple[Benefit, ...]
    prices: tuple[PriceOnSale, ...] = ()


@dataclass(frozen=True, slots=True)
class Ban:
    """Keeps somebody out of everything inside its scope in [start, end)."""

    scope: str
    """platform, creator, community or space."""
    space: str | None
    start: datetime
    end: datetime | None = None
    community: int | None = None

    def covers(self, space: str, now: datetime, communities: Collection[int] = ()) -> bool:
        """`communities`: those that the Space is of."""
        if self.scope == "space" and self.space != space:
            return False
        if self.scope == "community" and self.community not in communities:
            return False
        return self.start <= now and (self.end is None or now < self.end)


@dataclass(frozen=True, slots=True)
class Suspension:
    """Keeps everybody out of a creator's Spaces, or of one of them, in [start, end)."""

    space: str | None
    start: datetime
    end: datetime | None = None

    def covers(self, space: str, now: datetime) -> bool:
        return self.space in (None, space) and self.start <= now and (self.end is None or now < self.end)


@dataclass(frozen=True, slots=True)
class CommunityStanding:
    """A community, and how the account of the snapshot stands in it."""

    id: int
    name: str
    joining: str
    """open, request, invite, or tier: its members are those who have a right to that tier's level."""
    tier: int | None
    rules_version: int
    closed: bool = False
    role: str = "member"
    """admin, moderator or member."""
    state: str | None = None
    """requested, invited, active, left, removed or declined; None: a stranger."""
    accepted_version: int | None = None
    """The version of the rules that the account accepted last."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody without an account of his own, whom a host's link has let in."""

    space: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is known of one account (None: nobody signed in) and one creator, read in one transaction."""

    account: int | None
    creator: int
    creator_handle: str = ""
    account_status: str = "active"
    epoch: int = 0
    """Grows whenever a right of the pair is taken away."""
    role: str | None = None
    """host, cohost or speaker of the Space in question."""
    grants: tuple[Grant, ...] = ()
    bans: tuple[Ban, ...] = ()
    tiers: tuple[TierTerms, ...] = ()
    communities: tuple[CommunityStanding, ...] = ()
    """Those that the resource names and the creator has."""
    tickets: tuple[Ticket, ...] = ()
    """The account's for this Space."""
    ticket_terms: TicketTerms | None = None
    """None: none are offered."""
    invited: bool = False
    """To this Space."""
    guest: Guest | None = None
    """None: an account like others."""
    suspensions: tuple[Suspension, ...] = ()
    """Of the creator, and of the Space in question."""

    def terms(self, tier: int) -> TierTerms | None:
        for terms in self.tiers:
            if terms.id == tier:
                return terms
        return None
