"""Calendar files: of one Space, and of all that a creator plans. They are the same for everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from aiohttp import web

from spaces.errors import RequestError
from spaces.ics import CONTENT_TYPE, CalendarEntry, calendar_file
from spaces.room_record import Record
from spaces.room_rules import State
from spaces.signaling.endpoint import Call
from spaces.signaling.rest_spaces import public_record

CANCELLED_TOLD = timedelta(days=30)
"""So long a feed tells of what was cancelled: a calendar that asks once a month is told."""
FRESH_SECONDS = 300


async def get_space_calendar(call: Call) -> web.Response:
    """Raises RequestError(403, 404, 409)."""
    record = await public_record(call)
    accounts = await call.services.access.accounts([record.creator])
    changed = await call.services.rooms.updated([record.id])
    entry = _entry(record, accounts[record.creator].name, changed, call.services.url())
    if entry is None:
        raise RequestError(409, "no_start", "this Space has no time yet")
    return _file(call, calendar_file([entry]), f"space-{record.id}.ics")


async def get_creator_calendar(call: Call) -> web.Response:
    services = call.services
    creator = await services.access.creator(call.match("handle"))
    records = await services.rooms.planned(creator.id, services.now() - CANCELLED_TOLD)
    changed = await services.rooms.updated([record.id for record in records])
    found = [_entry(record, creator.name, changed, services.url()) for record in records]
    entries = [entry for entry in found if entry is not None]
    return _file(call, calendar_file(entries, f"Spaces of {creator.name}"), f"spaces-{creator.handle}.ics")


def _entry(record: Record, creator: str, changed: Mapping[str, datetime], url: str) -> CalendarEntry | None:
    """`changed`: when, by Space. None: it has no time."""
    start = record.scheduled_start or record.started_at
    if start is None:
        return None
    return CalendarEntry(
        space=record.id,
        sequence=record.sequence,
        title=record.title,
        creator=creator,
        start=start,
        end=record.ended_at if record.state is State.ENDED else None,
        cancelled=record.state is State.CANCELLED,
        changed_at=changed.get(record.id, record.created_at),
        url=f"{url}/s/{record.id}",
        topics=record.topics,
    )


def _file(call: Call, content: bytes, name: str) -> web.Response:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {
        "Cache-Control": f"public, max-age={FRESH_SECONDS}",
        "Content-Disposition": f'attachment; filename="{name}"',
        "ETag": etag,
    }
    if call.request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=content, content_type=CONTENT_TYPE, charset="utf-8", headers=headers)
