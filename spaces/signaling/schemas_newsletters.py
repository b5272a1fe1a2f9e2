"""Newsletters over HTTP: what is sent and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from spaces.signaling.answers import AccountView
from spaces.signaling.bodies import Reference, Title
from spaces.signaling.patterns import ONE_LINE, SOME_LINES
from spaces.signaling.terms import EmailAddress

Markdown = Annotated[
    str, Meta(min_length=1, max_length=20_000, pattern=SOME_LINES, description="CommonMark, with tables; no HTML")
]
Tiers = Annotated[list[Reference], Meta(max_length=100)]


class NewIssue(Struct, kw_only=True, frozen=True):
    """`tiers`: whose holders it is for; none: every tier with the benefit `newsletter`."""

    subject: Title
    markdown: Markdown
    tiers: Tiers = []


class IssueChanges(Struct, kw_only=True, frozen=True):
    subject: Title | None = None
    markdown: Markdown | None = None
    tiers: Tiers | None = None


class DeliveryCounts(Struct, kw_only=True, frozen=True):
    """`unknown`: handed to the mail server, or perhaps not, when something broke; never sent again."""

    queued: int
    claimed: int
    sent: int
    refused: int
    unknown: int
    failed: int
    skipped: int


class IssueView(Struct, kw_only=True, frozen=True):
    id: str
    subject: str
    markdown: str
    tiers: list[str]
    state: Literal["draft", "sending", "sent", "stopped"]
    created_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None
    deliveries: DeliveryCounts


class IssuesView(Struct, kw_only=True, frozen=True):
    issues: list[IssueView]
    next: str | None
    """As `before` of the next page; null: that was all."""


class IssuePreview(Struct, kw_only=True, frozen=True):
    subject: str
    html: str
    """Sanitised."""
    text: str
    audience: int
    """To how many it would go now."""


class NewConsent(Struct, kw_only=True, frozen=True):
    """`email` left out: the one that the account signs in with. `source`: where consent was given, as evidence."""

    email: EmailAddress | None = None
    source: Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)] = "api"


class ConsentView(Struct, kw_only=True, frozen=True):
    creator: AccountView
    email: str
    source: str
    given_at: datetime
    confirmed_at: datetime | None
    """null: a link in a mail to that address has to be followed first."""


class ConsentsView(Struct, kw_only=True, frozen=True):
    newsletters: list[ConsentView]


class MailEvent(Struct, kw_only=True, frozen=True):
    """That a mail came back for good, or was called spam: of a message, or of an address. One of both is named."""

    kind: Literal["bounce", "complaint"]
    message_id: Annotated[str, Meta(max_length=400)] | UnsetType = UNSET
    address: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET


class MailEvents(Struct, kw_only=True, frozen=True):
    events: Annotated[list[MailEvent], Meta(max_length=500)]


class MailEventsTaken(Struct, kw_only=True, frozen=True):
    taken: int
    unknown: int
    """Of messages that are not ours."""
