"""What a room comes back with after its node was killed: mutes, hands, lock, invitations; guest links and reports"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("locked", sa.Boolean(), server_default=sa.false(), nullable=False, comment="nobody new comes in"),
        sa.Column("capacity", sa.Integer(), nullable=True, comment="seats, as the host has set it"),
        sa.Column("asking", sa.String(16), server_default="everyone", nullable=False, comment="who may ask to speak"),
        sa.Column(
            "asking_seconds",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="between two hands of one person",
        ),
    ):
        op.add_column("spaces", column)
    op.add_column("stage_members", sa.Column("muted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "hands",
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_hands_account_accounts")),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_hands_space_spaces")),
        sa.PrimaryKeyConstraint("space", "account", name=op.f("pk_hands")),
        comment="who asks to speak in a live Space",
    )
    op.create_table(
        "stage_invitations",
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("by", ID, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.CheckConstraint("role IN ('cohost', 'speaker')", name=op.f("ck_stage_invitations_role")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_stage_invitations_account_accounts")),
        sa.ForeignKeyConstraint(["by"], ["accounts.id"], name=op.f("fk_stage_invitations_by_accounts")),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_stage_invitations_space_spaces")),
        sa.PrimaryKeyConstraint("space", "account", name=op.f("pk_stage_invitations")),
        comment="to the stage, neither accepted nor declined yet",
    )
    op.create_table(
        "guest_links",
        sa.Column("id", ID, nullable=False),
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("used_by", ID, nullable=True),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["accounts.id"], name=op.f("fk_guest_links_made_by_accounts")),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_guest_links_space_spaces")),
        sa.ForeignKeyConstraint(["used_by"], ["accounts.id"], name=op.f("fk_guest_links_used_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_links")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_guest_links_token_sha256")),
        comment="each brings one person to the stage, once",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_guest_links_space", "guest_links", ["space"])
    op.create_table(
        "reports",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False, comment="who reports"),
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("about", ID, nullable=True, comment="null: the Space as a whole"),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=True, comment="null: open, in the operators' queue"),
        sa.Column("closed_by", ID, nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        sa.CheckConstraint("reason IN ('abuse', 'spam', 'illegal', 'other')", name=op.f("ck_reports_reason")),
        sa.CheckConstraint("outcome IN ('acted', 'dismissed')", name=op.f("ck_reports_outcome")),
        sa.ForeignKeyConstraint(["about"], ["accounts.id"], name=op.f("fk_reports_about_accounts")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_reports_account_accounts")),
        sa.ForeignKeyConstraint(["closed_by"], ["accounts.id"], name=op.f("fk_reports_closed_by_accounts")),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_reports_space_spaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reports_outcome", "reports", ["outcome", "id"])
    op.create_index("ix_reports_account", "reports", ["account"])


def downgrade() -> None:
    for table in ("reports", "guest_links", "stage_invitations", "hands"):
        op.drop_table(table)
    op.drop_column("stage_members", "muted")
    for column in ("asking_seconds", "asking", "capacity", "locked"):
        op.drop_column("spaces", column)
