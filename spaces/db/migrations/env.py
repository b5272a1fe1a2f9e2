"""Alembic's entry: runs in the connection and the transaction that spaces.db.migrate gives it."""

from __future__ import annotations

from alembic import context

import spaces.db.tables
import spaces.db.tables_listing
import spaces.db.tables_owners
import spaces.db.tables_reminders  # noqa: F401 – their tables join the MetaData
from access.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
    transactional_ddl=False,  # the caller's transaction encloses everything
)
context.run_migrations()
