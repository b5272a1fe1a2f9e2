"""Spaces as calendar files (RFC 5545, published by RFC 5546 §3.2.1): one, or all that a creator plans.

Times are in UTC, so that no calendar needs to know our time zones. The UID of a Space stays, its SEQUENCE grows when it is
moved or cancelled: a calendar that has it already moves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event

CONTENT_TYPE = "text/calendar"
PRODUCT = "-//Spaces//Spaces//EN"
USUAL_LENGTH = timedelta(hours=1)
"""Nobody says how long a talk will be; an event without a length is nothing to see in a calendar."""
REFRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A Space with a start, as everybody may see it."""

    space: str
    sequence: int
    title: str
    creator: str
    """The name."""
    start: datetime
    end: datetime | None
    """None: not known yet."""
    cancelled: bool
    changed_at: datetime
    url: str
    topics: tuple[str, ...] = ()


def calendar_file(entries: Iterable[CalendarEntry], name: str | None = None) -> bytes:
    """`name`: of a feed that is asked for again and again."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    if name is not None:
        calendar.add("name", name)  # RFC 7986 §5.1, and what older programs read
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_event(entry))
    return bytes(calendar.to_ical())


def _event(entry: CalendarEntry) -> Event:
    event = Event()
    event.add("uid", f"{entry.space}@spaces")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("dtstart", entry.start)
    event.add("dtend", entry.end if entry.end is not None and entry.end > entry.start else entry.start + USUAL_LENGTH)
    event.add("summary", entry.title)
    event.add("description", f"A Space by {entry.creator}\n{entry.url}")
    event.add("url", entry.url)
    event.add("location", entry.url)
    if entry.topics:
        event.add("categories", list(entry.topics))
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    return event
