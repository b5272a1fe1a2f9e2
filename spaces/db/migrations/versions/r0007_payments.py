"""What payment providers tell"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "provider_checkouts",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False, comment="the idempotency key of the request"),
        sa.Column("begun_at", TIME, nullable=False, comment="the first time, so that the same is asked again"),
        sa.Column("ref", sa.String(length=255), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("provider", "key", name=op.f("pk_provider_checkouts")),
    )
    op.create_index(op.f("ix_provider_checkouts_begun_at"), "provider_checkouts", ["begun_at"], unique=False)
    op.create_table(
        "provider_cursors",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_cursors")),
        comment="up to where the provider's own list of events has been read",
    )
    op.create_table(
        "provider_objects",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False, comment="number of the newest look at it that was begun"),
        sa.Column("seen", sa.BigInteger(), nullable=False, comment="number of the newest look that was believed"),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="number of the look that first saw it as it is"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="of how it was seen"),
        sa.PrimaryKeyConstraint("provider", "ref", name=op.f("pk_provider_objects")),
        comment="versions of objects to which the provider itself gives none",
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column(
            "subject_kind",
            sa.String(length=32),
            nullable=False,
            comment="of the object to be fetched; empty: nothing of ours",
        ),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column(
            "body_sha256", sa.String(length=64), nullable=False, comment="empty: it was fetched, nobody brought it"
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.String(length=200), server_default="", nullable=False),
        sa.Column("at", TIME, nullable=False, comment="by the provider's clock"),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False, comment="when it is tried (again)"),
        sa.Column("done_at", TIME, nullable=True),
        sa.CheckConstraint(
            "\"state\" IN ('received', 'applied', 'ignored', 'dead')", name=op.f("ck_webhook_events_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
        sa.UniqueConstraint("provider", "event_id", name=op.f("uq_webhook_events_provider")),
    )
    op.create_index(
        "ix_webhook_events_due",
        "webhook_events",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'received'"),
        postgresql_where=sa.text("state = 'received'"),
    )
    op.create_index(op.f("ix_webhook_events_received_at"), "webhook_events", ["received_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_webhook_events_received_at"), table_name="webhook_events")
    op.drop_index(
        "ix_webhook_events_due",
        table_name="webhook_events",
        sqlite_where=sa.text("state = 'received'"),
        postgresql_where=sa.text("state = 'received'"),
    )
    op.drop_table("webhook_events")
    op.drop_table("provider_objects")
    op.drop_table("provider_cursors")
    op.drop_index(op.f("ix_provider_checkouts_begun_at"), table_name="provider_checkouts")
    op.drop_table("provider_checkouts")
