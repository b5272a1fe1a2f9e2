"""How long no host has been there: a live Space without one ends, and says so before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

TOLD_AFTER = timedelta(seconds=10)
"""That no host is there is told when he has been away longer than a page takes to load again."""


@dataclass(slots=True)
class Absence:
    since: datetime | None = None
    closing_at: datetime | None = None
    """When it ends unless a host comes back, once that is to be told."""

    def tick(self, now: datetime, limit: timedelta, *, hosted: bool) -> bool:
        """`hosted`: a host is there, or none is needed. Whether there is something to tell."""
        before = self.closing_at
        if hosted:
            self.since = self.closing_at = None
        else:
            self.since = self.since or now
            if now - self.since >= min(TOLD_AFTER, limit / 2):
                self.closing_at = self.since + limit
        return self.closing_at != before

    def over(self, now: datetime, limit: timedelta) -> bool:
        """Whether it ends now. Not before it has been told."""
        return self.since is not None and self.closing_at is not None and now - self.since >= limit
