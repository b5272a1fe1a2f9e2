"""Reminders of scheduled Spaces, and what became of each word of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reminders",
        sa.Column("id", ID, nullable=False),
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False, comment="by mail too; else on the page only"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_reminders_account_accounts")),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_reminders_space_spaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("space", "account", name="uq_reminders_space_account"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reminders_account", "reminders", ["account", "withdrawn_at"])
    op.create_table(
        "reminder_notices",
        sa.Column("id", ID, nullable=False),
        sa.Column("reminder", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="of the Space's schedule"),
        sa.Column("starts_at", TIME, nullable=True, comment="as it is told"),
        sa.Column("was_at", TIME, nullable=True, comment="moved: the start before"),
        sa.Column("due_at", TIME, nullable=True, comment="not to be told before; null: when it is live"),
        sa.Column("state", sa.String(16), server_default="queued", nullable=False, comment="of the mail"),
        sa.Column("reason", sa.String(32), nullable=True, comment="why it was skipped, or how it failed"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_at", TIME, nullable=True),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("address_sha256", sa.String(64), nullable=True, comment="where it went, for bounces"),
        sa.Column("seen_at", TIME, nullable=True, comment="on the page"),
        sa.CheckConstraint("\"kind\" IN ('begins', 'moved', 'cancelled')", name=op.f("ck_reminder_notices_kind")),
        sa.CheckConstraint(
            "\"state\" IN ('queued', 'claimed', 'sent', 'refused', 'unknown', 'failed', 'skipped')",
            name=op.f("ck_reminder_notices_state"),
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_reminder_notices_account_accounts")),
        sa.ForeignKeyConstraint(["reminder"], ["reminders.id"], name=op.f("fk_reminder_notices_reminder_reminders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_notices")),
        sa.UniqueConstraint("reminder", "kind", "sequence", name="uq_reminder_notices_reminder_kind_sequence"),
        comment="each told at most once by mail and once on the page",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reminder_notices_state_due_at", "reminder_notices", ["state", "due_at"])
    op.create_index("ix_reminder_notices_account", "reminder_notices", ["account", "seen_at"])


def downgrade() -> None:
    op.drop_table("reminder_notices")
    op.drop_table("reminders")
