"""What is shown of the chat, of pinned links and of captions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from spaces.signaling.answers import AccountView


class ChatLineView(Struct, kw_only=True, frozen=True):
    id: str
    account: AccountView
    at: datetime
    text: str


class ChatView(Struct, kw_only=True, frozen=True):
    lines: list[ChatLineView]
    """The oldest first."""
    before: str | None
    """To be given for those before; null: that was all."""


class PinView(Struct, kw_only=True, frozen=True):
    url: str
    title: str


class PinsView(Struct, kw_only=True, frozen=True):
    pins: list[PinView]


class CaptionView(Struct, kw_only=True, frozen=True):
    id: str
    account: AccountView
    began_at: datetime
    ended_at: datetime
    text: str
    source: Literal["speaker", "server"]


class CaptionsView(Struct, kw_only=True, frozen=True):
    captions: list[CaptionView]
    """The oldest first."""
    after: str | None
    """To be given for those after; null: that was all."""
