"""The rows of money and rights. Spaces' own tables share this MetaData, so that one Alembic tree makes all of them.

Times are in UTC. Money is in integer minor units with its ISO 4217 code. Whole histories stay: rows are ended, not deleted.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from access.columns import account_column as _account
from access.columns import one_of as _one_of
from access.database import Id, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ERASED = {"on_deletion": "erase"}
"""`info` of tables whose rows go when the account in their column `account` is deleted."""
PRIVATE = {"on_export": "skip"}
"""`info` of columns that are not told to whom the row belongs: somebody else's notes."""

LIVE_STATES = ("trialing", "active", "past_due", "unpaid", "paused")
"""Subscriptions of which an account has at most one per creator."""


# --- who

integrations = Table(
    "integrations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("integration", Id, ForeignKey("integrations.id"), nullable=False),
    Column("secret", Text, nullable=False),  # in clear: HMAC is checked with the very secret it was made with
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("integration", Id, ForeignKey("integrations.id")),
    Column("subject", String(255)),
    Column("handle", String(64)),
    Column("handle_key", String(64), unique=True),  # lower case: @Ada is @ada
    Column("name", String(100)),
    Column("status", String(16), nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("guest_space", String(13), comment="a guest's, who has no rights but a speaker's seat there"),
    Column("guest_until", UtcDateTime, index=True),
    UniqueConstraint("integration", "subject"),
    _one_of("status", ("active", "suspended", "deleted")),
    sqlite_autoincrement=True,  # an id is never given twice
)

# --- what is on offer

creators = Table(
    "creators",
    metadata,
    _account("id", primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("about", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("kind", ("person", "publication")),
)

creator_members = Table(
    "creator_members",
    metadata,
    Column("creator", Id, ForeignKey("creators.id"), primary_key=True),
    _account(primary_key=True),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("role", ("owner", "editor", "host", "finance")),
)

tiers = Table(
    "tiers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("level", Integer, nullable=False),
    Column("trial_days", Integer, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("state", ("draft", "published", "archived")),
    sqlite_autoincrement=True,
)

tier_prices = Table(
    "tier_prices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tier", Id, ForeignKey("tiers.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("interval", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("state", ("draft", "published", "archived")),
    _one_of("interval", ("month", "year")),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index(
        "uq_tier_prices_on_sale",
        "tier",
        "currency",
        "interval",
        unique=True,
        sqlite_where=text("state = 'published'"),
        postgresql_where=text("state = 'published'"),
    ),
    sqlite_autoincrement=True,
)

benefits = Table("benefits", metadata, Column("name", String(64), primary_key=True))

tier_benefits = Table(
    "tier_benefits",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tier", Id, ForeignKey("tiers.id"), nullable=False, index=True),
    Column("benefit", String(64), ForeignKey("benefits.name"), nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime),
)

# --- what was bought, and what that gives

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Id, primary_key=True),
    _account(nullable=False),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False),
    Column("tier", Id, ForeignKey("tiers.id"), nullable=False),
    Column("price", Id, ForeignKey("tier_prices.id"), nullable=False),
    Column("status", String(24), nullable=False),
    Column("provider", String(16), nullable=False),
    Column("provider_ref", String(255), unique=True),  # of its checkout
    Column("agreement_ref", String(255)),  # of the agreement that came of it
    Column("checkout_expires_at", UtcDateTime),
    Column("payment_state", String(16)),  # what the last try to pay ended as, while it is incomplete
    Column("coupon", Id, ForeignKey("coupons.id")),
    Column("trial_days", Integer, nullable=False, server_default="0"),
    Column("next_price", Id, ForeignKey("tier_prices.id")),  # from the end of the period on
    Column("cancel_at_period_end", Boolean, nullable=False, server_default=text("false")),
    Column("ended_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),  # ended at once: what is paid for ends too
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column(
        "fact_order", String(300), nullable=False, server_default=""
    ),  # of the newest fact: older ones change nothing
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("status", ("incomplete", "incomplete_expired", *LIVE_STATES, "canceled")),
    _one_of("payment_state", ("declined", "requires_action", "pending")),
    Index("uq_subscriptions_agreement_ref", "agreement_ref", unique=True),
    Index("ix_subscriptions_account_creator", "account", "creator"),
    Index("ix_subscriptions_creator", "creator"),
    Index(
        "uq_subscriptions_live",
        "account",
        "creator",
        unique=True,
        sqlite_where=text(f"status IN {LIVE_STATES!r}"),
        postgresql_where=text(f"status IN {LIVE_STATES!r}"),
    ),
    sqlite_autoincrement=True,
)

paid_periods = Table(
    "paid_periods",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscription", Id, ForeignKey("subscriptions.id"), nullable=False, index=True),
    Column("invoice_ref", String(255), nullable=False, unique=True),
    Column("price", Id, ForeignKey("tier_prices.id")),
    Column("payment", Id, ForeignKey("payments.id")),  # null: there was nothing to pay
    Column("kind", String(8), nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("voided_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("kind", ("paid", "trial")),
    CheckConstraint('start < "end"', name="dates"),
    Index("ix_paid_periods_payment", "payment"),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Id, primary_key=True),
    _account(nullable=False),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False),
    Column("tier", Id, ForeignKey("tiers.id")),
    Column("source", String(8), nullable=False),
    Column("period", Id, ForeignKey("paid_periods.id"), unique=True),
    Column("space", String(13)),  # of a ticket: the one Space that it is for
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime),
    Column("grace_end", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("epoch", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    _one_of("source", ("period", "ticket", "comp", "gift", "role")),
    CheckConstraint("\"end\" IS NOT NULL OR source IN ('comp', 'role')", name="endless"),
    CheckConstraint("source <> 'period' OR period IS NOT NULL", name="proof"),
    CheckConstraint("(source = 'ticket') = (space IS NOT NULL)", name="space"),
    CheckConstraint('grace_end IS NULL OR ("end" IS NOT NULL AND grace_end >= "end")', name="grace"),
    Index("ix_grants_account_creator", "account", "creator"),
    Index("ix_grants_creator", "creator"),
    sqlite_autoincrement=True,
)

# --- who is kept out, who is in; the creator here is whoever has the Space, also an account that sells nothing

epochs = Table(
    "epochs",
    metadata,
    _account(primary_key=True, autoincrement=False),
    _account("creator", primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
)

bans = Table(
    "bans",
    metadata,
    Column("id", Id, primary_key=True),
    _account(nullable=False),
    Column("scope", String(16), nullable=False),
    _account("creator"),
    Column("space", String(13)),
    Column("community", Id),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime),
    _account("by"),
    Column("reason", Text, nullable=False, server_default=""),
    _one_of("scope", ("platform", "creator", "community", "space")),
    CheckConstraint("scope = 'platform' OR creator IS NOT NULL", name="enclosing"),
    CheckConstraint("scope <> 'space' OR space IS NOT NULL", name="space"),
    Index("ix_bans_account_creator", "account", "creator"),
    sqlite_autoincrement=True,
)

admissions = Table(
    "admissions",
    metadata,
    Column("id", Id, primary_key=True),
    _account(),
    _account("creator", nullable=False),
    Column("space", String(13), nullable=False),
    Column("client", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("role", String(16)),
    Column("policies", JSON, nullable=False),
    Column("grants", JSON, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("not_after", UtcDateTime),
    Column("state", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column(
        "untold",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="integrators are to be told of a change",
    ),
    _one_of("state", ("pending", "seated", "left", "evicted")),
    Index(
        "ix_admissions_ended",
        "ended_at",
        sqlite_where=text("ended_at IS NOT NULL"),
        postgresql_where=text("ended_at IS NOT NULL"),
    ),
    Index(
        "ix_admissions_live",
        "space",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_admissions_untold", "id", sqlite_where=text("untold"), postgresql_where=text("untold")),
    sqlite_autoincrement=True,
)

used_join_tokens = Table(
    "used_join_tokens",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# --- written in the same transaction as what they tell

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("account", BigInteger, nullable=False),
    Column("creator", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)

pseudonyms = Table(
    "pseudonyms",
    metadata,
    _account(primary_key=True, autoincrement=False),
    Column("pseudonym", String(32), nullable=False, unique=True),
    info=ERASED,
    comment="by which the audit log knows an account; without its row nobody can tell whom the log speaks of",
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(32), comment="a pseudonym; null: the operator or the server itself"),
    Column("action", String(64), nullable=False),
    Column("account", String(32), index=True, comment="a pseudonym"),
    Column("creator", String(32), index=True, comment="a pseudonym"),
    Column("body", JSON, nullable=False),
    Column("seq", BigInteger, unique=True, comment="place in the chain"),
    Column("hash", String(64), comment="over this row and the hash before it"),
    sqlite_autoincrement=True,
)
