"""What operators do: suspensions of creators and Spaces, platform settings, notes on reports; renewals that are stopped"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
TASK_KINDS = ("refund", "cancel", "stop", "expire", "pay_out")


def upgrade() -> None:
    op.create_table(
        "suspensions",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("account", ID, nullable=False, comment="who it is; of a Space: its creator"),
        sa.Column("space", sa.String(13), nullable=True, comment="of scope space: which"),
        sa.Column("start", TIME, nullable=False),
        sa.Column("end", TIME, nullable=True, comment="when it was lifted"),
        sa.Column("by", ID, nullable=True, comment="null: whoever has the machine"),
        sa.Column("lifted_by", ID, nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("\"scope\" IN ('account', 'creator', 'space')", name=op.f("ck_suspensions_scope")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_suspensions_account_accounts")),
        sa.ForeignKeyConstraint(["by"], ["accounts.id"], name=op.f("fk_suspensions_by_accounts")),
        sa.ForeignKeyConstraint(["lifted_by"], ["accounts.id"], name=op.f("fk_suspensions_lifted_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspensions")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_suspensions_account", "suspensions", ["account", "scope"])
    for name, columns, which in (
        ("uq_suspensions_whom", ["scope", "account"], "IS NULL"),
        ("uq_suspensions_space", ["space"], "IS NOT NULL"),
    ):
        standing = sa.text(f'"end" IS NULL AND space {which}')
        op.create_index(name, "suspensions", columns, unique=True, sqlite_where=standing, postgresql_where=standing)
    op.execute(
        "INSERT INTO suspensions (scope, account, start) "
        "SELECT 'account', id, created_at FROM accounts WHERE status = 'suspended'"
    )
    op.create_table(
        "platform_settings",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_platform_settings")),
    )
    op.add_column(
        "reports",
        sa.Column("note", sa.Text(), server_default="", nullable=False, comment="of the operator who closed it"),
    )
    _task_kinds(TASK_KINDS)


def downgrade() -> None:
    op.execute("DELETE FROM provider_tasks WHERE kind = 'stop'")
    _task_kinds(tuple(kind for kind in TASK_KINDS if kind != "stop"))
    op.drop_column("reports", "note")
    for table in ("platform_settings", "suspensions"):
        op.drop_table(table)


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
