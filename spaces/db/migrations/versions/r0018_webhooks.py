"""Webhooks to integrators: endpoints, messages, deliveries, queues; and of whom it has been told that he is inside"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", ID, nullable=False),
        sa.Column("integration", ID, nullable=True, comment="whose creators' events; null: everybody's"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False, comment="space.started, subscription.* …; empty: all"),
        sa.Column("description", sa.String(100), server_default="", nullable=False),
        sa.Column("secret", sa.String(100), nullable=False, comment="in clear: it signs"),
        sa.Column("former_secret", sa.String(100), nullable=True, comment="signs too, until former_until"),
        sa.Column("former_until", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.Column("disabled_why", sa.String(16), nullable=True, comment="asked, or gone: it has answered 410"),
        sa.Column("failing_since", TIME, nullable=True, comment="null: the last attempt went well"),
        sa.Column("last_error", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(
            ["integration"], ["integrations.id"], name=op.f("fk_webhook_endpoints_integration_integrations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "webhook_messages",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="order of commits"),
        sa.Column("id", sa.String(40), nullable=False, comment="the event's stable id"),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column(
            "queue", sa.String(48), nullable=False, comment="what it is ordered with: a Space, or a pair of accounts"
        ),
        sa.Column("body", sa.JSON(), nullable=False, comment="accounts by their ids alone"),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_webhook_messages")),
        sa.UniqueConstraint("id", name=op.f("uq_webhook_messages_id")),
    )
    op.create_index("ix_webhook_messages_created_at", "webhook_messages", ["created_at"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("endpoint", ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("queue", sa.String(48), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("give_up_at", TIME, nullable=False, comment="dead from then on"),
        sa.Column("last_at", TIME, nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True, comment="of HTTP"),
        sa.Column("last_error", sa.String(64), nullable=True),
        sa.Column("done_at", TIME, nullable=True, comment="delivered, or given up"),
        sa.CheckConstraint("\"state\" IN ('waiting', 'delivered', 'dead')", name=op.f("ck_webhook_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["endpoint"], ["webhook_endpoints.id"], name=op.f("fk_webhook_deliveries_endpoint_webhook_endpoints")
        ),
        sa.ForeignKeyConstraint(
            ["seq"], ["webhook_messages.seq"], name=op.f("fk_webhook_deliveries_seq_webhook_messages")
        ),
        sa.PrimaryKeyConstraint("endpoint", "seq", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        "ix_webhook_deliveries_waiting",
        "webhook_deliveries",
        ["endpoint", "queue", "seq"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_webhook_deliveries_state", "webhook_deliveries", ["endpoint", "state", "seq"])
    op.create_index("ix_webhook_deliveries_done", "webhook_deliveries", ["done_at"])
    op.create_index("ix_webhook_deliveries_seq", "webhook_deliveries", ["seq"])
    op.create_table(
        "webhook_queues",
        sa.Column("endpoint", ID, nullable=False),
        sa.Column("queue", sa.String(48), nullable=False),
        sa.Column("due_at", TIME, nullable=True, comment="null: nothing waits"),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False, comment="one after the other"),
        sa.Column("waiting", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim", sa.String(24), nullable=True, comment="who sends from it now"),
        sa.Column("claimed_until", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint"], ["webhook_endpoints.id"], name=op.f("fk_webhook_queues_endpoint_webhook_endpoints")
        ),
        sa.PrimaryKeyConstraint("endpoint", "queue", name=op.f("pk_webhook_queues")),
    )
    op.create_index(
        "ix_webhook_queues_due",
        "webhook_queues",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "webhook_participants",
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("account", ID, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_webhook_participants_account_accounts")),
        sa.PrimaryKeyConstraint("space", "account", name=op.f("pk_webhook_participants")),
        comment="of whom it has been told that he came in, and not yet that he left",
    )
    op.add_column(
        "admissions",
        sa.Column(
            "untold",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="integrators are to be told of a change",
        ),
    )
    op.create_index(
        "ix_admissions_untold",
        "admissions",
        ["id"],
        sqlite_where=sa.text("untold"),
        postgresql_where=sa.text("untold"),
    )


def downgrade() -> None:
    op.drop_index("ix_admissions_untold", table_name="admissions")
    op.drop_column("admissions", "untold")
    for table in (
        "webhook_participants", "webhook_queues", "webhook_deliveries", "webhook_messages", "webhook_endpoints",
    ):  # fmt: skip
        op.drop_table(table)
