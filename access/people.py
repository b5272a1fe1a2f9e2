"""People who sign in here by themselves, their sessions, what they are called, and the operators. A transaction each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import accounts, audit, fields, guests, operators, privacy, sessions, sign_in
from access.database import read, write
from access.errors import AccessError, TokenError
from access.guests import Pass
from access.mail_addresses import email_address
from access.model import Account
from access.sessions import Client, Opened, Session
from access.sign_in import Asked
from access.tables import accounts as account_rows


@dataclass(frozen=True, slots=True)
class Retention:
    """How long is kept what nobody needs for ever; None: for ever."""

    client_addresses: timedelta = timedelta(days=30)
    audit: timedelta | None = timedelta(days=3 * 365)
    admissions: timedelta = timedelta(days=90)
    """From when they end."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What somebody is told about his own account."""

    account: Account
    address: str | None
    """Where codes for signing in are sent; None: an account of an integration or of an OpenID provider."""
    is_operator: bool


class People:
    """All refusals are AccessError."""

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime], retention: Retention) -> None:
        self._engine = engine
        self._now = now
        self._retention = retention

    # --- in and out

    async def ask(self, address: str) -> Asked:
        """Begin to sign in by mail; the code of the answer is to be sent. 422, 429 too_many_mails."""
        return await write(self._engine, sign_in.ask, address, self._now())

    async def answer(self, browser: str, code: str, client: Client) -> Opened:
        """409 no_sign_in, 422 bad_code."""
        outcome = await write(self._engine, sign_in.answer, browser, code, client, self._now())
        if isinstance(outcome, AccessError):
            raise outcome
        return outcome

    async def vouched(
        self, issuer: str, subject: str, client: Client, *, name: str | None = None, address: str | None = None
    ) -> Opened:
        """Sign in somebody whom an OpenID provider vouches for; `address` only if the provider has verified it."""
        if name is not None:
            name = "".join(c for c in name if fields.is_storable(c) and c not in fields.TURNING).strip()[:100] or None
        if address is not None:
            try:
                address = email_address(address)
            except AccessError:
                address = None
        return await write(self._engine, self._vouched, issuer, subject, client, name, address, self._now())

    @staticmethod
    async def _vouched(
        connection: AsyncConnection,
        issuer: str,
        subject: str,
        client: Client,
        name: str | None,
        address: str | None,
        now: datetime,
    ) -> Opened:
        account = await sign_in.of_identity(connection, issuer, subject, name, address, now)
        return await sessions.open_session(connection, account, "oidc", client, now)

    async def signed_in(self, token: str) -> tuple[Account, int] | None:
        """Whose session this is, and its id; None: nobody's (any more)."""
        now = self._now()
        account, session, stale = await read(self._engine, _of_session, token, now)
        if account is None:
            return None
        if stale:
            await write(self._engine, sessions.note_use, session, now)
        return account, session

    async def sign_out(self, token: str) -> None:
        """Idempotent."""
        await write(self._engine, sessions.close, token, self._now())

    async def sessions(self, account: Account) -> list[Session]:
        return await read(self._engine, sessions.of_account, account.id, self._now())

    async def revoke(self, account: Account, session: int) -> None:
        """404 unknown_session."""
        await write(self._engine, sessions.revoke, account.id, session, self._now())

    async def revoke_others(self, account: Account, kept: int | None) -> None:
        await write(self._engine, sessions.revoke_others, account.id, kept, self._now())

    # --- guests

    async def make_guest(self, space: str, name: str, until: datetime) -> Pass:
        """Somebody without an account of his own, who is to speak in this Space. 422 bad_field."""
        return await write(self._engine, guests.make, space, name, until, self._now())

    async def guest_of_pass(self, token: str, space: str) -> Account:
        """Raises TokenError, also for a pass to another Space."""
        account = await read(self._engine, guests.find, token, space, self._now())
        if account is None:
            raise TokenError("token_guest", "This guest's pass does not open this Space, or its time is over.")
        return account

    # --- what they are called

    async def profile(self, account: Account) -> Profile:
        return await read(self._engine, _profile, account.id)

    async def rename(self, account: Account, *, handle: str | None = None, name: str | None = None) -> Account:
        """409 handle_taken, handle_set, not_yours (an integration says what its accounts are called); 422."""
        return await write(self._engine, _rename, account, handle, name, self._now())

    # --- operators

    async def appoint(self, who: str) -> Account:
        """By mail address (an account is made), handle or id. 404 unknown_account; 422."""

        async def work(connection: AsyncConnection, now: datetime) -> Account:
            account = await operators.find_or_invite(connection, who, now)
            await operators.appoint(connection, account, now)
            return account

        return await write(self._engine, work, self._now())

    async def dismiss(self, who: str) -> Account:
        async def work(connection: AsyncConnection, now: datetime) -> Account:
            account = await operators.find_or_invite(connection, who, now)
            await operators.dismiss(connection, account, now)
            return account

        return await write(self._engine, work, self._now())

    # --- what is known of them

    async def export(self, account: Account) -> dict[str, Any]:
        """Everything that is stored about the account, by table."""
        return await write(self._engine, privacy.export, account, self._now())

    async def delete(self, account: Account) -> None:
        """Forget who it was. 409 still_subscribed, still_selling, still_live."""
        await write(self._engine, privacy.delete, account, self._now())

    async def check_audit(self, head: str | None = None) -> audit.Trail:
        return await read(self._engine, audit.check, head)

    async def sweep(self, connection: AsyncConnection) -> None:
        """Forget what is past its time, as part of the caller's transaction."""
        now, kept = self._now(), self._retention
        await sign_in.forget(connection, now)
        await sessions.forget(connection, now, kept.client_addresses)
        await guests.forget(connection, now, kept.client_addresses)
        if kept.audit is not None:
            await audit.forget(connection, now, kept.audit)


async def _of_session(connection: AsyncConnection, token: str, now: datetime) -> tuple[Account | None, int, bool]:
    found = await sessions.find(connection, token, now)
    if found is None:
        return None, 0, False
    account, session, stale = found
    return (await accounts.by_ids(connection, [account])).get(account), session, stale


async def _profile(connection: AsyncConnection, account: int) -> Profile:
    found = await accounts.by_id(connection, account)
    address = await sign_in.address_of(connection, account)
    return Profile(found, address, await operators.is_operator(connection, found))


async def _rename(
    connection: AsyncConnection, account: Account, handle: str | None, name: str | None, now: datetime
) -> Account:
    if account.integration is not None:
        raise AccessError(409, "not_yours", "Your own site says what you are called.")
    await accounts.lock(connection, account.id)
    if handle is not None:
        await accounts.set_handle(connection, account.id, handle, None, now)
        await audit.record(connection, now, "handle.claimed", actor=account.id, account=account.id)
    if name is not None:
        values = {"name": fields.text(name, "name", 100)}
        await connection.execute(update(account_rows).where(account_rows.c.id == account.id).values(values))
    return await accounts.by_id(connection, account.id)
