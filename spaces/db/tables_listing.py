"""Words that Spaces are found by."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table

from access.tables import metadata

Word = String(64).with_variant(String(64, collation="C"), "postgresql")
"""Compared letter by letter on both databases, so that a range of an index holds all words with one beginning."""

space_words = Table(
    "space_words",
    metadata,
    Column("space", String(13), ForeignKey("spaces.id"), primary_key=True),
    Column("word", Word, primary_key=True),
    Index("ix_space_words_word", "word", "space"),
    comment="of title, topics and the creator's handle; topics as a whole with a # before them",
)
