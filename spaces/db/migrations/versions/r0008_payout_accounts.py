"""Accounts that creators are paid out to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payout_accounts",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column(
            "version", sa.BigInteger(), server_default="0", nullable=False, comment="of the newest that was told of it"
        ),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint("\"state\" IN ('pending', 'ready', 'restricted')", name=op.f("ck_payout_accounts_state")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_payout_accounts_creator_creators")),
        sa.PrimaryKeyConstraint("provider", "creator", name=op.f("pk_payout_accounts")),
        sa.UniqueConstraint("provider", "ref", name=op.f("uq_payout_accounts_provider")),
        comment="the account with the provider that a creator is paid out to",
    )


def downgrade() -> None:
    op.drop_table("payout_accounts")
