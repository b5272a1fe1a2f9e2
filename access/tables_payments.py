"""What payment providers have told, and what is remembered about asking them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from access.columns import one_of
from access.database import Id, UtcDateTime
from access.tables import metadata

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("type", String(100), nullable=False),
    Column("subject_kind", String(32), nullable=False, comment="of the object to be fetched; empty: nothing of ours"),
    Column("subject", String(255), nullable=False),
    Column("body_sha256", String(64), nullable=False, comment="empty: it was fetched, nobody brought it"),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", String(200), nullable=False, server_default=""),
    Column("at", UtcDateTime, nullable=False, comment="by the provider's clock"),
    Column("received_at", UtcDateTime, nullable=False, index=True),
    Column("due_at", UtcDateTime, nullable=False, comment="when it is tried (again)"),
    Column("done_at", UtcDateTime),
    UniqueConstraint("provider", "event_id"),
    one_of("state", ("received", "applied", "ignored", "dead")),
    Index(
        "ix_webhook_events_due",
        "due_at",
        sqlite_where=text("state = 'received'"),
        postgresql_where=text("state = 'received'"),
    ),
)

provider_objects = Table(
    "provider_objects",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("ref", String(255), primary_key=True),
    Column("drawn", BigInteger, nullable=False, comment="number of the newest look at it that was begun"),
    Column("seen", BigInteger, nullable=False, comment="number of the newest look that was believed"),
    Column("version", BigInteger, nullable=False, comment="number of the look that first saw it as it is"),
    Column("sha256", String(64), nullable=False, comment="of how it was seen"),
    comment="versions of objects to which the provider itself gives none",
)

provider_checkouts = Table(
    "provider_checkouts",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("key", String(200), primary_key=True, comment="the idempotency key of the request"),
    Column(
        "begun_at", UtcDateTime, nullable=False, index=True, comment="the first time, so that the same is asked again"
    ),
    Column("ref", String(255)),
    Column("url", Text),
    Column("expires_at", UtcDateTime),
)

provider_cursors = Table(
    "provider_cursors",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("event_id", String(255), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    comment="up to where the provider's own list of events has been read",
)
