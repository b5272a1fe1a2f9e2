"""Communities over HTTP: what is sent and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spaces.signaling.answers import AccountView, CommunityWayView
from spaces.signaling.bodies import AccountRef, Moment, Name, Reference, Topics
from spaces.signaling.patterns import LINES, PERHAPS_ONE_LINE, SOME_LINES

Rules = Annotated[str, Meta(max_length=20_000, pattern=SOME_LINES)]
Description = Annotated[str, Meta(max_length=2_000, pattern=LINES)]
Joining = Literal["open", "request", "invite", "tier"]
Office = Literal["admin", "moderator", "member"]
State = Literal["requested", "invited", "active", "left", "removed", "declined"]


class NewCommunity(Struct, kw_only=True, frozen=True):
    """`joining: tier` makes it the private group of `tier`: its members are those who have a right to that level."""

    name: Name
    rules: Rules
    description: Description = ""
    topics: Topics = []
    joining: Joining = "open"
    tier: Reference | None = None


class CommunityChanges(Struct, kw_only=True, frozen=True):
    name: Name | None = None
    description: Description | None = None
    topics: Topics | None = None
    joining: Joining | None = None
    tier: Reference | None = None


class NewRules(Struct, kw_only=True, frozen=True):
    text: Rules


class RulesAccepted(Struct, kw_only=True, frozen=True):
    """Whoever joins says which version of the rules he has read."""

    rules_version: Annotated[int, Meta(ge=1, le=1_000_000)]


class Invitation(Struct, kw_only=True, frozen=True):
    account: AccountRef


class RequestAnswer(Struct, kw_only=True, frozen=True):
    accept: bool


class NewOffice(Struct, kw_only=True, frozen=True):
    role: Office


class CommunityBan(Struct, kw_only=True, frozen=True):
    account: AccountRef
    until: Moment | None = None
    reason: Annotated[str, Meta(max_length=500, pattern=PERHAPS_ONE_LINE)] = ""


class MembershipView(Struct, kw_only=True, frozen=True):
    """How the caller stands in it. `way` is what to do to become a member; null: he is one, or nothing helps."""

    member: bool
    role: Office | None
    state: State | None
    blocked: bool
    way: CommunityWayView | None


class CommunityView(Struct, kw_only=True, frozen=True):
    id: str
    creator: AccountView
    name: str
    description: str
    topics: list[str]
    joining: Joining
    tier: str | None
    rules: str
    rules_version: int
    members: int
    """Of a tier's group: those who have joined it, whether or not their right has lapsed since."""
    created_at: datetime
    closed_at: datetime | None
    you: MembershipView


class CommunitiesView(Struct, kw_only=True, frozen=True):
    communities: list[CommunityView]


class CommunityMemberView(Struct, kw_only=True, frozen=True):
    account: AccountView
    role: Office
    state: State
    rules_version: int | None
    since: datetime


class CommunityMembersView(Struct, kw_only=True, frozen=True):
    members: list[CommunityMemberView]
    after: str | None
    """To be given as `after` for those that follow; null: these were the last."""
