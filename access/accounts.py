"""Accounts: made when a token first speaks of them, found by id, handle or the integrator's own id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, handles, outbox
from access.database import insert_or_ignore
from access.errors import AccessError
from access.fields import is_storable
from access.model import Account
from access.tables import accounts
from access.tokens import Identity

ID = re.compile(r"[0-9]{1,19}", re.ASCII)
ID_MAX = 2**63 - 1
EVERY_CREATOR = 0
"""In RightsChanged: not one creator but all."""

BY_SUBJECT = select(accounts).where(
    accounts.c.integration == bindparam("of_integration"), accounts.c.subject == bindparam("called")
)


async def of_identity(connection: AsyncConnection, integration: int, identity: Identity) -> Account | None:
    """The account of a (integration, sub) if it is there and the token tells nothing new of it."""
    row = await _by_subject(connection, integration, identity.subject)
    if row is None or (identity.name is not None and row.name != identity.name):
        return None
    if identity.handle is not None and row.handle is None and await _is_free(connection, identity.handle):
        return None
    return _account(row)


async def ensure(connection: AsyncConnection, integration: int, identity: Identity, now: datetime) -> Account:
    """The account of a (integration, sub), made if there is none; its name follows the token.

    A handle is taken from the token once, and only if it is free: links to it must not move to somebody else.
    """
    new = {
        "integration": integration,
        "subject": identity.subject,
        "name": identity.name,
        "status": "active",
        "created_at": now,
    }
    await connection.execute(insert_or_ignore(connection, accounts).values(new))
    row = await _by_subject(connection, integration, identity.subject)
    assert row is not None
    if identity.name is not None and identity.name != row.name:
        await connection.execute(update(accounts).where(accounts.c.id == row.id).values(name=identity.name))
    if identity.handle is not None and row.handle is None:
        await _take_handle(connection, row.id, identity.handle, now, strictly=False)
    return (await by_ids(connection, [row.id]))[row.id]


async def find(connection: AsyncConnection, ref: str, integration: int | None) -> Account | None:
    """`17`, `@ada` or `sub:x`; deleted accounts are not found."""
    if not is_storable(ref):
        return None
    if ref.startswith("@"):
        condition = accounts.c.handle_key == ref[1:].lower()
    elif ref.startswith("sub:"):
        condition = accounts.c.subject == ref[4:]
        if integration is not None:
            condition &= accounts.c.integration == integration
    elif ID.fullmatch(ref) and int(ref) <= ID_MAX:
        condition = accounts.c.id == int(ref)
    else:
        return None
    rows = (await connection.execute(select(accounts).where(condition, accounts.c.status != "deleted").limit(2))).all()
    return _account(rows[0]) if len(rows) == 1 else None


async def by_ids(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, Account]:
    rows = await connection.execute(select(accounts).where(accounts.c.id.in_(set(ids))))
    return {row.id: _account(row) for row in rows}


async def by_id(connection: AsyncConnection, account: int) -> Account:
    """Raises AccessError 404 unknown_account."""
    found = (await by_ids(connection, [account])).get(account)
    if found is None or found.status == "deleted":
        raise AccessError(404, "unknown_account", "There is no such account.")
    return found


async def any_deleted(connection: AsyncConnection, *several: int) -> bool:
    gone = accounts.c.id.in_(several) & (accounts.c.status == "deleted")
    return (await connection.execute(select(accounts.c.id).where(gone).limit(1))).first() is not None


async def lock(connection: AsyncConnection, account: int) -> None:
    """Nobody else changes this account's row until the transaction ends."""
    await connection.execute(select(accounts.c.id).where(accounts.c.id == account).with_for_update())


async def set_handle(connection: AsyncConnection, account: int, handle: str, name: str | None, now: datetime) -> None:
    """Somebody of an integration has the handles of that site; others choose theirs once. 409 handle_taken, handle_set; 422."""
    mine = await by_id(connection, account)
    if mine.integration is None and handle.lower() != (mine.handle or handle).lower():
        raise AccessError(409, "handle_set", f"This account is @{mine.handle}, which stays.", "handle")
    if mine.integration is None:
        handle = mine.handle or handles.chosen(handle)
    if not await _take_handle(connection, account, handle, now, strictly=mine.integration is None):
        raise AccessError(409, "handle_taken", f"@{handle} is somebody else, or could be taken for somebody.", "handle")
    if name is not None:
        await connection.execute(update(accounts).where(accounts.c.id == account).values(name=name))


async def set_suspended(
    connection: AsyncConnection, account: int, suspended: bool, now: datetime, *, actor: int | None = None
) -> None:
    status = "suspended" if suspended else "active"
    mine = (accounts.c.id == account) & (accounts.c.status != "deleted") & (accounts.c.status != status)
    changed = await connection.execute(update(accounts).where(mine).values(status=status, epoch=accounts.c.epoch + 1))
    if changed.rowcount:
        await audit.record(connection, now, f"account.{status}", actor=actor, account=account)
        await outbox.publish_rights_changed(connection, account, EVERY_CREATOR, now)


async def _by_subject(connection: AsyncConnection, integration: int, subject: str) -> Row[Any] | None:
    found = await connection.execute(BY_SUBJECT, {"of_integration": integration, "called": subject})
    return found.one_or_none()


async def _is_free(connection: AsyncConnection, handle: str) -> bool:
    query = select(accounts.c.id).where(accounts.c.handle_key == handle.lower())
    if (await connection.execute(query)).first() is not None:
        return False
    return not await handles.is_forsaken(connection, handle)


async def _take_handle(
    connection: AsyncConnection, account: int, handle: str, now: datetime, *, strictly: bool
) -> bool:
    """Give the account this handle; False if it is somebody else's, perhaps only since a moment ago."""
    values = {"handle": handle, "handle_key": handle.lower()}
    try:
        async with connection.begin_nested() as attempt:  # a refused row must not undo the rest of the transaction
            if not await handles.reserve(connection, account, handle, now, strictly=strictly):
                await attempt.rollback()
                return False
            await connection.execute(update(accounts).where(accounts.c.id == account).values(values))
    except IntegrityError:
        return False
    return True


def _account(row: Row[Any]) -> Account:
    name = row.name or row.handle or f"Account {row.id}"
    return Account(row.id, row.handle, row.subject, row.integration, name, row.status, row.guest_space is not None)
