"""Who wants a creator's mail, at which address, since when and from where; and which addresses take none.

Consent counts from its confirmation: a link that was sent to the address has been followed, or the account has proved
the address before. Rows are ended, never changed: they are the evidence.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import accounts, audit, fields
from access.benefit_model import MailConsent
from access.database import alone_with, insert_or_ignore
from access.errors import AccessError
from access.mail_addresses import address_key, email_address
from access.model import Account
from access.tables_benefits import mail_bounces, mail_consents
from access.tables_people import mailboxes

CONFIRMATIONS_PER_DAY_MAX = 5
"""Of one account, and to one address: nobody's mailbox is filled with questions."""
DAY = timedelta(days=1)

STANDING = mail_consents.c.withdrawn_at.is_(None) & mail_consents.c.confirmed_at.is_not(None)


async def give(
    connection: AsyncConnection,
    account: Account,
    creator: int,
    address: str | None,
    source: str,
    can_ask: bool,
    now: datetime,
) -> MailConsent:
    """`address` None: the one that the account signs in with. Given again for the same address it changes nothing.

    What comes back unconfirmed has to be asked for at the address; `can_ask`: whether mail can be sent at all.
    403 suspended; 409 no_address, no_mail, too_many_confirmations; 422.
    """
    if account.status != "active":
        raise AccessError(403, "suspended", "This account is suspended.")
    source = fields.text(source, "source", 100)
    await accounts.lock(connection, account.id)
    mailbox = await _mailbox(connection, account.id)
    if address is None:
        if mailbox is None:
            raise AccessError(409, "no_address", "This account has no e-mail address: name one.", "email")
        address = mailbox
    address = email_address(address)
    key = digest(address)
    before = await _standing(connection, account.id, creator)
    if before is not None and before.address_sha256 == key and before.confirmed_at is not None:
        return _consent(before)
    proved = mailbox is not None and digest(mailbox) == key and not await bounced(connection, address)
    if not proved and not can_ask:
        raise AccessError(409, "no_mail", "This server sends no mail, so it cannot ask whether the address is yours.")
    if not proved:
        await _may_ask(connection, account.id, key, now)
    if before is not None:
        await _end(connection, mail_consents.c.id == before.id, "replaced", now)
    row = {
        "account": account.id,
        "creator": creator,
        "address": address,
        "address_sha256": key,
        "source": source,
        "given_at": now,
        "confirmed_at": now if proved else None,
    }
    made = (await connection.execute(insert(mail_consents).values(row).returning(mail_consents))).one()
    await audit.record(
        connection, now, "mail.consent.given", actor=account.id, account=account.id, creator=creator, consent=made.id
    )
    return _consent(made)


async def confirm(connection: AsyncConnection, consent: int, now: datetime) -> MailConsent:
    """Its link has been followed, so the address works. Idempotent. 404 unknown_consent; 410 withdrawn."""
    row = await _by_id(connection, consent)
    if row.withdrawn_at is not None:
        raise AccessError(410, "withdrawn", "This has been withdrawn meanwhile; subscribe again.")
    if row.confirmed_at is None:
        mine = mail_consents.c.id == consent
        await connection.execute(update(mail_consents).where(mine).values(confirmed_at=now))
        await connection.execute(delete(mail_bounces).where(mail_bounces.c.address_sha256 == row.address_sha256))
        await audit.record(
            connection, now, "mail.consent.confirmed", actor=row.account, account=row.account, creator=row.creator,
            consent=consent,
        )  # fmt: skip
    return _consent(await _by_id(connection, consent))


async def withdraw(connection: AsyncConnection, account: int, creator: int, by: str, now: datetime) -> bool:
    """No more mail of this creator to this account, from the next claim on. Idempotent; whether there was any to be ended."""
    ended = await _end(connection, (mail_consents.c.account == account) & (mail_consents.c.creator == creator), by, now)
    for consent in ended:
        await audit.record(
            connection, now, "mail.consent.withdrawn", actor=account, account=account, creator=creator,
            consent=consent, by=by,
        )  # fmt: skip
    return bool(ended)


async def standing_of(connection: AsyncConnection, account: int, creator: int) -> MailConsent | None:
    """Also one that is not yet confirmed."""
    row = await _standing(connection, account, creator)
    return None if row is None else _consent(row)


async def of_account(connection: AsyncConnection, account: int) -> list[MailConsent]:
    mine = (mail_consents.c.account == account) & mail_consents.c.withdrawn_at.is_(None)
    return [_consent(row) for row in await connection.execute(select(mail_consents).where(mine))]


async def by_id(connection: AsyncConnection, consent: int) -> MailConsent:
    """404 unknown_consent."""
    return _consent(await _by_id(connection, consent))


async def suppress(connection: AsyncConnection, address_sha256: str, kind: str, now: datetime) -> None:
    """No mail to this address until its owner confirms it anew. A `complaint` also withdraws every consent for it."""
    row = {"address_sha256": address_sha256, "kind": kind, "at": now}
    await connection.execute(insert_or_ignore(connection, mail_bounces).values(row))
    if kind == "complaint":
        mine = mail_bounces.c.address_sha256 == address_sha256
        await connection.execute(update(mail_bounces).where(mine).values(kind=kind, at=now))
        await _end(connection, mail_consents.c.address_sha256 == address_sha256, kind, now)


async def bounced(connection: AsyncConnection, address: str) -> bool:
    query = select(mail_bounces.c.kind).where(mail_bounces.c.address_sha256 == digest(address))
    return (await connection.execute(query)).first() is not None


def digest(address: str) -> str:
    """By which an address is remembered that is not to be read again."""
    return sha256(address_key(address).encode()).hexdigest()


async def _may_ask(connection: AsyncConnection, account: int, key: str, now: datetime) -> None:
    await alone_with(connection, f"confirmations:{key}")
    for mine in (mail_consents.c.account == account, mail_consents.c.address_sha256 == key):
        recent = select(func.count()).select_from(mail_consents).where(mine, mail_consents.c.given_at > now - DAY)
        if (await connection.execute(recent)).scalar_one() >= CONFIRMATIONS_PER_DAY_MAX:
            raise AccessError(409, "too_many_confirmations", "Enough for today: look into the mailbox, or come back.")


async def _end(connection: AsyncConnection, which: ColumnElement[bool], by: str, now: datetime) -> list[int]:
    running = update(mail_consents).where(which, mail_consents.c.withdrawn_at.is_(None))
    ended = await connection.execute(running.values(withdrawn_at=now, withdrawn_by=by).returning(mail_consents.c.id))
    return [row.id for row in ended]


async def _mailbox(connection: AsyncConnection, account: int) -> str | None:
    """The address that the account has proved by signing in with it."""
    query = select(mailboxes.c.address).where(mailboxes.c.account == account)
    return (await connection.execute(query)).scalar_one_or_none()


async def _standing(connection: AsyncConnection, account: int, creator: int) -> Row[Any] | None:
    mine = (mail_consents.c.account == account) & (mail_consents.c.creator == creator)
    query = select(mail_consents).where(mine, mail_consents.c.withdrawn_at.is_(None))
    return (await connection.execute(query)).one_or_none()


async def _by_id(connection: AsyncConnection, consent: int) -> Row[Any]:
    known = 0 < consent <= accounts.ID_MAX
    query = select(mail_consents).where(mail_consents.c.id == consent)
    row = (await connection.execute(query)).one_or_none() if known else None
    if row is None:
        raise AccessError(404, "unknown_consent", "There is no such subscription to a newsletter.")
    return row


def _consent(row: Row[Any]) -> MailConsent:
    return MailConsent(
        row.id, row.account, row.creator, row.address, row.source, row.given_at, row.confirmed_at, row.withdrawn_at,
        row.withdrawn_by,
    )  # fmt: skip
