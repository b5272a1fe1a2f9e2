"""The rows of Spaces, beside those of `access.tables` in one MetaData, so that one Alembic tree makes all of them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
)

import access.tables_benefits
import access.tables_hooks
import access.tables_ledger
import access.tables_money
import access.tables_operators
import access.tables_payments
import access.tables_people
import access.tables_tickets  # noqa: F401 – the tables of all of them join the MetaData
from access.database import Id, UtcDateTime
from access.tables import ERASED, PRIVATE, metadata

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
    Column("updated_at", UtcDateTime, nullable=False, comment="what is set of it, or its state"),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("locked", Boolean, nullable=False, server_default=false(), comment="nobody new comes in"),
    Column("capacity", Integer, comment="seats, as the host has set it"),
    Column("asking", String(16), nullable=False, server_default="everyone", comment="who may ask to speak"),
    Column("asking_seconds", Integer, nullable=False, server_default="0", comment="between two hands of one person"),
    Column("sequence", Integer, nullable=False, server_default="0", comment="of the schedule, as calendars count"),
    Column("moved_at", UtcDateTime, comment="when it was given another start"),
    Column("moved_from", UtcDateTime, comment="the start before that"),
    Column("peak_listeners", Integer, nullable=False, server_default="0", comment="most seats of the audience at once"),
    Column("recording", Boolean, nullable=False, server_default=false()),
    Column("chat", String(16), nullable=False, server_default="everyone", comment="who may write in it"),
    Column("chat_seconds", Integer, nullable=False, server_default="0", comment="between two lines of one person"),
    Column("captions", String(16), nullable=False, server_default="speakers", comment="where they come from"),
    CheckConstraint("state IN ('scheduled', 'live', 'ended', 'cancelled')", name="state"),
    Index("ix_spaces_state_created_at", "state", "created_at"),
    Index("ix_spaces_creator_state", "creator", "state"),
    Index("ix_spaces_state_started_at", "state", "started_at", "id"),
    Index("ix_spaces_state_scheduled_start", "state", "scheduled_start", "id"),
)

stage_members = Table(
    "stage_members",
    metadata,
    Column("space", String(13), ForeignKey("spaces.id"), primary_key=True),
    Column("account", Id, ForeignKey("accounts.id"), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("position", Integer, nullable=False, comment="order of arrival on stage"),
    Column("muted", Boolean, nullable=False, server_default=false()),
    CheckConstraint("role IN ('host', 'cohost', 'speaker')", name="role"),
)

hands = Table(
    "hands",
    metadata,
    Column("space", String(13), ForeignKey("spaces.id"), primary_key=True),
    Column("account", Id, ForeignKey("accounts.id"), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    info=ERASED,
    comment="who asks to speak in a live Space",
)

stage_invitations = Table(
    "stage_invitations",
    metadata,
    Column("space", String(13), ForeignKey("spaces.id"), primary_key=True),
    Column("account", Id, ForeignKey("accounts.id"), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("by", Id, ForeignKey("accounts.id"), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    CheckConstraint("role IN ('cohost', 'speaker')", name="role"),
    info=ERASED,
    comment="to the stage, neither accepted nor declined yet",
)

pins = Table(
    "pins",
    metadata,
    Column("space", String(13), ForeignKey("spaces.id"), primary_key=True),
    Column("url", String(2_000), primary_key=True),
    Column("title", String(200), nullable=False, server_default=""),
    Column("position", Integer, nullable=False),
    comment="links that hosts show to everybody inside",
)

chat_lines = Table(
    "chat_lines",
    metadata,
    Column("id", Id, primary_key=True),
    Column("space", String(13), ForeignKey("spaces.id"), nullable=False),
    Column("account", Id, ForeignKey("accounts.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_chat_lines_space_id", "space", "id"),
    Index("ix_chat_lines_account", "account"),
    sqlite_autoincrement=True,
    info=ERASED,
    comment="the backchannel; a line that is deleted is gone",
)

captions = Table(
    "captions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("space", String(13), ForeignKey("spaces.id"), nullable=False),
    Column("account", Id, ForeignKey("accounts.id"), nullable=False, comment="who said it"),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("text", Text, nullable=False),
    Column("source", String(16), nullable=False),
    CheckConstraint("source IN ('speaker', 'server')", name="source"),
    Index("ix_captions_space_id", "space", "id"),
    Index("ix_captions_account", "account"),
    sqlite_autoincrement=True,
    info=ERASED,
    comment="what was said, for the replay",
)

guest_links = Table(
    "guest_links",
    metadata,
    Column("id", Id, primary_key=True),
    Column("space", String(13), ForeignKey("spaces.id"), nullable=False),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("made_by", Id, ForeignKey("accounts.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("used_by", Id, ForeignKey("accounts.id")),
    Column("used_at", UtcDateTime),
    Index("ix_guest_links_space", "space"),
    sqlite_autoincrement=True,
    comment="each brings one person to the stage, once",
)

reports = Table(
    "reports",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", Id, ForeignKey("accounts.id"), nullable=False, comment="who reports"),
    Column("space", String(13), ForeignKey("spaces.id"), nullable=False),
    Column("about", Id, ForeignKey("accounts.id"), comment="null: the Space as a whole"),
    Column("reason", String(16), nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("outcome", String(16), comment="null: open, in the operators' queue"),
    Column("closed_by", Id, ForeignKey("accounts.id")),
    Column("closed_at", UtcDateTime),
    Column("note", Text, nullable=False, server_default="", comment="of the operator who closed it", info=PRIVATE),
    CheckConstraint("reason IN ('abuse', 'spam', 'illegal', 'other')", name="reason"),
    CheckConstraint("outcome IN ('acted', 'dismissed')", name="outcome"),
    Index("ix_reports_outcome", "outcome", "id"),
    Index("ix_reports_account", "account"),
    sqlite_autoincrement=True,
)

stingers = Table(
    "stingers",
    metadata,
    Column("id", Id, primary_key=True),
    Column(
        "account", Id, ForeignKey("accounts.id"), nullable=False, comment="the creator in whose Spaces it is played"
    ),
    Column("name", String(60), nullable=False),
    Column("samples", Integer, nullable=False, comment="at 48 kHz"),
    Column("sound", LargeBinary, nullable=False, comment="Opus packets, each behind its length"),
    Column("made_by", Id, ForeignKey("accounts.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_stingers_account", "account"),
    info=ERASED,
    sqlite_autoincrement=True,
    comment="short sounds that hosts play into a Space",
)

server_keys = Table(
    "server_keys",
    metadata,
    Column("name", String(32), primary_key=True, comment="what the key is for, e.g. join_token"),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    comment="the server's own keys, shared by the nodes of one database",
)
