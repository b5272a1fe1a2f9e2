"""Payouts come back in parts and are planned once by a key; of old issues' deliveries only their number is kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payouts",
        sa.Column(
            "returned_minor", sa.BigInteger(), server_default="0", nullable=False, comment="of the amount, owed again"
        ),
    )
    op.add_column(
        "payouts",
        sa.Column(
            "key_sha256",
            sa.String(length=64),
            nullable=True,
            comment="of the key that it was asked for by, so that it is planned once",
        ),
    )
    op.create_index("uq_payouts_key", "payouts", ["key_sha256"], unique=True)
    op.execute("UPDATE payouts SET returned_minor = amount_minor WHERE state IN ('failed', 'returned')")
    op.add_column(
        "newsletter_issues",
        sa.Column("counted", sa.JSON(), nullable=True, comment="its deliveries by state, once they are forgotten"),
    )


def downgrade() -> None:
    """What came back in part is in the books, which stay as they are."""
    op.drop_column("newsletter_issues", "counted")
    op.drop_index("uq_payouts_key", table_name="payouts")
    op.drop_column("payouts", "key_sha256")
    op.drop_column("payouts", "returned_minor")
