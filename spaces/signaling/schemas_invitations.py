"""What is answered about invitations to a Space."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from spaces.signaling.answers import AccountView


class InvitationView(Struct, kw_only=True, frozen=True):
    account: AccountView
    by: AccountView
    created_at: datetime


class InvitationsView(Struct, kw_only=True, frozen=True):
    invitations: list[InvitationView]
