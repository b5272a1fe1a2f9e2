"""What hosts, guests and operators send and are answered about people in a Space."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spaces.signaling.answers import AccountView, HandView, StageInvitationView
from spaces.signaling.bodies import AccountRef
from spaces.signaling.messages import BlockReason, ReportDetail, ReportReason
from spaces.signaling.patterns import ONE_LINE


class SomebodyInSpace(Struct, kw_only=True, frozen=True):
    account: AccountRef


class NewBlock(Struct, kw_only=True, frozen=True):
    account: AccountRef
    reason: BlockReason = ""
    """For the creator's own list."""


class NewMute(Struct, kw_only=True, frozen=True):
    """Without an account: everybody on stage but the host and the caller."""

    account: AccountRef | None = None


class HandsView(Struct, kw_only=True, frozen=True):
    hands: list[HandView]
    """In the order of asking."""


class OwnHandView(Struct, kw_only=True, frozen=True):
    raised: bool
    since: datetime | None


class NewStageInvitation(Struct, kw_only=True, frozen=True):
    account: AccountRef
    role: Literal["speaker", "cohost"] = "speaker"


class StageInvitationsView(Struct, kw_only=True, frozen=True):
    invitations: list[StageInvitationView]


class BlockView(Struct, kw_only=True, frozen=True):
    account: AccountView
    space: str | None
    """null: all Spaces of this creator."""
    since: datetime
    until: datetime | None
    by: AccountView | None
    reason: str


class BlocksView(Struct, kw_only=True, frozen=True):
    blocks: list[BlockView]


class NewGuestLink(Struct, kw_only=True, frozen=True):
    hours: Annotated[int, Meta(ge=1, le=8_760)] = 24
    """How long it is good."""


class GuestLinkView(Struct, kw_only=True, frozen=True):
    id: str
    state: Literal["open", "used", "revoked", "expired"]
    made_by: AccountView
    created_at: datetime
    expires_at: datetime
    used_by: AccountView | None
    used_at: datetime | None


class NewGuestLinkView(GuestLinkView, kw_only=True, frozen=True):
    url: str
    """For the guest. What it carries is not shown again."""
    token: str


class GuestLinksView(Struct, kw_only=True, frozen=True):
    guest_links: list[GuestLinkView]


class GuestLinkUse(Struct, kw_only=True, frozen=True):
    token: Annotated[str, Meta(min_length=1, max_length=200)]


class NewGuest(Struct, kw_only=True, frozen=True):
    """Somebody without an account, who has been sent a guest link."""

    token: Annotated[str, Meta(min_length=1, max_length=200)]
    """The link's."""
    name: Annotated[str, Meta(min_length=1, max_length=40, pattern=ONE_LINE)]
    """As others see it."""


class GuestPassView(Struct, kw_only=True, frozen=True):
    account: AccountView
    token: str
    """The guest's pass: for hello, WHIP and WHEP of this Space, and nothing else. It is told this once."""
    expires_at: datetime


class NewReport(Struct, kw_only=True, frozen=True):
    """Without an account: the Space as a whole."""

    account: AccountRef | None = None
    reason: ReportReason
    detail: ReportDetail = ""


class ReportMadeView(Struct, kw_only=True, frozen=True):
    id: str
    created_at: datetime


class ReportView(Struct, kw_only=True, frozen=True):
    id: str
    by: AccountView
    space: str
    account: AccountView | None
    """null: the Space as a whole."""
    reason: ReportReason
    detail: str
    created_at: datetime
    outcome: Literal["acted", "dismissed"] | None
    closed_by: AccountView | None
    """null of a closed one: whoever has the machine."""
    closed_at: datetime | None
    note: str


class ReportsView(Struct, kw_only=True, frozen=True):
    reports: list[ReportView]
    next: str | None
    """To be given as `after`; null: that was all."""


class ReportOutcome(Struct, kw_only=True, frozen=True):
    outcome: Literal["acted", "dismissed"]
    note: Annotated[str, Meta(max_length=2_000)] = ""
    """For other operators."""
