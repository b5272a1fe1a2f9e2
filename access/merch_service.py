"""The front door of merchandise: each method is one transaction. All refusals are AccessError, or TokenError for a key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from access import creator_keys, merch_codes, merch_discounts
from access.benefit_model import CreatorKey, MerchCode, MerchDiscount
from access.database import read, write
from access.model import Account, Creator


class Merch:
    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    # --- what a tier takes off
    async def offer(
        self, actor: Account, creator: Creator, tier: int, *, percent: int, codes_per_month_max: int = 1
    ) -> MerchDiscount:
        return await write(
            self._engine, merch_discounts.offer, actor, creator.id, tier, percent, codes_per_month_max, self._now()
        )

    async def end_offer(self, actor: Account, creator: Creator, tier: int) -> None:
        await write(self._engine, merch_discounts.end, actor, creator.id, tier, self._now())

    async def discounts(self, creator: Creator) -> list[MerchDiscount]:
        return await read(self._engine, merch_discounts.running, creator.id)

    # --- codes
    async def issue(self, account: Account, creator: Creator) -> MerchCode:
        return await write(self._engine, merch_codes.issue, account, creator.id, self._now())

    async def verify(self, key: CreatorKey, code: str) -> MerchCode:
        return await read(self._engine, merch_codes.verify, key, code, self._now())

    async def redeem(self, key: CreatorKey, code: str, *, order: str) -> MerchCode:
        return await write(self._engine, merch_codes.redeem, key, code, order, self._now())

    async def revoke(self, actor: Account, creator: Creator, code: int) -> None:
        await write(self._engine, merch_codes.revoke, actor, creator.id, code, self._now())

    async def codes(self, account: Account) -> list[MerchCode]:
        return await read(self._engine, merch_codes.of_account, account.id, self._now())

    async def codes_of(self, actor: Account, creator: Creator, *, before: int | None = None) -> list[MerchCode]:
        return await read(self._engine, merch_codes.of_creator, actor, creator.id, before, self._now())

    async def good_codes(self, actor: Account, creator: Creator) -> list[MerchCode]:
        return await read(self._engine, merch_codes.good_ones, actor, creator.id, self._now())

    # --- keys of shops
    async def add_key(
        self, actor: Account, creator: Creator, *, name: str, scope: str = "merch"
    ) -> tuple[CreatorKey, str]:
        return await write(self._engine, creator_keys.create, actor, creator.id, name, scope, self._now())

    async def keys(self, actor: Account, creator: Creator) -> list[CreatorKey]:
        return await read(self._engine, creator_keys.of_creator, actor, creator.id)

    async def revoke_key(self, actor: Account, creator: Creator, key: str) -> None:
        await write(self._engine, creator_keys.revoke, actor, creator.id, key, self._now())

    async def authenticate(self, token: str) -> CreatorKey:
        """Raises TokenError."""
        return await read(self._engine, creator_keys.authenticate, token, "merch")
