"""Around the talk: pinned links, the lines of the chat, captions, and what hosts have set of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("chat", sa.String(16), server_default="everyone", nullable=False, comment="who may write in it"),
        sa.Column(
            "chat_seconds", sa.Integer(), server_default="0", nullable=False, comment="between two lines of one person"
        ),
        sa.Column("captions", sa.String(16), server_default="speakers", nullable=False, comment="where they come from"),
    ):
        op.add_column("spaces", column)
    op.create_table(
        "pins",
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("url", sa.String(2_000), nullable=False),
        sa.Column("title", sa.String(200), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_pins_space_spaces")),
        sa.PrimaryKeyConstraint("space", "url", name=op.f("pk_pins")),
        comment="links that hosts show to everybody inside",
    )
    op.create_table(
        "chat_lines",
        sa.Column("id", ID, nullable=False),
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_chat_lines_account_accounts")),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_chat_lines_space_spaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_lines")),
        comment="the backchannel; a line that is deleted is gone",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chat_lines_space_id", "chat_lines", ["space", "id"])
    op.create_index("ix_chat_lines_account", "chat_lines", ["account"])
    op.create_table(
        "captions",
        sa.Column("id", ID, nullable=False),
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("account", ID, nullable=False, comment="who said it"),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.CheckConstraint("source IN ('speaker', 'server')", name=op.f("ck_captions_source")),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_captions_account_accounts")),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_captions_space_spaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captions")),
        comment="what was said, for the replay",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_captions_space_id", "captions", ["space", "id"])
    op.create_index("ix_captions_account", "captions", ["account"])


def downgrade() -> None:
    for table in ("captions", "chat_lines", "pins"):
        op.drop_table(table)
    for column in ("captions", "chat_seconds", "chat"):
        op.drop_column("spaces", column)
