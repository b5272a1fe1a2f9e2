"""The rows of money and rights: accounts, creators, tiers, subscriptions, grants, bans, admissions, outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=True),
        sa.Column("creator", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_log_account"), "audit_log", ["account"], unique=False)
    op.create_index(op.f("ix_audit_log_creator"), "audit_log", ["creator"], unique=False)
    op.create_table(
        "benefits",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_benefits")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "integrations",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrations")),
        sa.UniqueConstraint("name", name=op.f("uq_integrations_name")),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.Column("creator", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_created_at"), "outbox", ["created_at"], unique=False)
    op.create_table(
        "used_join_tokens",
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_used_join_tokens")),
    )
    op.create_index(op.f("ix_used_join_tokens_expires_at"), "used_join_tokens", ["expires_at"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("integration", ID, nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("handle", sa.String(length=64), nullable=True),
        sa.Column("handle_key", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("\"status\" IN ('active', 'suspended', 'deleted')", name=op.f("ck_accounts_status")),
        sa.ForeignKeyConstraint(
            ["integration"], ["integrations.id"], name=op.f("fk_accounts_integration_integrations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("handle_key", name=op.f("uq_accounts_handle_key")),
        sa.UniqueConstraint("integration", "subject", name=op.f("uq_accounts_integration")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("integration", ID, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["integration"], ["integrations.id"], name=op.f("fk_api_keys_integration_integrations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "admissions",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=True),
        sa.Column("creator", ID, nullable=False),
        sa.Column("space", sa.String(length=13), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=True),
        sa.Column("policies", sa.JSON(), nullable=False),
        sa.Column("grants", sa.JSON(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("not_after", TIME, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.CheckConstraint("\"state\" IN ('pending', 'seated', 'left', 'evicted')", name=op.f("ck_admissions_state")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_admissions_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["accounts.id"], name=op.f("fk_admissions_creator_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admissions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_admissions_live",
        "admissions",
        ["space"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "bans",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("creator", ID, nullable=True),
        sa.Column("space", sa.String(length=13), nullable=True),
        sa.Column("start", TIME, nullable=False),
        sa.Column("end", TIME, nullable=True),
        sa.Column("by", ID, nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("scope <> 'space' OR space IS NOT NULL", name=op.f("ck_bans_space")),
        sa.CheckConstraint("scope = 'platform' OR creator IS NOT NULL", name=op.f("ck_bans_enclosing")),
        sa.CheckConstraint("\"scope\" IN ('platform', 'creator', 'community', 'space')", name=op.f("ck_bans_scope")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_bans_account_accounts")),
        sa.ForeignKeyConstraint(["by"], ["accounts.id"], name=op.f("fk_bans_by_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["accounts.id"], name=op.f("fk_bans_creator_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bans")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_bans_account_creator", "bans", ["account", "creator"], unique=False)
    op.create_table(
        "creators",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("\"kind\" IN ('person', 'publication')", name=op.f("ck_creators_kind")),
        sa.ForeignKeyConstraint(["id"], ["accounts.id"], name=op.f("fk_creators_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_creators")),
    )
    op.create_table(
        "epochs",
        sa.Column("account", ID, autoincrement=False, nullable=False),
        sa.Column("creator", ID, autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_epochs_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["accounts.id"], name=op.f("fk_epochs_creator_accounts")),
        sa.PrimaryKeyConstraint("account", "creator", name=op.f("pk_epochs")),
    )
    op.create_table(
        "creator_members",
        sa.Column("creator", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("\"role\" IN ('owner', 'editor', 'host', 'finance')", name=op.f("ck_creator_members_role")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_creator_members_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_creator_members_creator_creators")),
        sa.PrimaryKeyConstraint("creator", "account", name=op.f("pk_creator_members")),
    )
    op.create_table(
        "tiers",
        sa.Column("id", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("\"state\" IN ('draft', 'published', 'archived')", name=op.f("ck_tiers_state")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_tiers_creator_creators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tiers")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tiers_creator"), "tiers", ["creator"], unique=False)
    op.create_table(
        "tier_benefits",
        sa.Column("id", ID, nullable=False),
        sa.Column("tier", ID, nullable=False),
        sa.Column("benefit", sa.String(length=64), nullable=False),
        sa.Column("start", TIME, nullable=False),
        sa.Column("end", TIME, nullable=True),
        sa.ForeignKeyConstraint(["benefit"], ["benefits.name"], name=op.f("fk_tier_benefits_benefit_benefits")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_tier_benefits_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_benefits")),
    )
    op.create_index(op.f("ix_tier_benefits_tier"), "tier_benefits", ["tier"], unique=False)
    op.create_table(
        "tier_prices",
        sa.Column("id", ID, nullable=False),
        sa.Column("tier", ID, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("interval", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("\"interval\" IN ('month', 'year')", name=op.f("ck_tier_prices_interval")),
        sa.CheckConstraint("\"state\" IN ('draft', 'published', 'archived')", name=op.f("ck_tier_prices_state")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_tier_prices_amount_minor")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_tier_prices_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_prices")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_tier_prices_on_sale",
        "tier_prices",
        ["tier", "currency", "interval"],
        unique=True,
        sqlite_where=sa.text("state = 'published'"),
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("tier", ID, nullable=False),
        sa.Column("price", ID, nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("provider_ref", sa.String(length=255), nullable=True),
        sa.Column("checkout_expires_at", TIME, nullable=True),
        sa.Column("cancel_at_period_end", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"status\" IN ('incomplete', 'incomplete_expired', "
            "'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled')",
            name=op.f("ck_subscriptions_status"),
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_subscriptions_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_subscriptions_creator_creators")),
        sa.ForeignKeyConstraint(["price"], ["tier_prices.id"], name=op.f("fk_subscriptions_price_tier_prices")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_subscriptions_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_subscriptions_provider_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscriptions_account_creator", "subscriptions", ["account", "creator"], unique=False)
    op.create_index("ix_subscriptions_creator", "subscriptions", ["creator"], unique=False)
    op.create_index(
        "uq_subscriptions_live",
        "subscriptions",
        ["account", "creator"],
        unique=True,
        sqlite_where=sa.text("status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused')"),
        postgresql_where=sa.text("status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused')"),
    )
    op.create_table(
        "paid_periods",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscription", ID, nullable=False),
        sa.Column("invoice_ref", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("start", TIME, nullable=False),
        sa.Column("end", TIME, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("voided_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("\"kind\" IN ('paid', 'trial')", name=op.f("ck_paid_periods_kind")),
        sa.CheckConstraint('start < "end"', name=op.f("ck_paid_periods_dates")),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscriptions.id"], name=op.f("fk_paid_periods_subscription_subscriptions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paid_periods")),
        sa.UniqueConstraint("invoice_ref", name=op.f("uq_paid_periods_invoice_ref")),
    )
    op.create_index(op.f("ix_paid_periods_subscription"), "paid_periods", ["subscription"], unique=False)
    op.create_table(
        "grants",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("tier", ID, nullable=True),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("period", ID, nullable=True),
        sa.Column("start", TIME, nullable=False),
        sa.Column("end", TIME, nullable=True),
        sa.Column("grace_end", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("source <> 'period' OR period IS NOT NULL", name=op.f("ck_grants_proof")),
        sa.CheckConstraint("\"end\" IS NOT NULL OR source IN ('comp', 'role')", name=op.f("ck_grants_endless")),
        sa.CheckConstraint("\"source\" IN ('period', 'ticket', 'comp', 'gift', 'role')", name=op.f("ck_grants_source")),
        sa.CheckConstraint(
            'grace_end IS NULL OR ("end" IS NOT NULL AND grace_end >= "end")', name=op.f("ck_grants_grace")
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_grants_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_grants_creator_creators")),
        sa.ForeignKeyConstraint(["period"], ["paid_periods.id"], name=op.f("fk_grants_period_paid_periods")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_grants_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("period", name=op.f("uq_grants_period")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_grants_account_creator", "grants", ["account", "creator"], unique=False)
    op.create_index("ix_grants_creator", "grants", ["creator"], unique=False)


def downgrade() -> None:
    for table in (
        "grants",
        "paid_periods",
        "subscriptions",
        "tier_prices",
        "tier_benefits",
        "tiers",
        "creator_members",
        "epochs",
        "creators",
        "bans",
        "admissions",
        "api_keys",
        "accounts",
        "used_join_tokens",
        "outbox",
        "integrations",
        "counters",
        "benefits",
        "audit_log",
    ):
        op.drop_table(table)
