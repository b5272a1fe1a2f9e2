"""Bodies and answers of what operators do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spaces.signaling.answers import AccountView, SpaceView
from spaces.signaling.schemas_rooms import ReportView


class NewSuspension(Struct, kw_only=True, frozen=True):
    reason: Annotated[str, Meta(max_length=1_000)] = ""


class SuspensionView(Struct, kw_only=True, frozen=True):
    scope: Literal["account", "creator", "space"]
    account: AccountView
    """Who it is; of a Space: its creator."""
    space: str | None
    status: Literal["active", "suspended"]
    since: datetime | None
    until: datetime | None
    by: AccountView | None
    """null: whoever has the machine."""
    reason: str


class SuspensionsView(Struct, kw_only=True, frozen=True):
    suspensions: list[SuspensionView]
    next: str | None
    """As `before` of the next page."""


class FoundAccountView(Struct, kw_only=True, frozen=True):
    account: AccountView
    is_creator: bool
    suspended: list[Literal["account", "creator"]]


class FoundSpaceView(Struct, kw_only=True, frozen=True):
    space: SpaceView
    suspended: bool


class FoundView(Struct, kw_only=True, frozen=True):
    accounts: list[FoundAccountView]
    spaces: list[FoundSpaceView]


class AccountFileView(Struct, kw_only=True, frozen=True):
    """What an operator is shown of an account."""

    found: FoundAccountView
    suspensions: list[SuspensionView]
    """All there have been, of it and of what is its."""
    reports: list[ReportView]
    """Of it and of its Spaces, the newest."""
    spaces: list[FoundSpaceView]
    """Live, scheduled and over, the newest."""


class SettingView(Struct, kw_only=True, frozen=True):
    name: str
    help: str
    value: bool | int | None
    """null: as configured."""
    configured: bool | int
    smallest: int | None
    greatest: int | None


class SettingsView(Struct, kw_only=True, frozen=True):
    settings: list[SettingView]


class SettingChanges(Struct, kw_only=True, frozen=True):
    """By name; null: as configured. All of them or none."""

    settings: Annotated[dict[str, bool | int | None], Meta(max_length=50)]
