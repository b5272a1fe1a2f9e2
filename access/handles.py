"""Handles that people choose for themselves: claimed once, nobody else's, and not to be taken for somebody else's."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import insert_or_ignore
from access.fields import bad_field
from access.tables import accounts
from access.tables_people import claimed_handles

CHOSEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,28}[A-Za-z0-9])", re.ASCII)

RESERVED = frozenset({
    "about", "abuse", "account", "accounts", "admin", "administrator", "api", "app", "billing", "blog", "contact",
    "creator", "creators", "docs", "everybody", "everyone", "ftp", "guest", "health", "healthz", "help", "here",
    "host", "hostmaster", "info", "legal", "listener", "live", "login", "logout", "mail", "me", "metrics", "mod",
    "moderator", "moderators", "money", "news", "noreply", "no-reply", "nobody", "null", "official", "openapi",
    "operator", "operators", "owner", "pay", "payment", "payments", "payout", "payouts", "postmaster", "press",
    "privacy", "readyz", "root", "security", "service", "settings", "sign-in", "sign-out", "signin", "signout",
    "signup", "space", "spaces", "speaker", "staff", "status", "support", "system", "team", "terms", "test",
    "undefined", "verified", "web", "webmaster", "www",
})  # fmt: skip
"""Words of the server, of its addresses and of people who may speak for it."""

_LIKE = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))
"""Written → what it looks like, in most typefaces (compare UTS #39; handles are ASCII)."""


def skeleton(handle: str) -> str:
    """What handles that look alike have in common: case, punctuation and similar letters left out."""
    text = re.sub(r"[_.-]", "", handle.lower())
    for written, seen in _LIKE:
        text = text.replace(written, seen)
    return text or handle.lower()


_RESERVED_SKELETONS = frozenset(skeleton(word) for word in RESERVED)


def chosen(value: str, field: str = "handle") -> str:
    """A handle that somebody may choose, if nobody has it. 422."""
    value = value.removeprefix("@")
    if not CHOSEN.fullmatch(value):
        raise bad_field(field, "2 to 30 letters, digits, '_', '.' or '-', a letter or digit at both ends")
    if skeleton(value) in _RESERVED_SKELETONS:
        raise bad_field(field, f"{value} is not given to anybody: it could be taken for the server's own word")
    return value


def fingerprint(handle: str) -> str:
    return hashlib.sha256(skeleton(handle).encode()).hexdigest()


async def is_forsaken(connection: AsyncConnection, handle: str) -> bool:
    """Whether it, or one that looks like it, was that of an account that has been deleted."""
    gone = (
        select(claimed_handles.c.account)
        .join(accounts, accounts.c.id == claimed_handles.c.account)
        .where(claimed_handles.c.skeleton_sha256 == fingerprint(handle), accounts.c.status == "deleted")
    )
    return (await connection.execute(gone)).first() is not None


async def reserve(connection: AsyncConnection, account: int, handle: str, now: datetime, *, strictly: bool) -> bool:
    """Put the account's name on the handle and what looks like it; False: it is, or was, somebody else's.

    Not strictly: an integrator's own accounts may look like each other, but none takes the handle of one that is gone.
    """
    key = fingerprint(handle)
    row = {"skeleton_sha256": key, "account": account, "claimed_at": now}
    await connection.execute(insert_or_ignore(connection, claimed_handles).values(row))
    holder = (
        select(claimed_handles.c.account, accounts.c.status)
        .join(accounts, accounts.c.id == claimed_handles.c.account)
        .where(claimed_handles.c.skeleton_sha256 == key)
    )
    held = (await connection.execute(holder)).one()
    return held.account == account or (not strictly and held.status != "deleted")
