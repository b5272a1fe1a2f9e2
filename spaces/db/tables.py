"""The rows of Spaces, beside those of `access.tables` in one MetaData, so that one Alembic tree makes all of them."""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

import access.tables_benefits
import access.tables_ledger
import access.tables_money
import access.tables_payments
import access.tables_people
import access.tables_tickets  # noqa: F401 – the tables of all of them join the MetaData
from access.database import Id, UtcDateTime
from access.tables import metadata

spaces = Table(
    "spaces",
    metadata,
    Column("id", String(13), primary_key=True),
    Column("creator", Id, ForeignKey("creators.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("access", JSON, nullable=False, comment="list of {policy, tier}; any of them admits"),
    Column("topics", JSON, nullable=False),
    Column("language", String(35), comment="BCP 47"),
    Column("state", String(16), nullable=False),
    Column("scheduled_start", UtcDateTime),
    Column("time_zone", String(64), comment="IANA name"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    CheckConstraint("state IN ('scheduled', 'live', 'ended', 'cancelled')", name="state"),
    Index("ix_spaces_state_created_at", "state", "created_at"),
    Index("ix_spaces_creator_state", "creator", "state"),
)

stage_members = Table(
    "stage_members",
    metadata,
    Column("space", String(13), ForeignKey("spaces.id"), primary_key=True),
    Column("account", Id, ForeignKey("accounts.id"), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("position", Integer, nullable=False, comment="order of arrival on stage"),
    CheckConstraint("role IN ('host', 'cohost', 'speaker')", name="role"),
)

server_keys = Table(
    "server_keys",
    metadata,
    Column("name", String(32), primary_key=True, comment="what the key is for, e.g. join_token"),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    comment="the server's own keys, shared by the nodes of one database",
)
