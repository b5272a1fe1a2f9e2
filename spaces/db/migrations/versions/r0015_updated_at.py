"""When what is set of a Space changed last"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    updated = sa.Column("updated_at", TIME, nullable=True, comment="what is set of it, or its state")
    op.add_column("spaces", updated)
    op.execute("UPDATE spaces SET updated_at = coalesce(ended_at, started_at, created_at)")
    with op.batch_alter_table("spaces") as batch:
        batch.alter_column("updated_at", existing_type=TIME, nullable=False)


def downgrade() -> None:
    op.drop_column("spaces", "updated_at")
