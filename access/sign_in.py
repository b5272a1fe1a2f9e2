"""Signing in by mail: a code is sent to an address, and whoever types it where it was asked for owns that address.

The code works once, for a quarter of an hour, and only in the browser that asked: that browser has a secret of its own in
a cookie. So nobody is signed in to somebody else's account by following a link (login CSRF), and a mail that is read by
others is no use to them. Nothing tells whether an address has an account here: it gets one with its first code.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, platform_settings
from access.database import alone_with, insert_or_ignore
from access.errors import AccessError
from access.mail_addresses import address_key, email_address
from access.sessions import Client, Opened, digest, open_session
from access.tables import accounts as account_rows
from access.tables_people import identities, mailboxes, sign_in_requests

LIFETIME = timedelta(minutes=15)
ATTEMPTS_MAX = 5
"""Wrong codes before a new one has to be asked for: a guess succeeds once in 10¹⁷."""
MAILS_PER_QUARTER_MAX = 5
MAILS_PER_DAY_MAX = 20
"""To one mailbox: more would be a nuisance to its owner, who may not have asked for any."""
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are taken for others."""
CODE_LENGTH = 12
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A sign-in that has begun: the code is for the mail, the browser's secret for its cookie."""

    address: str
    code: str
    browser: str
    expires_at: datetime


async def ask(connection: AsyncConnection, address: str, now: datetime) -> Asked:
    """422 for what is no address; 429 too_many_mails."""
    address = email_address(address, "address")
    key = address_key(address)
    await alone_with(connection, f"mailbox:{key}")
    for span, most in ((LIFETIME, MAILS_PER_QUARTER_MAX), (KEPT, MAILS_PER_DAY_MAX)):
        recent = (sign_in_requests.c.address_key == key) & (sign_in_requests.c.created_at > now - span)
        query = select(func.count()).select_from(sign_in_requests).where(recent)
        if (await connection.execute(query)).scalar_one() >= most:
            raise AccessError(429, "too_many_mails", "This address was sent several codes already; wait a while.")
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    asked = Asked(address, code, secrets.token_urlsafe(32), now + LIFETIME)
    row = {
        "browser_sha256": digest(asked.browser),
        "code_sha256": digest(code),
        "address": address,
        "address_key": key,
        "created_at": now,
        "expires_at": asked.expires_at,
    }
    await connection.execute(insert(sign_in_requests).values(row))
    return asked


async def answer(
    connection: AsyncConnection, browser: str, code: str, client: Client, now: datetime
) -> Opened | AccessError:
    """Signed in; or refused, which is returned and not raised, for a wrong attempt is to be counted all the same."""
    mine = sign_in_requests.c.browser_sha256 == digest(browser)
    row = (await connection.execute(select(sign_in_requests).where(mine).with_for_update())).one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= now or row.attempts >= ATTEMPTS_MAX:
        return AccessError(
            409, "no_sign_in", "No code is waited for in this browser: its time is over, or it was asked for elsewhere."
        )
    if not hmac.compare_digest(row.code_sha256, digest(spelled(code))):
        await connection.execute(update(sign_in_requests).where(mine).values(attempts=row.attempts + 1))
        return AccessError(422, "bad_code", "code: not the one in the newest mail to you", "code")
    await connection.execute(update(sign_in_requests).where(mine).values(used_at=now))
    account = await of_mailbox(connection, row.address, now)
    return await open_session(connection, account, "mail", client, now)


def spelled(code: str) -> str:
    """As it was made, however it was typed."""
    return "".join(code.split()).replace("-", "").upper()


async def of_mailbox(connection: AsyncConnection, address: str, now: datetime, *, invited: bool = False) -> int:
    """The account of an address that has been proved, made if there is none. 403 sign_ups_closed, but not for the invited."""
    key = address_key(address)
    query = select(mailboxes.c.account).where(mailboxes.c.address_key == key)
    account = (await connection.execute(query)).scalar_one_or_none()
    if account is not None:
        return int(account)
    if not invited:
        await _check_open(connection)
    made = await _new_account(connection, now)
    row = {"account": made, "address": address, "address_key": key, "verified_at": now}
    await connection.execute(insert_or_ignore(connection, mailboxes).values(row))
    account = int((await connection.execute(query)).scalar_one())
    if account != made:  # somebody was quicker, in the same moment, with the same mailbox
        await connection.execute(delete(account_rows).where(account_rows.c.id == made))
    else:
        await audit.record(connection, now, "account.made", actor=made, account=made)
    return account


async def of_identity(
    connection: AsyncConnection, issuer: str, subject: str, name: str | None, address: str | None, now: datetime
) -> int:
    """The account of somebody whom an OpenID provider vouches for. `address`: verified by the provider, or None.

    An address that has an account here already does not join the two: only its owner could, by a code.
    """
    query = select(identities.c.account).where(identities.c.issuer == issuer, identities.c.subject == subject)
    account = (await connection.execute(query)).scalar_one_or_none()
    if account is not None:
        return int(account)
    await _check_open(connection)
    made = await _new_account(connection, now, name)
    row = {"issuer": issuer, "subject": subject, "account": made, "created_at": now}
    await connection.execute(insert_or_ignore(connection, identities).values(row))
    account = int((await connection.execute(query)).scalar_one())
    if account != made:
        await connection.execute(delete(account_rows).where(account_rows.c.id == made))
        return account
    if address is not None:
        mailbox = {"account": made, "address": address, "address_key": address_key(address), "verified_at": now}
        await connection.execute(insert_or_ignore(connection, mailboxes).values(mailbox))
    await audit.record(connection, now, "account.made", actor=made, account=made)
    return made


async def forget(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(sign_in_requests).where(sign_in_requests.c.created_at < now - KEPT))


async def _check_open(connection: AsyncConnection) -> None:
    """403 sign_ups_closed."""
    if not await platform_settings.allows(connection, "sign_ups"):
        raise AccessError(403, "sign_ups_closed", "No new accounts are made here at present.")


async def _new_account(connection: AsyncConnection, now: datetime, name: str | None = None) -> int:
    row = {"status": "active", "created_at": now, "name": name}
    return int((await connection.execute(insert(account_rows).values(row).returning(account_rows.c.id))).scalar_one())


async def address_of(connection: AsyncConnection, account: int) -> str | None:
    query = select(mailboxes.c.address).where(mailboxes.c.account == account)
    return (await connection.execute(query)).scalar_one_or_none()
