"""The books: transfers of money and their entries. Appended to and never changed; triggers see to that on both databases."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
)

from access.columns import account_column, one_of
from access.database import Id, UtcDateTime
from access.tables import metadata

CHART = (
    "provider_clearing",  # money at the payment provider
    "processor_fees",  # what the processor keeps or is owed
    "taxes",  # to be handed on as the provider reports them
    "platform_share",
    "creator_balance",  # owed to a creator
    "creator_hold",  # owed to a creator unless a dispute is lost
    "payouts_in_transit",  # on its way to a creator
    "deposits",  # paid for what has not been given yet
)
"""The accounts of the books; those of a creator are his own, by the column `creator`."""

TRANSFER_KINDS = (
    "charge",
    "refund",
    "refund_failed",
    "dispute_opened",
    "dispute_won",
    "dispute_lost",
    "payout",
    "payout_paid",
    "payout_returned",
    "adjustment",
)

ledger_transfers = Table(
    "ledger_transfers",
    metadata,
    Column("id", Id, primary_key=True),
    Column(
        "key", String(255), nullable=False, unique=True, comment="idempotency key: what is posted twice is there once"
    ),
    Column("kind", String(24), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("creator", Id, ForeignKey("creators.id")),
    Column("provider", String(16), nullable=False),
    Column("purchase", String(64), comment="what was paid for, as subscription:17"),
    Column(
        "reverses",
        Id,
        ForeignKey("ledger_transfers.id"),
        comment="the charge that this takes back or restores",
    ),
    Column("at", UtcDateTime, nullable=False, comment="when it became so, by the provider's clock"),
    Column("body", JSON, nullable=False, comment="the terms it was divided under"),
    Column("created_at", UtcDateTime, nullable=False),
    one_of("kind", TRANSFER_KINDS),
    Index("ix_ledger_transfers_creator_at", "creator", "at"),
    Index("ix_ledger_transfers_reverses", "reverses"),
    sqlite_autoincrement=True,
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("transfer", Id, ForeignKey("ledger_transfers.id"), nullable=False),
    Column("ledger_account", String(24), nullable=False),
    Column("creator", Id, ForeignKey("creators.id")),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="> 0 debit, < 0 credit; a transfer's sum is zero"),
    one_of("ledger_account", CHART),
    CheckConstraint("amount_minor <> 0", name="amount_minor"),
    UniqueConstraint("transfer", "ledger_account", name="uq_ledger_entries_transfer"),
    Index("ix_ledger_entries_balance", "creator", "ledger_account", "currency"),
    sqlite_autoincrement=True,
)

creator_books = Table(
    "creator_books",
    metadata,
    Column("creator", Id, ForeignKey("creators.id"), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("earned_minor", BigInteger, nullable=False, comment="in a lifetime, after tax and fees, before the share"),
    comment="one row to lock per creator and currency: shares and payouts are worked out one after the other",
)

# --- what was paid, and what became of it

payments = Table(
    "payments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("ref", String(255), nullable=False),
    Column("purchase", String(64), nullable=False, index=True),
    account_column(nullable=False),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("transfer", Id, ForeignKey("ledger_transfers.id"), nullable=False),
    Column("paid_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("provider", "ref"),
    CheckConstraint("gross_minor > 0", name="gross_minor"),
    Index("ix_payments_creator_paid_at", "creator", "paid_at"),
    Index("ix_payments_account", "account"),
    sqlite_autoincrement=True,
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("ref", String(255), nullable=False),
    Column("payment", Id, ForeignKey("payments.id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False, comment="when it succeeded"),
    UniqueConstraint("provider", "ref"),
    one_of("state", ("pending", "succeeded", "failed")),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
)

refund_requests = Table(
    "refund_requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("payment", Id, ForeignKey("payments.id"), nullable=False, index=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reason", String(200), nullable=False, comment="as the payer is told it"),
    account_column("by", comment="null: from the command line"),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    comment="what was asked to be paid back here; what came of it is in refunds",
    sqlite_autoincrement=True,
)

disputes = Table(
    "disputes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("ref", String(255), nullable=False),
    Column("payment", Id, ForeignKey("payments.id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    UniqueConstraint("provider", "ref"),
    one_of("state", ("open", "won", "lost")),
)

payout_accounts = Table(
    "payout_accounts",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("creator", Id, ForeignKey("creators.id"), primary_key=True),
    Column("ref", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(200), nullable=False, server_default=""),
    Column("version", BigInteger, nullable=False, server_default="0", comment="of the newest that was told of it"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("provider", "ref"),
    one_of("state", ("pending", "ready", "restricted")),
    comment="the account with the provider that a creator is paid out to",
)

payouts = Table(
    "payouts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False, index=True),
    Column("provider", String(16), nullable=False),
    Column("transfer_ref", String(255)),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("returned_minor", BigInteger, nullable=False, server_default="0", comment="of the amount, owed again"),
    Column("reason", String(200), nullable=False, server_default=""),
    Column("key_sha256", String(64), comment="of the key that it was asked for by, so that it is planned once"),
    account_column("by", nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    one_of("state", ("planned", "submitted", "paid", "failed", "returned")),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index("uq_payouts_key", "key_sha256", unique=True),
    sqlite_autoincrement=True,
)
