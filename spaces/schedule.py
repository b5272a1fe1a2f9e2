"""When a Space is to begin: a moment, which people name by the clock of a place.

Clocks are put forward and back. A local time that they jump over is no moment; one that they show twice is two. Neither
is guessed: whoever names it is told, and what else he may mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from spaces.errors import RequestError

BEGINNING_MAX = datetime(9998, 1, 1)
"""Local times after it may have no UTC form."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """What a clock's time means in a zone."""

    moments: tuple[datetime, ...]
    """In UTC, the earlier one first: none where clocks jump over it, two where they show it twice."""
    after_gap: datetime | None
    """Where there is none: as far after the jump as was asked for before it; a local time."""


def read_local(local: datetime, zone: tzinfo) -> LocalTime:
    """`local` has no zone of its own."""
    found: list[datetime] = []
    for fold in (0, 1):
        moment = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local and moment not in found:
            found.append(moment)
    if found:
        return LocalTime(tuple(sorted(found)), None)
    later = (
        local.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)
    )  # by the offset before the jump (PEP 495)
    return LocalTime((), later.replace(tzinfo=None))


def one_moment(local: datetime, zone: tzinfo, zone_name: str) -> datetime:
    """Raises RequestError(422): `no_such_time`, `ambiguous_time`; both say what may be given instead."""
    found = read_local(local, zone)
    match found.moments:
        case (moment,):
            return moment
        case ():
            assert found.after_gap is not None
            detail = f"clocks in {zone_name} jump over {local.isoformat()}: it may be {found.after_gap.isoformat()}"
            raise RequestError(422, "no_such_time", detail, field="local_start")
        case several:
            both = " or ".join(moment.isoformat().replace("+00:00", "Z") for moment in several)
            detail = f"clocks in {zone_name} show {local.isoformat()} twice: give scheduled_start, {both}"
            raise RequestError(422, "ambiguous_time", detail, field="local_start")


def read_start(
    scheduled_start: datetime | None,
    local_start: datetime | None,
    time_zone: str | None,
    zone: Callable[[str], tzinfo | None],
    now: datetime,
    ahead_max: timedelta,
) -> datetime | None:
    """The start in UTC, named either way; None: neither is given. `zone` knows the zones by name. Raises RequestError(422)."""
    place = None if time_zone is None else zone(time_zone)
    if time_zone is not None and place is None:
        raise RequestError(422, "bad_field", "not an IANA time zone", field="time_zone")
    field = "scheduled_start" if local_start is None else "local_start"
    start = scheduled_start
    if local_start is not None:
        if scheduled_start is not None:
            raise RequestError(422, "bad_field", "either scheduled_start or local_start", field=field)
        if place is None or time_zone is None:
            raise RequestError(422, "bad_field", "local_start is by the clock of a time_zone", field="time_zone")
        if local_start < BEGINNING_MAX:
            start = one_moment(local_start, place, time_zone)
        else:
            start = now + ahead_max + timedelta(days=1)
    if start is None:
        return None
    if start <= now:
        raise RequestError(422, "bad_field", "this time is past", field=field)
    if start > now + ahead_max:
        raise RequestError(422, "too_far_ahead", f"at most {ahead_max.days} days ahead", field=field)
    return start.astimezone(UTC)


def clock_time(moment: datetime | None, place: tzinfo | None) -> str:
    """By the clock of the place, with its name: `Sun 29 Mar 2026, 20:00 CEST`."""
    if moment is None:
        return "no time yet"
    local = moment.astimezone(place or UTC)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"
