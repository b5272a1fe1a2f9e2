"""Reminders over HTTP: what is sent and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from spaces.signaling.answers import ReminderView, SpaceView

NOTICES_MAX = 100


class NewReminder(Struct, kw_only=True, frozen=True):
    mail: bool | None = None
    """By mail too; left out: if the account has an address that is known to be its own."""


class SpaceReminderView(Struct, kw_only=True, frozen=True):
    space: SpaceView
    reminder: ReminderView


class NoticeView(Struct, kw_only=True, frozen=True):
    """A Space that one asked to be reminded of begins, has another time or is cancelled."""

    id: str
    kind: Literal["begins", "moved", "cancelled"]
    at: datetime
    """Since when this is to be told."""
    starts_at: datetime | None
    was_at: datetime | None
    """moved, cancelled: the start before."""
    space: SpaceView


class RemindersView(Struct, kw_only=True, frozen=True):
    reminders: list[SpaceReminderView]
    notices: list[NoticeView]
    """Due, and not seen yet; the oldest first."""


class SeenNotices(Struct, kw_only=True, frozen=True):
    notices: Annotated[list[Annotated[str, Meta(pattern=r"^[0-9]{1,18}$")]], Meta(max_length=NOTICES_MAX)]


class NoticesSeenView(Struct, kw_only=True, frozen=True):
    notices: list[str]
    """Those that nobody had seen before: of several pages, the one that is told so shows them."""
