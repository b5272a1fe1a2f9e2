"""The row that tells which node of several has a Space."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from access.database import UtcDateTime
from access.tables import metadata

space_owners = Table(
    "space_owners",
    metadata,
    Column("space", String(13), ForeignKey("spaces.id"), primary_key=True),
    Column("fence", BigInteger, nullable=False, comment="of whoever has it, or had it last"),
    Column("node", String(100), nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("released_at", UtcDateTime, comment="he has said that he is gone"),
    comment="which node of several has a Space: whoever has a smaller number has it no more",
)
