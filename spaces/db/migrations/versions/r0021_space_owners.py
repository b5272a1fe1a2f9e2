"""Which node of several has a Space, by its fencing number"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "space_owners",
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False, comment="of whoever has it, or had it last"),
        sa.Column("node", sa.String(100), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), comment="he has said that he is gone"),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_space_owners_space_spaces")),
        sa.PrimaryKeyConstraint("space", name=op.f("pk_space_owners")),
        comment="which node of several has a Space: whoever has a smaller number has it no more",
    )


def downgrade() -> None:
    op.drop_table("space_owners")
