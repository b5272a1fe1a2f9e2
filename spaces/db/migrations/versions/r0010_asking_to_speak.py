"""Who comes in by a tier could ask to speak until now; tiers say so themselves from here on"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO benefits (name) VALUES ('space.speak') ON CONFLICT (name) DO NOTHING")
    op.execute(
        'INSERT INTO tier_benefits (tier, benefit, start, "end") '
        "SELECT j.tier, 'space.speak', j.start, j.\"end\" FROM tier_benefits j WHERE j.benefit = 'space.join' "
        "AND NOT EXISTS (SELECT 1 FROM tier_benefits s WHERE s.tier = j.tier AND s.benefit = 'space.speak')"
    )


def downgrade() -> None:
    """What tiers give stays as it is: nobody asks for it there."""
