"""Who asks to speak: in which order, who may, and how often. It knows nothing of roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spaces.errors import RequestError
from spaces.room_record import Record
from spaces.room_rules import Asking

RETURN = timedelta(minutes=1)
"""After its node has started again a Space keeps the hands of those who are not back yet for this long."""


@dataclass(slots=True)
class Hands:
    up: dict[int, datetime] = field(default_factory=dict)
    """Since when; in the order of asking."""
    asked: dict[int, datetime] = field(default_factory=dict)
    """When they asked last, of those who still have to wait before they may again."""
    awaited: set[int] = field(default_factory=set)
    """Whose hand was up before the node was started again, and who has not come back yet."""
    awaited_since: datetime | None = None

    def go_up(self, record: Record, account: int, now: datetime, *, subscriber: bool, hands_max: int) -> bool:
        """False: it was up already. Raises RequestError(403 | 409 | 429)."""
        if account in self.up:
            return False
        if record.asking is Asking.NOBODY:
            raise RequestError(403, "asking_closed", "nobody may ask to speak now")
        if record.asking is Asking.SUBSCRIBERS and not subscriber:
            raise RequestError(403, "subscribers_only", "only subscribers may ask to speak")
        if (last := self.asked.get(account)) is not None:
            wait = (last - now).total_seconds() + record.asking_seconds
            if wait > 0:
                raise RequestError(429, "slow_mode", "you have just asked to speak", retry_after_seconds=int(wait) + 1)
        if len(self.up) >= hands_max:
            raise RequestError(409, "hands_full", f"{hands_max} people ask to speak already")
        if record.asking_seconds:
            self.asked[account] = now
        self.up[account] = now
        return True

    def go_down(self, account: int) -> bool:
        """Whether it was up."""
        self.awaited.discard(account)
        return self.up.pop(account, None) is not None

    def all_down(self) -> None:
        self.up.clear()
        self.awaited.clear()

    def tick(self, now: datetime, asking_seconds: int) -> list[int]:
        """Whose hands go down, for they have not come back; who has waited long enough is forgotten."""
        wait = timedelta(seconds=asking_seconds)
        self.asked = {account: at for account, at in self.asked.items() if now - at < wait}
        if not self.awaited:
            return []
        self.awaited_since = self.awaited_since or now
        return sorted(self.awaited) if now - self.awaited_since >= RETURN else []
