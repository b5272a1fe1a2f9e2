"""Lists that are told page by page, the newest first: `before` in the query, `next` in the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from spaces.signaling.endpoint import Call
from spaces.signaling.rest_creators import read_id

BEFORE = ("before", "as the last answer gave it in `next`")


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


def read_before(call: Call) -> int | None:
    """Raises RequestError(404)."""
    before = call.request.query.get("before")
    return None if before is None else read_id(before, "before")


def next_page(found: Sequence[Numbered], most: int) -> str | None:
    """None: that was all."""
    return str(found[-1].id) if len(found) == most else None
