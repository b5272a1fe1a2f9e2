"""What there is to know about webhooks to integrators, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are sent."""

    id: int
    integration: str | None
    """By name; None: events of everybody."""
    url: str
    kinds: tuple[str, ...]
    """Empty: all."""
    description: str
    created_at: datetime
    disabled_at: datetime | None
    disabled_why: str | None
    failing_since: datetime | None
    last_error: str | None
    waiting: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: str
    """The event's, the same for every endpoint and every attempt."""
    kind: str
    space: str | None
    state: str
    """waiting, delivered or dead."""
    attempts: int
    created_at: datetime
    give_up_at: datetime
    last_at: datetime | None
    last_status: int | None
    last_error: str | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Job:
    """A message to be sent now, by whoever holds the claim on its queue."""

    endpoint: int
    queue: str
    claim: str
    seq: int
    id: str
    kind: str
    at: datetime
    body: dict[str, Any]
    """With accounts as this endpoint may see them."""
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    """The newest first; all of them sign."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How sending went."""

    error: str | None
    """None: it was taken."""
    status: int | None = None
    """Of HTTP, if there was an answer."""
    retry_after_seconds: float | None = None
    gone: bool = False
    """The endpoint wants nothing any more (410)."""
    interrupted: bool = False
    """By us: it says nothing about the endpoint."""
