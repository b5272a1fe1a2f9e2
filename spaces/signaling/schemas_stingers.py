"""What hosts are answered about their short sounds."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from spaces.signaling.answers import AccountView
from spaces.signaling.messages import StingerPlaying


class StingerView(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    seconds: float
    made_by: AccountView
    created_at: datetime


class StingersView(Struct, kw_only=True, frozen=True):
    stingers: list[StingerView]
    playing: StingerPlaying | None
