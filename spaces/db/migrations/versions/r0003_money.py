"""The books, and the whole life of a subscription"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

APPENDED_TO = ("ledger_transfers", "ledger_entries")
REFERENCES = (
    ("subscriptions", "coupon", "coupons"),
    ("subscriptions", "next_price", "tier_prices"),
    ("paid_periods", "price", "tier_prices"),
    ("paid_periods", "payment", "payments"),
)
PAYMENT_STATES = "CHECK (payment_state IN ('declined', 'requires_action', 'pending'))"


def upgrade() -> None:
    op.create_table(
        "money_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "ahead_seconds",
            sa.BigInteger(),
            nullable=False,
            comment="how far the clock of test money is ahead of the real one",
        ),
        sa.CheckConstraint("ahead_seconds >= 0", name=op.f("ck_money_clock_forward")),
        sa.CheckConstraint("id = 1", name=op.f("ck_money_clock_only")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_clock")),
    )
    op.create_table(
        "pending_facts",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=255), nullable=False),
        sa.Column("needs", sa.String(length=300), nullable=False, comment="what it tells of and is not known yet"),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_facts")),
        sa.UniqueConstraint("provider", "event", name=op.f("uq_pending_facts_provider")),
    )
    op.create_index(op.f("ix_pending_facts_needs"), "pending_facts", ["needs"], unique=False)
    op.create_table(
        "provider_tasks",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False, comment="the idempotency key of the request"),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False, comment="the provider's name of the object"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("error", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"kind\" IN ('refund', 'cancel', 'expire', 'pay_out')", name=op.f("ck_provider_tasks_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_tasks")),
        sa.UniqueConstraint("key", name=op.f("uq_provider_tasks_key")),
    )
    op.create_index(
        "ix_provider_tasks_due",
        "provider_tasks",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "test_agreements",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="embedded_agreements.Agreement as JSON"),
        sa.Column(
            "due_at", TIME, nullable=True, comment="when something happens to it by the clock; null: never again"
        ),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_test_agreements")),
    )
    op.create_index(op.f("ix_test_agreements_due_at"), "test_agreements", ["due_at"], unique=False)
    op.create_table(
        "test_checkouts",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("agreement", sa.String(length=64), nullable=True),
        sa.Column("payment", sa.String(length=64), nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("pays_at", TIME, nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"state\" IN ('open', 'declined', 'requires_action', 'pending', 'expired', 'paid')",
            name=op.f("ck_test_checkouts_state"),
        ),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_test_checkouts")),
        sa.UniqueConstraint("key", name=op.f("uq_test_checkouts_key")),
    )
    op.create_index(op.f("ix_test_checkouts_pays_at"), "test_checkouts", ["pays_at"], unique=False)
    op.create_table(
        "test_objects",
        sa.Column("id", ID, nullable=False),
        sa.Column(
            "key", sa.String(length=200), nullable=False, comment="the idempotency key of the request that made them"
        ),
        sa.Column("facts", sa.Text(), nullable=False, comment="what was answered, to be said again"),
        sa.Column("subject", sa.String(length=255), nullable=False, comment="the object that they are about"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("told_at", TIME, nullable=True, comment="when they were taken into our rows, as from a webhook"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_objects")),
        sa.UniqueConstraint("key", name=op.f("uq_test_objects_key")),
    )
    op.create_index(op.f("ix_test_objects_subject"), "test_objects", ["subject"], unique=False)
    op.create_index(
        "ix_test_objects_untold",
        "test_objects",
        ["id"],
        unique=False,
        sqlite_where=sa.text("told_at IS NULL"),
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="null: under way"),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("location", sa.String(length=300), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_idempotency_keys_account_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("account", "key", name=op.f("uq_idempotency_keys_account")),
        info={"on_deletion": "erase"},
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "creator_books",
        sa.Column("creator", ID, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "earned_minor",
            sa.BigInteger(),
            nullable=False,
            comment="in a lifetime, after tax and fees, before the share",
        ),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_creator_books_creator_creators")),
        sa.PrimaryKeyConstraint("creator", "currency", name=op.f("pk_creator_books")),
        comment="one row to lock per creator and currency: shares and payouts are worked out one after the other",
    )
    op.create_table(
        "ledger_transfers",
        sa.Column("id", ID, nullable=False),
        sa.Column(
            "key", sa.String(length=255), nullable=False, comment="idempotency key: what is posted twice is there once"
        ),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("creator", ID, nullable=True),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("purchase", sa.String(length=64), nullable=True, comment="what was paid for, as subscription:17"),
        sa.Column("reverses", ID, nullable=True, comment="the charge that this takes back or restores"),
        sa.Column("at", TIME, nullable=False, comment="when it became so, by the provider's clock"),
        sa.Column("body", sa.JSON(), nullable=False, comment="the terms it was divided under"),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"kind\" IN ('charge', 'refund', 'refund_failed', 'dispute_opened', 'dispute_won', "
            "'dispute_lost', 'payout', 'payout_paid', 'payout_returned', 'adjustment')",
            name=op.f("ck_ledger_transfers_kind"),
        ),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_ledger_transfers_creator_creators")),
        sa.ForeignKeyConstraint(
            ["reverses"], ["ledger_transfers.id"], name=op.f("fk_ledger_transfers_reverses_ledger_transfers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_transfers_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_transfers_creator_at", "ledger_transfers", ["creator", "at"], unique=False)
    op.create_index("ix_ledger_transfers_reverses", "ledger_transfers", ["reverses"], unique=False)
    op.create_table(
        "payouts",
        sa.Column("id", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("transfer_ref", sa.String(length=255), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("by", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"state\" IN ('planned', 'submitted', 'paid', 'failed', 'returned')", name=op.f("ck_payouts_state")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payouts_amount_minor")),
        sa.ForeignKeyConstraint(["by"], ["accounts.id"], name=op.f("fk_payouts_by_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_payouts_creator_creators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_payouts_creator"), "payouts", ["creator"], unique=False)
    op.create_table(
        "coupons",
        sa.Column("id", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("code_key", sa.String(length=64), nullable=False, comment="lower case"),
        sa.Column("percent_off_bp", sa.Integer(), nullable=True),
        sa.Column("amount_off_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("duration", sa.String(length=8), nullable=False),
        sa.Column("months", sa.Integer(), nullable=True),
        sa.Column("tier", ID, nullable=True),
        sa.Column("redemptions_max", sa.Integer(), nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("archived_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("(duration = 'months') = (months IS NOT NULL)", name=op.f("ck_coupons_months")),
        sa.CheckConstraint("\"duration\" IN ('once', 'months', 'forever')", name=op.f("ck_coupons_duration")),
        sa.CheckConstraint("(amount_off_minor IS NULL) = (currency IS NULL)", name=op.f("ck_coupons_currency")),
        sa.CheckConstraint("(percent_off_bp IS NULL) <> (amount_off_minor IS NULL)", name=op.f("ck_coupons_off")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_coupons_creator_creators")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_coupons_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
        sa.UniqueConstraint("creator", "code_key", name=op.f("uq_coupons_creator")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("transfer", ID, nullable=False),
        sa.Column("ledger_account", sa.String(length=24), nullable=False),
        sa.Column("creator", ID, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "amount_minor", sa.BigInteger(), nullable=False, comment="> 0 debit, < 0 credit; a transfer's sum is zero"
        ),
        sa.CheckConstraint(
            "\"ledger_account\" IN ('provider_clearing', 'processor_fees', 'taxes', 'platform_share', "
            "'creator_balance', 'creator_hold', 'payouts_in_transit', 'deposits')",
            name=op.f("ck_ledger_entries_ledger_account"),
        ),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_ledger_entries_amount_minor")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_ledger_entries_creator_creators")),
        sa.ForeignKeyConstraint(
            ["transfer"], ["ledger_transfers.id"], name=op.f("fk_ledger_entries_transfer_ledger_transfers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("transfer", "ledger_account", name="uq_ledger_entries_transfer"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_ledger_entries_balance", "ledger_entries", ["creator", "ledger_account", "currency"], unique=False
    )
    op.create_table(
        "payments",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("purchase", sa.String(length=64), nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("transfer", ID, nullable=False),
        sa.Column("paid_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("gross_minor > 0", name=op.f("ck_payments_gross_minor")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_payments_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_payments_creator_creators")),
        sa.ForeignKeyConstraint(
            ["transfer"], ["ledger_transfers.id"], name=op.f("fk_payments_transfer_ledger_transfers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("provider", "ref", name=op.f("uq_payments_provider")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_payments_account", "payments", ["account"], unique=False)
    op.create_index("ix_payments_creator_paid_at", "payments", ["creator", "paid_at"], unique=False)
    op.create_index(op.f("ix_payments_purchase"), "payments", ["purchase"], unique=False)
    op.create_table(
        "disputes",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("payment", ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.CheckConstraint("\"state\" IN ('open', 'won', 'lost')", name=op.f("ck_disputes_state")),
        sa.ForeignKeyConstraint(["payment"], ["payments.id"], name=op.f("fk_disputes_payment_payments")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("provider", "ref", name=op.f("uq_disputes_provider")),
    )
    op.create_index(op.f("ix_disputes_payment"), "disputes", ["payment"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("payment", ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", TIME, nullable=False, comment="when it succeeded"),
        sa.CheckConstraint("\"state\" IN ('pending', 'succeeded', 'failed')", name=op.f("ck_refunds_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount_minor")),
        sa.ForeignKeyConstraint(["payment"], ["payments.id"], name=op.f("fk_refunds_payment_payments")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("provider", "ref", name=op.f("uq_refunds_provider")),
    )
    op.create_index(op.f("ix_refunds_payment"), "refunds", ["payment"], unique=False)
    op.create_table(
        "unpaid_invoices",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("subscription", ID, nullable=False),
        sa.Column("period_start", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failed_at", TIME, nullable=False, comment="the last time"),
        sa.Column("paid_at", TIME, nullable=True, comment="after all; paid for good, whatever is told of it later"),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscriptions.id"], name=op.f("fk_unpaid_invoices_subscription_subscriptions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unpaid_invoices")),
        sa.UniqueConstraint("provider", "ref", name=op.f("uq_unpaid_invoices_provider")),
    )
    op.create_index(op.f("ix_unpaid_invoices_subscription"), "unpaid_invoices", ["subscription"], unique=False)

    for column in (
        sa.Column("agreement_ref", sa.String(length=255), nullable=True),
        sa.Column("trial_days", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("fact_order", sa.String(length=300), nullable=False, server_default=""),
    ):
        op.add_column("subscriptions", column)
    op.add_column("tiers", sa.Column("trial_days", sa.Integer(), nullable=False, server_default="0"))
    integer = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    for table, name, referred in REFERENCES:  # in SQL, for Alembic would make the table anew on SQLite
        constraint = f"CONSTRAINT fk_{table}_{name}_{referred} REFERENCES {referred} (id)"
        op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {integer} {constraint}")
    op.execute(
        "ALTER TABLE subscriptions ADD COLUMN payment_state VARCHAR(16) "
        f"CONSTRAINT ck_subscriptions_payment_state {PAYMENT_STATES}"
    )
    op.create_index("uq_subscriptions_agreement_ref", "subscriptions", ["agreement_ref"], unique=True)
    op.create_index("ix_paid_periods_payment", "paid_periods", ["payment"], unique=False)
    forbid_changes()


def forbid_changes() -> None:
    """What is in the books stays there: a mistake is put right by a transfer that takes it back."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPENDED_TO:
            for event in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is only appended to'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is only appended to', TG_TABLE_NAME; END $$"
    )
    for table in APPENDED_TO:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_index("ix_paid_periods_payment", table_name="paid_periods")
    op.drop_index("uq_subscriptions_agreement_ref", table_name="subscriptions")
    op.drop_column("subscriptions", "payment_state")
    for table, name, _ in reversed(REFERENCES):
        op.drop_column(table, name)
    op.drop_column("tiers", "trial_days")
    for name in ("fact_order", "revoked_at", "trial_days", "agreement_ref"):
        op.drop_column("subscriptions", name)
    for table in APPENDED_TO if op.get_bind().dialect.name == "sqlite" else ():
        for event in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{event}")
    for table in (
        "unpaid_invoices",
        "refunds",
        "disputes",
        "payments",
        "ledger_entries",
        "coupons",
        "payouts",
        "ledger_transfers",
        "creator_books",
        "idempotency_keys",
        "test_objects",
        "test_checkouts",
        "test_agreements",
        "provider_tasks",
        "pending_facts",
        "money_clock",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
