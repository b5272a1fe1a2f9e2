"""Operators: accounts that may act for the server. The first is made from the command line, by who has the machine."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit
from access.database import insert_or_ignore
from access.errors import AccessError
from access.mail_addresses import email_address
from access.model import Account
from access.sign_in import of_mailbox
from access.tables_people import operators


async def is_operator(connection: AsyncConnection, account: Account) -> bool:
    query = select(operators.c.account).where(operators.c.account == account.id)
    return account.status == "active" and (await connection.execute(query)).first() is not None


async def find_or_invite(connection: AsyncConnection, who: str, now: datetime) -> Account:
    """By a mail address, whose account is made if there is none; or by a handle or id. 404 unknown_account; 422."""
    if "@" in who.removeprefix("@"):
        account = await of_mailbox(connection, email_address(who, "account"), now, invited=True)
        return await accounts.by_id(connection, account)
    found = await accounts.find(connection, who if who.startswith("@") or who.isdecimal() else f"@{who}", None)
    if found is None:
        raise AccessError(404, "unknown_account", f"There is no account {who}; a mail address would make one.")
    return found


async def appoint(connection: AsyncConnection, account: Account, now: datetime) -> None:
    """Idempotent."""
    row = {"account": account.id, "since": now}
    if (await connection.execute(insert_or_ignore(connection, operators).values(row))).rowcount:
        await audit.record(connection, now, "operator.appointed", actor=None, account=account.id)


async def dismiss(connection: AsyncConnection, account: Account, now: datetime) -> None:
    """Idempotent."""
    if (await connection.execute(delete(operators).where(operators.c.account == account.id))).rowcount:
        await audit.record(connection, now, "operator.dismissed", actor=None, account=account.id)
