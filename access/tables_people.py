"""The rows of people who sign in here by themselves: mailboxes, identities elsewhere, handles, sessions, operators.

Of secrets (codes, session tokens) only SHA-256 is kept: they are random and long, so there is nothing to guess.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from access.columns import account_column
from access.database import Id, UtcDateTime
from access.tables import ERASED, metadata

SHA256 = String(64)
ADDRESS = String(254)

mailboxes = Table(
    "mailboxes",
    metadata,
    account_column(primary_key=True, autoincrement=False),
    Column("address", ADDRESS, nullable=False),
    Column("address_key", ADDRESS, nullable=False, unique=True, comment="lower case: one mailbox, however spelled"),
    Column("verified_at", UtcDateTime, nullable=False),
    info=ERASED,
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", String(255), primary_key=True, comment="an OpenID provider"),
    Column("subject", String(255), primary_key=True),
    account_column(nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    info=ERASED,
)

claimed_handles = Table(
    "claimed_handles",
    metadata,
    Column("skeleton_sha256", SHA256, primary_key=True, comment="what all handles that look alike have in common"),
    account_column(nullable=False, index=True),
    Column("claimed_at", UtcDateTime, nullable=False),
    comment="stays when the account goes: a link to @ada must not lead to somebody else one day",
)

operators = Table(
    "operators",
    metadata,
    account_column(primary_key=True, autoincrement=False),
    Column("since", UtcDateTime, nullable=False),
    info=ERASED,
)

sign_in_requests = Table(
    "sign_in_requests",
    metadata,
    Column("browser_sha256", SHA256, primary_key=True, comment="of the cookie of the browser that asked"),
    Column("code_sha256", SHA256, nullable=False),
    Column("address", ADDRESS, nullable=False),
    Column("address_key", ADDRESS, nullable=False, index=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    account_column(nullable=False, index=True),
    Column("token_sha256", SHA256, nullable=False, unique=True),
    Column("method", String(8), nullable=False, comment="mail or oidc"),
    Column("user_agent", String(200), nullable=False, comment="as the browser called itself"),
    Column("client_address", String(64), comment="forgotten after a while"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False, comment="to the hour"),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    info=ERASED,
    sqlite_autoincrement=True,
)

guest_passes = Table(
    "guest_passes",
    metadata,
    account_column(primary_key=True, autoincrement=False),
    Column("token_sha256", SHA256, nullable=False, unique=True),
    info=ERASED,
    comment="what a guest without an account of his own shows at the door of one Space",
)
