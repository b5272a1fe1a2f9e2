"""The rows around subscriptions: coupons, unpaid invoices, facts that wait, tasks for a provider; and test money's own."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from access.columns import account_column, one_of
from access.database import Id, UtcDateTime
from access.tables import metadata

coupons = Table(
    "coupons",
    metadata,
    Column("id", Id, primary_key=True),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False),
    Column("code", String(64), nullable=False),
    Column("code_key", String(64), nullable=False, comment="lower case"),
    Column("percent_off_bp", Integer),
    Column("amount_off_minor", BigInteger),
    Column("currency", String(3)),
    Column("duration", String(8), nullable=False),
    Column("months", Integer),
    Column("tier", Id, ForeignKey("tiers.id")),
    Column("redemptions_max", Integer),
    Column("expires_at", UtcDateTime),
    Column("archived_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("creator", "code_key"),
    one_of("duration", ("once", "months", "forever")),
    CheckConstraint("(percent_off_bp IS NULL) <> (amount_off_minor IS NULL)", name="off"),
    CheckConstraint("(amount_off_minor IS NULL) = (currency IS NULL)", name="currency"),
    CheckConstraint("(duration = 'months') = (months IS NOT NULL)", name="months"),
    sqlite_autoincrement=True,
)

unpaid_invoices = Table(
    "unpaid_invoices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("ref", String(255), nullable=False),
    Column("subscription", Id, ForeignKey("subscriptions.id"), nullable=False, index=True),
    Column("period_start", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_at", UtcDateTime, nullable=False, comment="the last time"),
    Column("paid_at", UtcDateTime, comment="after all; paid for good, whatever is told of it later"),
    UniqueConstraint("provider", "ref"),
)

pending_facts = Table(
    "pending_facts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("event", String(255), nullable=False),
    Column("needs", String(300), nullable=False, index=True, comment="what it tells of and is not known yet"),
    Column("at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("provider", "event"),
)

provider_tasks = Table(
    "provider_tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(200), nullable=False, unique=True, comment="the idempotency key of the request"),
    Column("provider", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject", String(255), nullable=False, comment="the provider's name of the object"),
    Column("amount_minor", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    Column("error", String(200), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    one_of("kind", ("refund", "cancel", "stop", "expire", "pay_out", "forget")),
    Index(
        "ix_provider_tasks_due",
        "due_at",
        sqlite_where=text("done_at IS NULL"),
        postgresql_where=text("done_at IS NULL"),
    ),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("id", Id, primary_key=True),
    account_column(nullable=False),
    Column("key", String(255), nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("status", Integer, comment="null: under way"),
    Column("answer", Text),
    Column("location", String(300)),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    UniqueConstraint("account", "key"),
    info={"on_deletion": "erase"},
)

# --- test money: what a provider keeps on its own side

test_checkouts = Table(
    "test_checkouts",
    metadata,
    Column("ref", String(64), primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("request", Text, nullable=False),
    Column("agreement", String(64)),
    Column("payment", String(64)),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("pays_at", UtcDateTime, index=True),
    Column("changed_at", UtcDateTime, nullable=False),
    one_of("state", ("open", "declined", "requires_action", "pending", "expired", "paid")),
)

test_agreements = Table(
    "test_agreements",
    metadata,
    Column("ref", String(64), primary_key=True),
    Column("state", Text, nullable=False, comment="embedded_agreements.Agreement as JSON"),
    Column("due_at", UtcDateTime, index=True, comment="when something happens to it by the clock; null: never again"),
)

test_objects = Table(
    "test_objects",
    metadata,
    Column("id", Id, primary_key=True),
    Column(
        "key", String(200), nullable=False, unique=True, comment="the idempotency key of the request that made them"
    ),
    Column("facts", Text, nullable=False, comment="what was answered, to be said again"),
    Column("subject", String(255), nullable=False, index=True, comment="the object that they are about"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime, comment="when they were taken into our rows, as from a webhook"),
    Index(
        "ix_test_objects_untold", "id", sqlite_where=text("told_at IS NULL"), postgresql_where=text("told_at IS NULL")
    ),
)

money_clock = Table(
    "money_clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column(
        "ahead_seconds", BigInteger, nullable=False, comment="how far the clock of test money is ahead of the real one"
    ),
    CheckConstraint("id = 1", name="only"),
    CheckConstraint("ahead_seconds >= 0", name="forward"),
)
