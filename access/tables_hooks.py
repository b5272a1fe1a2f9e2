"""The rows of webhooks to integrators: where they go, what is told, and how far each has come.

A message is one event; a delivery is one message on its way to one endpoint; a queue holds those of one Space (or of one
pair of accounts) for one endpoint, in their order.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, text

from access.columns import account_column, one_of
from access.database import Id, UtcDateTime
from access.tables import ERASED, metadata

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Id, primary_key=True),
    Column("integration", Id, ForeignKey("integrations.id"), comment="whose creators' events; null: everybody's"),
    Column("url", Text, nullable=False),
    Column("kinds", JSON, nullable=False, comment="space.started, subscription.* …; empty: all"),
    Column("description", String(100), nullable=False, server_default=""),
    Column("secret", String(100), nullable=False, comment="in clear: it signs"),
    Column("former_secret", String(100), comment="signs too, until former_until"),
    Column("former_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("disabled_why", String(16), comment="asked, or gone: it has answered 410"),
    Column("failing_since", UtcDateTime, comment="null: the last attempt went well"),
    Column("last_error", String(64)),
    sqlite_autoincrement=True,
)

webhook_messages = Table(
    "webhook_messages",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False, comment="order of commits"),
    Column("id", String(40), nullable=False, unique=True, comment="the event's stable id"),
    Column("kind", String(64), nullable=False),
    Column("queue", String(48), nullable=False, comment="what it is ordered with: a Space, or a pair of accounts"),
    Column("body", JSON, nullable=False, comment="accounts by their ids alone"),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("endpoint", Id, ForeignKey("webhook_endpoints.id"), primary_key=True),
    Column("seq", BigInteger, ForeignKey("webhook_messages.seq"), primary_key=True, autoincrement=False),
    Column("queue", String(48), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("give_up_at", UtcDateTime, nullable=False, comment="dead from then on"),
    Column("last_at", UtcDateTime),
    Column("last_status", Integer, comment="of HTTP"),
    Column("last_error", String(64)),
    Column("done_at", UtcDateTime, comment="delivered, or given up"),
    one_of("state", ("waiting", "delivered", "dead")),
    Index(
        "ix_webhook_deliveries_waiting",
        "endpoint",
        "queue",
        "seq",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("ix_webhook_deliveries_state", "endpoint", "state", "seq"),
    Index("ix_webhook_deliveries_done", "done_at"),
    Index("ix_webhook_deliveries_seq", "seq"),
)

webhook_queues = Table(
    "webhook_queues",
    metadata,
    Column("endpoint", Id, ForeignKey("webhook_endpoints.id"), primary_key=True),
    Column("queue", String(48), primary_key=True),
    Column("due_at", UtcDateTime, comment="null: nothing waits"),
    Column("failures", Integer, nullable=False, server_default="0", comment="one after the other"),
    Column("waiting", Integer, nullable=False, server_default="0"),
    Column("claim", String(24), comment="who sends from it now"),
    Column("claimed_until", UtcDateTime),
    Index(
        "ix_webhook_queues_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

webhook_participants = Table(
    "webhook_participants",
    metadata,
    Column("space", String(13), primary_key=True),
    account_column(primary_key=True, autoincrement=False),
    info=ERASED,
    comment="of whom it has been told that he came in, and not yet that he left",
)
