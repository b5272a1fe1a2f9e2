"""How long a price pays for."""

from __future__ import annotations

import calendar
from datetime import datetime

MONTHS = {"month": 1, "year": 12}


def period_end(start: datetime, interval: str) -> datetime:
    """The same day and time one interval later; the last day of the month where that day does not exist."""
    months = start.month - 1 + MONTHS[interval]
    year, month = start.year + months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))
