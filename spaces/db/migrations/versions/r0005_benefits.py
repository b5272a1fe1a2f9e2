"""Newsletters, merchandise codes, communities"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mail_bounces",
        sa.Column("address_sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint("\"kind\" IN ('bounce', 'complaint')", name=op.f("ck_mail_bounces_kind")),
        sa.PrimaryKeyConstraint("address_sha256", name=op.f("pk_mail_bounces")),
    )
    op.create_table(
        "creator_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.CheckConstraint("\"scope\" IN ('merch')", name=op.f("ck_creator_keys_scope")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_creator_keys_creator_creators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_creator_keys")),
    )
    op.create_index(op.f("ix_creator_keys_creator"), "creator_keys", ["creator"], unique=False)
    op.create_table(
        "mail_consents",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("address_sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False, comment="where consent was given, as evidence"),
        sa.Column("given_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True, comment="when a link sent to the address was followed"),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.Column("withdrawn_by", sa.String(length=16), nullable=True),
        sa.CheckConstraint(
            "\"withdrawn_by\" IN ('account', 'link', 'one_click', 'complaint', 'replaced')",
            name=op.f("ck_mail_consents_withdrawn_by"),
        ),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name=op.f("ck_mail_consents_withdrawn")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_mail_consents_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_mail_consents_creator_creators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_consents")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_mail_consents_address_sha256"), "mail_consents", ["address_sha256"], unique=False)
    op.create_index("ix_mail_consents_creator", "mail_consents", ["creator"], unique=False)
    op.create_index(
        "uq_mail_consents_standing",
        "mail_consents",
        ["account", "creator"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "newsletter_issues",
        sa.Column("id", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column(
            "tiers",
            sa.JSON(),
            nullable=False,
            comment="of whose holders it goes to; empty: of every tier with the benefit",
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True, comment="when sending was asked for"),
        sa.Column("finished_at", TIME, nullable=True),
        sa.CheckConstraint(
            "\"state\" IN ('draft', 'sending', 'sent', 'stopped')", name=op.f("ck_newsletter_issues_state")
        ),
        sa.ForeignKeyConstraint(["author"], ["accounts.id"], name=op.f("fk_newsletter_issues_author_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_newsletter_issues_creator_creators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newsletter_issues")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_newsletter_issues_creator", "newsletter_issues", ["creator", "id"], unique=False)
    op.create_index(
        "ix_newsletter_issues_sending",
        "newsletter_issues",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_table(
        "communities",
        sa.Column("id", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("joining", sa.String(length=8), nullable=False),
        sa.Column("tier", ID, nullable=True, comment="joining = tier: who has a right to that level is a member"),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.CheckConstraint("(joining = 'tier') = (tier IS NOT NULL)", name=op.f("ck_communities_tier")),
        sa.CheckConstraint("\"joining\" IN ('open', 'request', 'invite', 'tier')", name=op.f("ck_communities_joining")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_communities_creator_creators")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_communities_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_communities")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_communities_creator"), "communities", ["creator"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("issue", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True, comment="why it was skipped, or how it failed"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", TIME, nullable=False, comment="not to be tried before"),
        sa.Column("claimed_at", TIME, nullable=True),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("address_sha256", sa.String(length=64), nullable=True, comment="where it went, for bounces"),
        sa.CheckConstraint(
            "\"state\" IN ('queued', 'claimed', 'sent', 'refused', 'unknown', 'failed', 'skipped')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_deliveries_account_accounts")),
        sa.ForeignKeyConstraint(
            ["issue"], ["newsletter_issues.id"], name=op.f("fk_deliveries_issue_newsletter_issues")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("issue", "account", name="uq_deliveries_issue_account"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_state", "deliveries", ["issue", "state", "due_at"], unique=False)
    op.create_table(
        "merch_codes",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("tier", ID, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("redeemed_at", TIME, nullable=True),
        sa.Column("redeemed_by", sa.String(length=32), nullable=True),
        sa.Column(
            "order_ref", sa.String(length=100), nullable=True, comment="the shop's: the same order may be told twice"
        ),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.CheckConstraint("(state = 'redeemed') = (redeemed_at IS NOT NULL)", name=op.f("ck_merch_codes_redeemed")),
        sa.CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name=op.f("ck_merch_codes_revoked")),
        sa.CheckConstraint("\"state\" IN ('issued', 'redeemed', 'revoked')", name=op.f("ck_merch_codes_state")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_merch_codes_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_merch_codes_creator_creators")),
        sa.ForeignKeyConstraint(
            ["redeemed_by"], ["creator_keys.id"], name=op.f("fk_merch_codes_redeemed_by_creator_keys")
        ),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_merch_codes_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merch_codes")),
        sa.UniqueConstraint("code", name=op.f("uq_merch_codes_code")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_merch_codes_account_creator", "merch_codes", ["account", "creator"], unique=False)
    op.create_index("ix_merch_codes_creator", "merch_codes", ["creator", "state"], unique=False)
    op.create_table(
        "merch_discounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("tier", ID, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("codes_per_month_max", sa.Integer(), nullable=False),
        sa.Column("start", TIME, nullable=False),
        sa.Column("end", TIME, nullable=True),
        sa.CheckConstraint("codes_per_month_max BETWEEN 1 AND 100", name=op.f("ck_merch_discounts_codes")),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name=op.f("ck_merch_discounts_percent")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_merch_discounts_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merch_discounts")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_merch_discounts_running",
        "merch_discounts",
        ["tier"],
        unique=True,
        sqlite_where=sa.text('"end" IS NULL'),
        postgresql_where=sa.text('"end" IS NULL'),
    )
    op.create_table(
        "community_members",
        sa.Column("community", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=True, comment="the version accepted last"),
        sa.Column("rules_accepted_at", TIME, nullable=True),
        sa.Column("since", TIME, nullable=False, comment="when this state began"),
        sa.CheckConstraint("role = 'member' OR state = 'active'", name=op.f("ck_community_members_office")),
        sa.CheckConstraint(
            "state <> 'active' OR rules_version IS NOT NULL", name=op.f("ck_community_members_accepted")
        ),
        sa.CheckConstraint("\"role\" IN ('admin', 'moderator', 'member')", name=op.f("ck_community_members_role")),
        sa.CheckConstraint(
            "\"state\" IN ('requested', 'invited', 'active', 'left', 'removed', 'declined')",
            name=op.f("ck_community_members_state"),
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_community_members_account_accounts")),
        sa.ForeignKeyConstraint(
            ["community"], ["communities.id"], name=op.f("fk_community_members_community_communities")
        ),
        sa.PrimaryKeyConstraint("community", "account", name=op.f("pk_community_members")),
    )
    op.create_index("ix_community_members_account", "community_members", ["account"], unique=False)
    op.create_index("ix_community_members_state", "community_members", ["community", "state", "account"], unique=False)
    op.create_table(
        "community_rules",
        sa.Column("community", ID, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["community"], ["communities.id"], name=op.f("fk_community_rules_community_communities")
        ),
        sa.PrimaryKeyConstraint("community", "version", name=op.f("pk_community_rules")),
    )
    op.add_column("bans", sa.Column("community", ID, nullable=True))


def downgrade() -> None:

    op.drop_column("bans", "community")
    op.drop_table("community_rules")
    op.drop_index("ix_community_members_state", table_name="community_members")
    op.drop_index("ix_community_members_account", table_name="community_members")
    op.drop_table("community_members")
    op.drop_index(
        "uq_merch_discounts_running",
        table_name="merch_discounts",
        sqlite_where=sa.text('"end" IS NULL'),
        postgresql_where=sa.text('"end" IS NULL'),
    )
    op.drop_table("merch_discounts")
    op.drop_index("ix_merch_codes_creator", table_name="merch_codes")
    op.drop_index("ix_merch_codes_account_creator", table_name="merch_codes")
    op.drop_table("merch_codes")
    op.drop_index("ix_deliveries_state", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index(op.f("ix_communities_creator"), table_name="communities")
    op.drop_table("communities")
    op.drop_index(
        "ix_newsletter_issues_sending",
        table_name="newsletter_issues",
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.drop_index("ix_newsletter_issues_creator", table_name="newsletter_issues")
    op.drop_table("newsletter_issues")
    op.drop_index(
        "uq_mail_consents_standing",
        table_name="mail_consents",
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.drop_index("ix_mail_consents_creator", table_name="mail_consents")
    op.drop_index(op.f("ix_mail_consents_address_sha256"), table_name="mail_consents")
    op.drop_table("mail_consents")
    op.drop_index(op.f("ix_creator_keys_creator"), table_name="creator_keys")
    op.drop_table("creator_keys")
    op.drop_table("mail_bounces")
