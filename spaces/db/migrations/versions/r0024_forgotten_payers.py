"""Whoever is deleted is forgotten by the payment provider too: one more kind of task"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
TASK_KINDS = ("refund", "cancel", "stop", "expire", "pay_out", "forget")


def upgrade() -> None:
    _task_kinds(TASK_KINDS)


def downgrade() -> None:
    op.execute("DELETE FROM provider_tasks WHERE kind = 'forget'")
    _task_kinds(tuple(kind for kind in TASK_KINDS if kind != "forget"))


def _task_kinds(kinds: tuple[str, ...]) -> None:
    """SQLite changes no constraint of a table that is there, so a new one takes its place."""
    name = op.f("ck_provider_tasks_kind")
    condition = f'"kind" IN ({", ".join(map(repr, kinds))})'
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(name, "provider_tasks", type_="check")
        op.create_check_constraint(name, "provider_tasks", condition)
        return
    table = sa.Table(
        "provider_tasks",
        sa.MetaData(),
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("provider", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("error", sa.String(200), server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_tasks")),
        sa.UniqueConstraint("key", name=op.f("uq_provider_tasks_key")),
        sa.Index("ix_provider_tasks_due", "due_at", sqlite_where=sa.text("done_at IS NULL")),
    )
    with op.batch_alter_table("provider_tasks", copy_from=table, recreate="always") as batch:
        batch.create_check_constraint(name, sa.text(condition))
