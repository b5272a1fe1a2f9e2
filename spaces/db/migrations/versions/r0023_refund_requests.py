"""Refunds that were asked for here, and why"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "refund_requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("payment", ID, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False, comment="as the payer is told it"),
        sa.Column("by", ID, comment="null: from the command line"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_requests_amount_minor")),
        sa.ForeignKeyConstraint(["payment"], ["payments.id"], name=op.f("fk_refund_requests_payment_payments")),
        sa.ForeignKeyConstraint(["by"], ["accounts.id"], name=op.f("fk_refund_requests_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_requests")),
        comment="what was asked to be paid back here; what came of it is in refunds",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_refund_requests_payment"), "refund_requests", ["payment"])


def downgrade() -> None:
    op.drop_table("refund_requests")
