"""Spaces: the rooms themselves, who is on their stages, and the server's own keys"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from access.database import Id, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spaces",
        sa.Column("id", sa.String(13), nullable=False),
        sa.Column("creator", Id, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("access", sa.JSON(), nullable=False, comment="list of {policy, tier}; any of them admits"),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(35), comment="BCP 47"),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("scheduled_start", UtcDateTime()),
        sa.Column("time_zone", sa.String(64), comment="IANA name"),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spaces")),
        sa.ForeignKeyConstraint(["creator"], ["creators.id"], name=op.f("fk_spaces_creator_creators")),
        sa.CheckConstraint("state IN ('scheduled', 'live', 'ended', 'cancelled')", name=op.f("ck_spaces_state")),
    )
    op.create_index("ix_spaces_state_created_at", "spaces", ["state", "created_at"])
    op.create_index("ix_spaces_creator_state", "spaces", ["creator", "state"])
    op.create_table(
        "stage_members",
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("account", Id, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="order of arrival on stage"),
        sa.PrimaryKeyConstraint("space", "account", name=op.f("pk_stage_members")),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_stage_members_space_spaces")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_stage_members_account_accounts")),
        sa.CheckConstraint("role IN ('host', 'cohost', 'speaker')", name=op.f("ck_stage_members_role")),
    )
    op.create_table(
        "server_keys",
        sa.Column("name", sa.String(32), nullable=False, comment="what the key is for, e.g. join_token"),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server_keys")),
        comment="the server's own keys, shared by the nodes of one database",
    )


def downgrade() -> None:
    for table in ("server_keys", "stage_members", "spaces"):
        op.drop_table(table)
