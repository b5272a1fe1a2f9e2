"""The rows of single Spaces: what a ticket costs and how many there are, who has one, who is invited; and gifts of tiers."""

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
    text,
)

from access.columns import account_column, one_of
from access.database import Id, UtcDateTime
from access.tables import metadata

OFFER_STATES = ("on_sale", "paused", "ended", "cancelled")
TICKET_STATES = ("reserved", "paid", "admitted", "disputed", "refunding", "refunded", "void")
HELD_STATES = ("reserved", "paid", "admitted", "disputed")
"""Each is one of the offer's taken seats; an account has at most one per Space."""
BOUGHT_STATES = ("paid", "admitted", "disputed")
"""Paid for, and not paid back."""
GIFT_STATES = ("begun", "paid", "redeemed", "disputed", "refunding", "refunded", "void")
PAYMENT_STATES = ("declined", "requires_action", "pending")

ticket_offers = Table(
    "ticket_offers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("space", String(13), nullable=False, unique=True),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False, index=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("taken", Integer, nullable=False, comment="seats that tickets hold: paid ones and live reservations"),
    Column("sale_start", UtcDateTime),
    Column("sale_end", UtcDateTime),
    Column("state", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    one_of("state", OFFER_STATES),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    CheckConstraint("taken BETWEEN 0 AND quantity", name="taken"),
    CheckConstraint("sale_start IS NULL OR sale_end IS NULL OR sale_start < sale_end", name="sale"),
    sqlite_autoincrement=True,
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("offer", Id, ForeignKey("ticket_offers.id"), nullable=False),
    account_column(nullable=False, comment="whose it is"),
    account_column("payer", nullable=False, comment="who bought it"),
    Column("state", String(16), nullable=False),
    Column("name", String(200), nullable=False, comment="what the payer reads"),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("provider", String(16), nullable=False),
    Column("provider_ref", String(255), unique=True, comment="of its checkout"),
    Column("checkout_url", Text, comment="where it is paid, if the provider chooses the address anew each time"),
    Column("payment_state", String(16), comment="what the last try to pay ended as, while it is reserved"),
    Column("reserved_until", UtcDateTime, nullable=False, comment="then its checkout is to be expired"),
    Column("expire_asked_at", UtcDateTime, comment="of the provider"),
    Column("refund_asked_at", UtcDateTime, comment="the money is to go back whatever happens"),
    Column("refund_reason", String(16)),
    Column("grant", Id, ForeignKey("grants.id"), unique=True),
    Column("admitted_at", UtcDateTime, comment="when it was used"),
    Column("created_at", UtcDateTime, nullable=False),
    one_of("state", TICKET_STATES),
    one_of("payment_state", PAYMENT_STATES),
    one_of("refund_reason", ("sold_out", "cancelled", "ended", "held", "creator")),
    CheckConstraint("(refund_asked_at IS NULL) = (refund_reason IS NULL)", name="refund"),
    Index("ix_tickets_offer", "offer", "state"),
    Index("ix_tickets_account", "account"),
    Index(
        "ix_tickets_reserved",
        "reserved_until",
        sqlite_where=text("state = 'reserved'"),
        postgresql_where=text("state = 'reserved'"),
    ),
    Index(
        "uq_tickets_held",
        "offer",
        "account",
        unique=True,
        sqlite_where=text(f"state IN {HELD_STATES!r}"),
        postgresql_where=text(f"state IN {HELD_STATES!r}"),
    ),
    sqlite_autoincrement=True,
)

gifts = Table(
    "gifts",
    metadata,
    Column("id", Id, primary_key=True),
    account_column(nullable=False, comment="who gives"),
    account_column("recipient", comment="whom it is for; null: whoever redeems it"),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False),
    Column("tier", Id, ForeignKey("tiers.id"), nullable=False),
    Column("months", Integer, nullable=False),
    Column("name", String(200), nullable=False, comment="what the payer reads"),
    Column("amount_minor", BigInteger, nullable=False, comment="for all its months"),
    Column("currency", String(3), nullable=False),
    Column("state", String(16), nullable=False),
    Column("provider", String(16), nullable=False),
    Column("provider_ref", String(255), unique=True, comment="of its checkout"),
    Column("checkout_url", Text, comment="where it is paid, if the provider chooses the address anew each time"),
    Column("payment_state", String(16)),
    Column("checkout_expires_at", UtcDateTime, nullable=False),
    Column("code_sha256", String(64), unique=True, comment="of the newest redeem link; its code is kept nowhere"),
    Column("code_expires_at", UtcDateTime),
    Column("redeemed_at", UtcDateTime),
    Column("refund_asked_at", UtcDateTime),
    Column("grant", Id, ForeignKey("grants.id"), unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    one_of("state", GIFT_STATES),
    one_of("payment_state", PAYMENT_STATES),
    CheckConstraint("months BETWEEN 1 AND 36", name="months"),
    CheckConstraint("(code_sha256 IS NULL) = (code_expires_at IS NULL)", name="code"),
    CheckConstraint('(redeemed_at IS NULL) = ("grant" IS NULL)', name="redeemed"),
    Index("ix_gifts_account", "account"),
    Index("ix_gifts_recipient", "recipient", "creator"),
    Index("ix_gifts_creator", "creator"),
    sqlite_autoincrement=True,
)

space_invitations = Table(
    "space_invitations",
    metadata,
    Column("space", String(13), primary_key=True),
    account_column(primary_key=True, autoincrement=False),
    account_column("by", nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    info={"on_deletion": "erase"},
)
