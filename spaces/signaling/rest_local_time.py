"""What a local time means: asked by whoever is about to plan a Space."""

from __future__ import annotations

from datetime import datetime

from spaces import time_zones
from spaces.errors import RequestError
from spaces.schedule import BEGINNING_MAX, read_local
from spaces.signaling.answers import LocalTimeView
from spaces.signaling.endpoint import Call


async def get_local_time(call: Call) -> LocalTimeView:
    """Raises RequestError(422)."""
    query = call.request.query
    place = time_zones.zone(query.get("time_zone", ""))
    if place is None:
        raise RequestError(422, "bad_field", "not an IANA time zone", field="time_zone")
    try:
        local = datetime.fromisoformat(query.get("at", ""))
    except ValueError:
        local = BEGINNING_MAX
    if local.tzinfo is not None or not datetime(1, 1, 3) < local < BEGINNING_MAX:
        raise RequestError(422, "bad_field", "at: a local time like 2026-03-29T02:30:00", field="at")
    found = read_local(local, place)
    return LocalTimeView(moments=list(found.moments), after_gap=found.after_gap)
