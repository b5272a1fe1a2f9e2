"""Guests without an account of their own: let in by a link, for one Space, to speak there, until a given time.

A guest is an account that nobody can sign in to. What it is known by is a pass, of which only a hash is kept, and which is
asked for at that one Space's door alone (`find`); `decide` allows it a speaker's seat there and nothing else.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, fields, privacy
from access.model import Account
from access.sessions import digest
from access.tables import accounts as account_rows
from access.tables_people import guest_passes

PREFIX = "guest_"
TOKEN_BYTES = 32
TOKEN_LENGTH_MAX = 64
NAME_LENGTH_MAX = 40
JOINERS = "\u200c\u200d"
"""The invisible characters that names in some scripts need."""
FORGOTTEN_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Pass:
    """A guest, and what it shows at the door, which is told this once."""

    account: Account
    token: str
    expires_at: datetime


def is_guest_pass_untrusted(token: str) -> bool:
    """Whether it claims to be one; nothing is proven yet."""
    return token.startswith(PREFIX)


def guest_name(name: str) -> str:
    """As others see it: nothing in it that cannot be seen, or that turns what stands beside it around. 422."""
    name = fields.text(name, "name", NAME_LENGTH_MAX)
    if any(unicodedata.category(c) == "Cf" and c not in JOINERS for c in name):
        raise fields.bad_field("name", "no invisible characters")
    if not any(c.isalnum() for c in name):
        raise fields.bad_field("name", "a letter or a digit at least")
    return name


async def make(connection: AsyncConnection, space: str, name: str, until: datetime, now: datetime) -> Pass:
    """A guest of this Space; it may do nothing there before it is on stage. 422 bad_field."""
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = {
        "name": guest_name(name),
        "status": "active",
        "created_at": now,
        "guest_space": space,
        "guest_until": until,
    }
    made = (await connection.execute(insert(account_rows).values(row).returning(account_rows.c.id))).scalar_one()
    await connection.execute(insert(guest_passes).values(account=made, token_sha256=digest(token)))
    await audit.record(connection, now, "guest.made", actor=made, account=made, space=space)
    return Pass(await accounts.by_id(connection, made), token, until)


async def find(connection: AsyncConnection, token: str, space: str, now: datetime) -> Account | None:
    """Whose pass this is; None: nobody's, or of another Space, or its time is over."""
    if len(token) > TOKEN_LENGTH_MAX:
        return None
    mine = (guest_passes.c.token_sha256 == digest(token)) & (account_rows.c.status == "active")
    here = (account_rows.c.guest_space == space) & (account_rows.c.guest_until > now)
    query = select(account_rows.c.id).join(guest_passes).where(mine & here)
    found = (await connection.execute(query)).scalar_one_or_none()
    return None if found is None else await accounts.by_id(connection, found)


async def forget(connection: AsyncConnection, now: datetime, kept: timedelta) -> None:
    """Passes whose time is over; and, after a while, what their guests were called."""
    over = select(account_rows.c.id).where(account_rows.c.guest_until <= now)
    await connection.execute(delete(guest_passes).where(guest_passes.c.account.in_(over)))
    long_over = over.where(account_rows.c.guest_until <= now - kept, account_rows.c.status != "deleted")
    for account in (await connection.execute(long_over.limit(FORGOTTEN_AT_ONCE))).scalars().all():
        await privacy.delete(connection, await accounts.by_id(connection, account), now)
