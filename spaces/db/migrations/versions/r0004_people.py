"""Sign-in, sessions, claimed handles, operators; the audit log speaks of pseudonyms and is chained"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from access.audit import GENESIS, hash_of
from access.database import UtcDateTime
from access.handles import fingerprint

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime()
PEOPLE = ("actor", "account", "creator")


def upgrade() -> None:
    op.create_table(
        "pseudonyms",
        sa.Column("account", ID, autoincrement=False, nullable=False),
        sa.Column("pseudonym", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_pseudonyms_account_accounts")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_pseudonyms")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_pseudonyms_pseudonym")),
        comment="by which the audit log knows an account; without its row nobody can tell whom the log speaks of",
    )
    op.create_table(
        "mailboxes",
        sa.Column("account", ID, autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column(
            "address_key", sa.String(length=254), nullable=False, comment="lower case: one mailbox, however spelled"
        ),
        sa.Column("verified_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_mailboxes_account_accounts")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint("address_key", name=op.f("uq_mailboxes_address_key")),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(length=255), nullable=False, comment="an OpenID provider"),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_identities_account_accounts")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_account"), "identities", ["account"])
    op.create_table(
        "claimed_handles",
        sa.Column(
            "skeleton_sha256",
            sa.String(length=64),
            nullable=False,
            comment="what all handles that look alike have in common",
        ),
        sa.Column("account", ID, nullable=False),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_claimed_handles_account_accounts")),
        sa.PrimaryKeyConstraint("skeleton_sha256", name=op.f("pk_claimed_handles")),
        comment="stays when the account goes: a link to @ada must not lead to somebody else one day",
    )
    op.create_index(op.f("ix_claimed_handles_account"), "claimed_handles", ["account"])
    op.create_table(
        "operators",
        sa.Column("account", ID, autoincrement=False, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_operators_account_accounts")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_operators")),
    )
    op.create_table(
        "sign_in_requests",
        sa.Column(
            "browser_sha256", sa.String(length=64), nullable=False, comment="of the cookie of the browser that asked"
        ),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("browser_sha256", name=op.f("pk_sign_in_requests")),
    )
    op.create_index(op.f("ix_sign_in_requests_address_key"), "sign_in_requests", ["address_key"])
    op.create_index(op.f("ix_sign_in_requests_created_at"), "sign_in_requests", ["created_at"])
    op.create_table(
        "sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False, comment="mail or oidc"),
        sa.Column("user_agent", sa.String(length=200), nullable=False, comment="as the browser called itself"),
        sa.Column("client_address", sa.String(length=64), nullable=True, comment="forgotten after a while"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False, comment="to the hour"),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_sessions_account_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_sessions_token_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sessions_account"), "sessions", ["account"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    _claim_handles()
    _chain_the_log()


def downgrade() -> None:
    _unchain_the_log()
    for table in (
        "sessions", "sign_in_requests", "operators", "claimed_handles", "identities", "mailboxes", "pseudonyms"
    ):  # fmt: skip
        op.drop_table(table)


def _claim_handles() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, handle FROM accounts WHERE handle IS NOT NULL ORDER BY id")).all()
    claimed: dict[str, int] = {}
    for row in rows:
        claimed.setdefault(fingerprint(row.handle), row.id)
    table = sa.table(
        "claimed_handles", sa.column("skeleton_sha256"), sa.column("account"), sa.column("claimed_at", TIME)
    )
    now = datetime.now(UTC)
    if claimed:
        op.bulk_insert(table, [{"skeleton_sha256": k, "account": a, "claimed_at": now} for k, a in claimed.items()])


def _audit_log(kind: Any) -> sa.TableClause:
    people = (sa.column(name, kind) for name in PEOPLE)
    return sa.table(
        "audit_log", sa.column("id", ID), sa.column("at", TIME), sa.column("action", sa.String),
        sa.column("body", sa.JSON), sa.column("seq", sa.BigInteger), sa.column("hash", sa.String), *people,
    )  # fmt: skip


def _chain_the_log() -> None:
    """Ids become pseudonyms, and every row gets its place in the chain."""
    connection = op.get_bind()
    old = _audit_log(sa.BigInteger)
    columns = [column for column in old.c if column.name not in ("seq", "hash")]
    rows = [row._asdict() for row in connection.execute(sa.select(*columns).order_by(old.c.id))]
    names: dict[int, str] = {}
    for row in rows:
        for column in PEOPLE:
            if row[column]:  # 0 stood for nobody in particular
                row[column] = names.setdefault(row[column], secrets.token_hex(16))
            else:
                row[column] = None
        row["body"].pop("handle", None)  # it told who somebody is
    op.drop_table("audit_log")
    op.create_table(
        "audit_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column(
            "actor", sa.String(length=32), nullable=True, comment="a pseudonym; null: the operator or the server itself"
        ),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=32), nullable=True, comment="a pseudonym"),
        sa.Column("creator", sa.String(length=32), nullable=True, comment="a pseudonym"),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True, comment="place in the chain"),
        sa.Column("hash", sa.String(length=64), nullable=True, comment="over this row and the hash before it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("seq", name=op.f("uq_audit_log_seq")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_log_account"), "audit_log", ["account"])
    op.create_index(op.f("ix_audit_log_creator"), "audit_log", ["creator"])
    hash = GENESIS
    for seq, row in enumerate(rows, start=1):
        del row["id"]  # numbered anew, in the same order
        hash = hash_of(hash, seq, row)
        row |= {"seq": seq, "hash": hash}
    if rows:
        op.bulk_insert(_audit_log(sa.String), rows)
        counter = sa.text("INSERT INTO counters (name, value) VALUES ('audit', :value)")
        connection.execute(counter, {"value": len(rows)})
    if names:
        table = sa.table("pseudonyms", sa.column("account", ID), sa.column("pseudonym"))
        op.bulk_insert(table, [{"account": account, "pseudonym": name} for account, name in names.items()])


def _unchain_the_log() -> None:
    connection = op.get_bind()
    new = _audit_log(sa.String)
    columns = [column for column in new.c if column.name not in ("seq", "hash", "id")]
    rows = [row._asdict() for row in connection.execute(sa.select(*columns).order_by(new.c.id))]
    ids = {row.pseudonym: row.account for row in connection.execute(sa.text("SELECT * FROM pseudonyms"))}
    for row in rows:
        row |= {column: ids.get(row[column]) for column in PEOPLE}
    op.drop_table("audit_log")
    op.create_table(
        "audit_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=True),
        sa.Column("creator", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_log_account"), "audit_log", ["account"])
    op.create_index(op.f("ix_audit_log_creator"), "audit_log", ["creator"])
    if rows:
        op.bulk_insert(_audit_log(sa.BigInteger), rows)
    connection.execute(sa.text("DELETE FROM counters WHERE name = 'audit'"))
