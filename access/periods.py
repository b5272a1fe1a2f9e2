"""How long a price pays for."""

from __future__ import annotations

import calendar
from datetime import datetime

MONTHS = {"month": 1, "year": 12}


def period_end(start: datetime, interval: str, count: int = 1) -> datetime:
    """The same day and time `count` intervals later; the last day of the month where that day does not exist."""
    months = start.month - 1 + MONTHS[interval] * count
    year, month = start.year + months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))


def next_end(anchor: datetime, interval: str, after: datetime) -> datetime:
    """The first end after `after` of periods that all begin at the day of `anchor`: a short month shortens one, not all."""
    count = max((after.year - anchor.year) * 12 // MONTHS[interval] - 1, 1)
    while (end := period_end(anchor, interval, count)) <= after:
        count += 1
    return end
