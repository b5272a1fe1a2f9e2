"""Payout accounts outward: a creator connects one with the provider. Only his owner and finance may."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from access import creators, payout_accounts
from access.database import read, write
from access.dealings import Dealings
from access.errors import AccessError
from access.fields import bad_field
from access.model import Account, Creator
from access.money_model import PayoutAccount
from access.payments import AccountRequest, Onboarding, ProviderError

COUNTRY = re.compile("[A-Z]{2}", re.ASCII)


class PayoutAccounts:
    def __init__(self, desk: Dealings) -> None:
        self._desk = desk

    async def get(self, actor: Account, creator: Creator) -> PayoutAccount:
        """One that is not ready is asked about, for the provider may not have told yet. 403 not_creator."""
        desk = self._desk
        row = await read(desk.engine, _as_finance, actor, creator, desk.provider.name, to_read=True)
        if row is not None and row.state != "ready":
            try:
                await desk.take(await desk.provider.fetch("payout_account", row.ref, now=desk.now()))
            except ProviderError as error:
                if not error.may_pass:
                    raise
            row = await read(desk.engine, _as_finance, actor, creator, desk.provider.name, to_read=True)
        needed = desk.provider.pays_to_accounts
        return PayoutAccount(needed, "none") if row is None else PayoutAccount(needed, row.state, row.reason)

    async def connect(
        self, actor: Account, creator: Creator, *, country: str | None = None, return_path: str = "/"
    ) -> Onboarding:
        """Where he tells the provider about himself; as often as he likes. 403; 409 no_accounts; 422; 503."""
        desk = self._desk
        if country is not None and not COUNTRY.fullmatch(country):
            raise bad_field("country", "two capital letters, as ISO 3166 has them")
        row = await read(desk.engine, _as_finance, actor, creator, desk.provider.name)
        if not desk.provider.pays_to_accounts:
            raise AccessError(409, "no_accounts", "Payouts need no account with this payment provider.")
        known = None if row is None else str(row.ref)
        request = AccountRequest(creator.id, known, country, return_path)
        key = f"payout_account:{creator.id}:{country or ''}"
        begun = await desk.provider.connect_account(request, key=key, now=desk.now())
        if known is not None:
            return begun
        mine = (desk.provider.name, creator.id)
        await write(desk.engine, payout_accounts.begun, actor, *mine, begun.account, desk.now())
        if await read(desk.engine, payout_accounts.ref, *mine) != begun.account:  # two began at once: one is his
            return await self.connect(actor, creator, return_path=return_path)
        return begun


async def _as_finance(
    connection: AsyncConnection, actor: Account, creator: Creator, provider: str, *, to_read: bool = False
) -> Row[Any] | None:
    await creators.require_member(connection, creator.id, actor, creators.FINANCE_ROLES, to_read=to_read)
    return await payout_accounts.find(connection, provider, creator.id)
