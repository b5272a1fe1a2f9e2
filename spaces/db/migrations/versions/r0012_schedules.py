"""Schedules that are moved, the most listeners at once, and words that Spaces are found by"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from spaces.search_words import WORDS_MAX, topic_word, words_in

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
WORD = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
AT_ONCE = 500


def upgrade() -> None:
    for column in (
        sa.Column(
            "sequence", sa.Integer(), server_default="0", nullable=False, comment="of the schedule, as calendars count"
        ),
        sa.Column("moved_at", TIME, nullable=True, comment="when it was given another start"),
        sa.Column("moved_from", TIME, nullable=True, comment="the start before that"),
        sa.Column(
            "peak_listeners",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="most seats of the audience at once",
        ),
        sa.Column("recording", sa.Boolean(), server_default=sa.false(), nullable=False),
    ):
        op.add_column("spaces", column)
    op.create_index("ix_spaces_state_started_at", "spaces", ["state", "started_at", "id"])
    op.create_index("ix_spaces_state_scheduled_start", "spaces", ["state", "scheduled_start", "id"])
    words = op.create_table(
        "space_words",
        sa.Column("space", sa.String(13), nullable=False),
        sa.Column("word", WORD, nullable=False),
        sa.ForeignKeyConstraint(["space"], ["spaces.id"], name=op.f("fk_space_words_space_spaces")),
        sa.PrimaryKeyConstraint("space", "word", name=op.f("pk_space_words")),
        comment="of title, topics and the creator's handle; topics as a whole with a # before them",
    )
    op.create_index("ix_space_words_word", "space_words", ["word", "space"])
    _index(words)


def downgrade() -> None:
    op.drop_table("space_words")
    for index in ("ix_spaces_state_scheduled_start", "ix_spaces_state_started_at"):
        op.drop_index(index, table_name="spaces")
    for column in ("recording", "peak_listeners", "moved_from", "moved_at", "sequence"):
        op.drop_column("spaces", column)


def _index(words: sa.Table) -> None:
    """Spaces from before are found too."""
    connection = op.get_bind()
    query = "SELECT s.id, s.title, s.topics, a.handle FROM spaces s JOIN accounts a ON a.id = s.creator"
    rows: list[dict[str, str]] = []
    for id, title, topics, handle in connection.execute(sa.text(query)).all():
        listed = json.loads(topics) if isinstance(topics, str) else topics
        found = words_in(" ".join((title, *listed, handle or "")))[:WORDS_MAX]
        rows += [{"space": id, "word": word} for word in dict.fromkeys((*found, *map(topic_word, listed)))]
    for begin in range(0, len(rows), AT_ONCE):
        connection.execute(sa.insert(words), rows[begin : begin + AT_ONCE])
