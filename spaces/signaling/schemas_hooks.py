"""Bodies and answers about webhooks to integrators, and the event itself as it is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from access.hook_kinds import FAMILIES, KINDS

EventKind = Annotated[str, Meta(max_length=64, description=f"one of {', '.join((*KINDS, *FAMILIES))}")]


class NewWebhookEndpoint(Struct, kw_only=True, frozen=True):
    url: Annotated[str, Meta(min_length=1, max_length=2_000, description="https, public")]
    kinds: Annotated[list[EventKind], Meta(max_length=40)] = []
    """What is to be told; empty: everything."""
    description: Annotated[str, Meta(max_length=100)] = ""
    integration: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    """By an operator: the name of the integration whose creators' events these are; null: everybody's."""


class WebhookEndpointView(Struct, kw_only=True, frozen=True):
    id: str
    url: str
    kinds: list[str]
    description: str
    integration: str | None
    created_at: datetime
    disabled_at: datetime | None
    disabled_why: Literal["asked", "gone"] | None
    """gone: it has answered 410."""
    failing_since: datetime | None
    """null: the last attempt went well."""
    last_error: str | None
    waiting: int
    dead: int


class NewWebhookEndpointView(Struct, kw_only=True, frozen=True):
    endpoint: WebhookEndpointView
    secret: str
    """Told this once."""


class WebhookEndpointsView(Struct, kw_only=True, frozen=True):
    endpoints: list[WebhookEndpointView]


class WebhookDeliveryView(Struct, kw_only=True, frozen=True):
    id: str
    """The event's: `webhook-id`."""
    kind: str
    space: str | None
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    created_at: datetime
    give_up_at: datetime
    last_at: datetime | None
    last_status: int | None
    last_error: str | None
    done_at: datetime | None


class WebhookDeliveriesView(Struct, kw_only=True, frozen=True):
    deliveries: list[WebhookDeliveryView]
    next: str | None
    """As `before` of the next page."""


class Redelivery(Struct, kw_only=True, frozen=True):
    id: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    """Of one event; null: all that are dead."""


class RedeliveryView(Struct, kw_only=True, frozen=True):
    redelivered: int


class WebhookEvent(Struct, kw_only=True, frozen=True):
    """The body of a webhook."""

    type: str
    timestamp: datetime
    """Of the event."""
    data: dict[str, Any]
