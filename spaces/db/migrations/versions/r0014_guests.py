"""Guests without an account of their own: what they show at the door, and of which Space"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    where = sa.Column(
        "guest_space", sa.String(13), nullable=True, comment="a guest's, who has no rights but a speaker's seat there"
    )
    op.add_column("accounts", where)
    op.add_column("accounts", sa.Column("guest_until", TIME, nullable=True))
    op.create_index(op.f("ix_accounts_guest_until"), "accounts", ["guest_until"])
    op.create_table(
        "guest_passes",
        sa.Column("account", ID, autoincrement=False, nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_guest_passes_account_accounts")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_guest_passes")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_guest_passes_token_sha256")),
        comment="what a guest without an account of his own shows at the door of one Space",
    )


def downgrade() -> None:
    # Without what makes them guests they would be accounts like others.
    op.execute("UPDATE accounts SET status = 'deleted', name = NULL WHERE guest_space IS NOT NULL")
    op.drop_table("guest_passes")
    op.drop_index(op.f("ix_accounts_guest_until"), table_name="accounts")
    op.drop_column("accounts", "guest_until")
    op.drop_column("accounts", "guest_space")
