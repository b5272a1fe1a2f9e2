"""Short sounds that hosts play into a Space"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "stingers",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False, comment="the creator in whose Spaces it is played"),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False, comment="at 48 kHz"),
        sa.Column("sound", sa.LargeBinary(), nullable=False, comment="Opus packets, each behind its length"),
        sa.Column("made_by", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_stingers_account_accounts")),
        sa.ForeignKeyConstraint(["made_by"], ["accounts.id"], name=op.f("fk_stingers_made_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stingers")),
        comment="short sounds that hosts play into a Space",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stingers_account", "stingers", ["account"])


def downgrade() -> None:
    op.drop_table("stingers")
