"""Bodies and answers about people: signing in, sessions, profile, suspension."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from spaces.signaling.answers import AccountView
from spaces.signaling.bodies import Name
from spaces.signaling.terms import EmailAddress, Handle


class SignInMethodsView(Struct, kw_only=True, frozen=True):
    """How one may sign in here."""

    mail: bool
    """False: no mail server is configured; codes are shown in the server's log."""
    oidc: str | None
    """Name of the provider that GET /v1/sign-in/oidc leads to."""


class NewSignIn(Struct, kw_only=True, frozen=True):
    address: EmailAddress


class SignInAskedView(Struct, kw_only=True, frozen=True):
    """The same for every address, with an account or without."""

    expires_at: datetime


class SignInCode(Struct, kw_only=True, frozen=True):
    code: Annotated[str, Meta(min_length=1, max_length=64, description="from the mail, with or without dashes")]


class SignedInView(Struct, kw_only=True, frozen=True):
    account: AccountView
    expires_at: datetime


class ProfileChanges(Struct, kw_only=True, frozen=True):
    """A handle is chosen once."""

    handle: Handle | None = None
    name: Name | None = None


class SessionView(Struct, kw_only=True, frozen=True):
    id: str
    current: bool
    method: Literal["mail", "oidc"]
    user_agent: str
    client_address: str | None
    created_at: datetime
    last_seen_at: datetime
    """To the hour."""
    expires_at: datetime


class SessionsView(Struct, kw_only=True, frozen=True):
    sessions: list[SessionView]


class ExportView(Struct, kw_only=True, frozen=True):
    """Everything that is stored about the account: its rows, by table."""

    exported_at: str
    account: str
    tables: dict[str, list[dict[str, Any]]]


CONFIRMATION = "delete my account"


class Deletion(Struct, kw_only=True, frozen=True):
    confirm: Annotated[str, Meta(max_length=64, extra_json_schema={"const": CONFIRMATION})]
