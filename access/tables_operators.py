"""The rows that operators make: who and what is suspended, and what they have set for the whole platform."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, String, Table, Text, text

from access.columns import account_column, one_of
from access.database import Id, UtcDateTime
from access.tables import metadata

WHOM = text('"end" IS NULL AND space IS NULL')
SPACE = text('"end" IS NULL AND space IS NOT NULL')
"""What is suspended already is not suspended once more."""

suspensions = Table(
    "suspensions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("scope", String(16), nullable=False),
    account_column(nullable=False, comment="who it is; of a Space: its creator"),
    Column("space", String(13), comment="of scope space: which"),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime, comment="when it was lifted"),
    account_column("by", comment="null: whoever has the machine"),
    account_column("lifted_by"),
    Column("reason", Text, nullable=False, server_default=""),
    one_of("scope", ("account", "creator", "space")),
    Index("ix_suspensions_account", "account", "scope"),
    Index("uq_suspensions_whom", "scope", "account", unique=True, sqlite_where=WHOM, postgresql_where=WHOM),
    Index("uq_suspensions_space", "space", unique=True, sqlite_where=SPACE, postgresql_where=SPACE),
    sqlite_autoincrement=True,
)

platform_settings = Table(
    "platform_settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
