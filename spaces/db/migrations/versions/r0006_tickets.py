"""Tickets of single Spaces, and gifts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

OF_A_SPACE = "CHECK ((source = 'ticket') = (space IS NOT NULL))"


def upgrade() -> None:
    op.create_table(
        "space_invitations",
        sa.Column("space", sa.String(length=13), nullable=False),
        sa.Column("account", ID, autoincrement=False, nullable=False),
        sa.Column("by", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_space_invitations_account_accounts")),
        sa.ForeignKeyConstraint(["by"], ["accounts.id"], name=op.f("fk_space_invitations_by_accounts")),
        sa.PrimaryKeyConstraint("space", "account", name=op.f("pk_space_invitations")),
    )
    op.create_table(
        "ticket_offers",
        sa.Column("id", ID, nullable=False),
        sa.Column("space", sa.String(length=13), nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column(
            "taken", sa.Integer(), nullable=False, comment="seats that tickets hold: paid ones and live reservations"
        ),
        sa.Column("sale_start", TIME, nullable=True),
        sa.Column("sale_end", TIME, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"state\" IN ('on_sale', 'paused', 'ended', 'cancelled')", name=op.f("ck_ticket_offers_state")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_ticket_offers_amount_minor")),
        sa.CheckConstraint(
            "sale_start IS NULL OR sale_end IS NULL OR sale_start < sale_end", name=op.f("ck_ticket_offers_sale")
        ),
        sa.CheckConstraint("taken BETWEEN 0 AND quantity", name=op.f("ck_ticket_offers_taken")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_ticket_offers_creator_creators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_offers")),
        sa.UniqueConstraint("space", name=op.f("uq_ticket_offers_space")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ticket_offers_creator"), "ticket_offers", ["creator"], unique=False)
    op.create_table(
        "gifts",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False, comment="who gives"),
        sa.Column("recipient", ID, nullable=True, comment="whom it is for; null: whoever redeems it"),
        sa.Column("creator", ID, nullable=False),
        sa.Column("tier", ID, nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False, comment="what the payer reads"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False, comment="for all its months"),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("provider_ref", sa.String(length=255), nullable=True, comment="of its checkout"),
        sa.Column(
            "checkout_url",
            sa.Text(),
            nullable=True,
            comment="where it is paid, if the provider chooses the address anew each time",
        ),
        sa.Column("payment_state", sa.String(length=16), nullable=True),
        sa.Column("checkout_expires_at", TIME, nullable=False),
        sa.Column(
            "code_sha256",
            sa.String(length=64),
            nullable=True,
            comment="of the newest redeem link; its code is kept nowhere",
        ),
        sa.Column("code_expires_at", TIME, nullable=True),
        sa.Column("redeemed_at", TIME, nullable=True),
        sa.Column("refund_asked_at", TIME, nullable=True),
        sa.Column("grant", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"payment_state\" IN ('declined', 'requires_action', 'pending')", name=op.f("ck_gifts_payment_state")
        ),
        sa.CheckConstraint(
            "\"state\" IN ('begun', 'paid', 'redeemed', 'disputed', 'refunding', 'refunded', 'void')",
            name=op.f("ck_gifts_state"),
        ),
        sa.CheckConstraint("(code_sha256 IS NULL) = (code_expires_at IS NULL)", name=op.f("ck_gifts_code")),
        sa.CheckConstraint('(redeemed_at IS NULL) = ("grant" IS NULL)', name=op.f("ck_gifts_redeemed")),
        sa.CheckConstraint("months BETWEEN 1 AND 36", name=op.f("ck_gifts_months")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_gifts_account_accounts")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_gifts_creator_creators")),
        sa.ForeignKeyConstraint(["grant"], ["grants.id"], name=op.f("fk_gifts_grant_grants")),
        sa.ForeignKeyConstraint(["recipient"], ["accounts.id"], name=op.f("fk_gifts_recipient_accounts")),
        sa.ForeignKeyConstraint(["tier"], ["tiers.id"], name=op.f("fk_gifts_tier_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gifts")),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_gifts_code_sha256")),
        sa.UniqueConstraint("grant", name=op.f("uq_gifts_grant")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_gifts_provider_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_gifts_account", "gifts", ["account"], unique=False)
    op.create_index("ix_gifts_creator", "gifts", ["creator"], unique=False)
    op.create_index("ix_gifts_recipient", "gifts", ["recipient", "creator"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("id", ID, nullable=False),
        sa.Column("offer", ID, nullable=False),
        sa.Column("account", ID, nullable=False, comment="whose it is"),
        sa.Column("payer", ID, nullable=False, comment="who bought it"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False, comment="what the payer reads"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("provider_ref", sa.String(length=255), nullable=True, comment="of its checkout"),
        sa.Column(
            "checkout_url",
            sa.Text(),
            nullable=True,
            comment="where it is paid, if the provider chooses the address anew each time",
        ),
        sa.Column(
            "payment_state",
            sa.String(length=16),
            nullable=True,
            comment="what the last try to pay ended as, while it is reserved",
        ),
        sa.Column("reserved_until", TIME, nullable=False, comment="then its checkout is to be expired"),
        sa.Column("expire_asked_at", TIME, nullable=True, comment="of the provider"),
        sa.Column("refund_asked_at", TIME, nullable=True, comment="the money is to go back whatever happens"),
        sa.Column("refund_reason", sa.String(length=16), nullable=True),
        sa.Column("grant", ID, nullable=True),
        sa.Column("admitted_at", TIME, nullable=True, comment="when it was used"),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "\"payment_state\" IN ('declined', 'requires_action', 'pending')", name=op.f("ck_tickets_payment_state")
        ),
        sa.CheckConstraint(
            "\"refund_reason\" IN ('sold_out', 'cancelled', 'ended', 'held', 'creator')",
            name=op.f("ck_tickets_refund_reason"),
        ),
        sa.CheckConstraint(
            "\"state\" IN ('reserved', 'paid', 'admitted', 'disputed', 'refunding', 'refunded', 'void')",
            name=op.f("ck_tickets_state"),
        ),
        sa.CheckConstraint("(refund_asked_at IS NULL) = (refund_reason IS NULL)", name=op.f("ck_tickets_refund")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_tickets_account_accounts")),
        sa.ForeignKeyConstraint(["grant"], ["grants.id"], name=op.f("fk_tickets_grant_grants")),
        sa.ForeignKeyConstraint(["offer"], ["ticket_offers.id"], name=op.f("fk_tickets_offer_ticket_offers")),
        sa.ForeignKeyConstraint(["payer"], ["accounts.id"], name=op.f("fk_tickets_payer_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("grant", name=op.f("uq_tickets_grant")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_tickets_provider_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tickets_account", "tickets", ["account"], unique=False)
    op.create_index("ix_tickets_offer", "tickets", ["offer", "state"], unique=False)
    op.create_index(
        "ix_tickets_reserved",
        "tickets",
        ["reserved_until"],
        unique=False,
        sqlite_where=sa.text("state = 'reserved'"),
        postgresql_where=sa.text("state = 'reserved'"),
    )
    op.create_index(
        "uq_tickets_held",
        "tickets",
        ["offer", "account"],
        unique=True,
        sqlite_where=sa.text("state IN ('reserved', 'paid', 'admitted', 'disputed')"),
        postgresql_where=sa.text("state IN ('reserved', 'paid', 'admitted', 'disputed')"),
    )
    op.execute(f"ALTER TABLE grants ADD COLUMN space VARCHAR(13) CONSTRAINT ck_grants_space {OF_A_SPACE}")


def downgrade() -> None:
    for table in ("space_invitations", "gifts", "tickets", "ticket_offers"):
        op.drop_table(table)
    op.execute("DELETE FROM grants WHERE source = 'ticket'")  # a right to one Space cannot be told without its column
    op.drop_column("grants", "space")
