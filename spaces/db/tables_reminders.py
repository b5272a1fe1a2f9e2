"""Who wants to be told of a scheduled Space, and what became of each word of it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table
from sqlalchemy import UniqueConstraint as Unique

from access.columns import account_column, one_of
from access.database import Id, UtcDateTime
from access.tables import ERASED, metadata
from access.tables_benefits import DELIVERY_STATES

KINDS = ("begins", "moved", "cancelled")

reminders = Table(
    "reminders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("space", String(13), ForeignKey("spaces.id"), nullable=False),
    account_column(nullable=False),
    Column("mail", Boolean, nullable=False, comment="by mail too; else on the page only"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Unique("space", "account", name="uq_reminders_space_account"),
    Index("ix_reminders_account", "account", "withdrawn_at"),
    sqlite_autoincrement=True,
    info=ERASED,
)

reminder_notices = Table(
    "reminder_notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reminder", Id, ForeignKey("reminders.id"), nullable=False),
    account_column(nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sequence", Integer, nullable=False, comment="of the Space's schedule"),
    Column("starts_at", UtcDateTime, comment="as it is told"),
    Column("was_at", UtcDateTime, comment="moved: the start before"),
    Column("due_at", UtcDateTime, comment="not to be told before; null: when it is live"),
    Column("state", String(16), nullable=False, server_default="queued", comment="of the mail"),
    Column("reason", String(32), comment="why it was skipped, or how it failed"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claimed_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("address_sha256", String(64), comment="where it went, for bounces"),
    Column("seen_at", UtcDateTime, comment="on the page"),
    one_of("kind", KINDS),
    one_of("state", DELIVERY_STATES),
    Unique("reminder", "kind", "sequence", name="uq_reminder_notices_reminder_kind_sequence"),
    Index("ix_reminder_notices_state_due_at", "state", "due_at"),
    Index("ix_reminder_notices_account", "account", "seen_at"),
    sqlite_autoincrement=True,
    info=ERASED,
    comment="each told at most once by mail and once on the page",
)
