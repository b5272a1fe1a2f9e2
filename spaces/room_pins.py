"""Pinned links: which there are, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from spaces.errors import RequestError
from spaces.room_commands import PinLink, SetPins, UnpinLink
from spaces.room_permit import permit
from spaces.room_record import Pin, Record


def pinned(record: Record, command: PinLink | UnpinLink | SetPins, pins_max: int) -> Record:
    """Raises RequestError(401 | 403 | 404 | 409 | 410 | 422)."""
    permit(record, command.act, command.by)
    match command:
        case PinLink(_, pin, place):
            return replace(record, pins=_with(record.pins, pin, place, pins_max))
        case UnpinLink(_, url):
            left = tuple(pin for pin in record.pins if pin.url != url)
            if len(left) == len(record.pins):
                raise RequestError(404, "not_pinned", "that link is not pinned")
            return replace(record, pins=left)
        case SetPins(_, pins):
            if len({pin.url for pin in pins}) < len(pins):
                raise RequestError(422, "bad_field", "pins: each address once", field="pins")
            if len(pins) > pins_max:
                raise _too_many(pins_max)
            return replace(record, pins=pins)
        case _:
            assert_never(command)


def _with(pins: tuple[Pin, ...], pin: Pin, place: int | None, pins_max: int) -> tuple[Pin, ...]:
    urls = [one.url for one in pins]
    was = urls.index(pin.url) if pin.url in urls else len(urls)
    if was == len(urls) >= pins_max:
        raise _too_many(pins_max)
    others = [one for one in pins if one.url != pin.url]
    others.insert(was if place is None else place, pin)
    return tuple(others)


def _too_many(pins_max: int) -> RequestError:
    return RequestError(409, "too_many_pins", f"{pins_max} links are pinned at most: take one off first")
