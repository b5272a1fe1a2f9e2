"""What creators say of themselves"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("creators", sa.Column("about", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("creators", "about")
