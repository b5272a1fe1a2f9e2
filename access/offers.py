"""What a creator offers: publications and their members, prices, dated benefits, coupons. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from access import coupons, creators, members, tier_changes
from access.database import read, write
from access.model import Account, Creator, Tier
from access.money_model import Coupon, CreatorMember


class Offers:
    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    async def found_publication(self, founder: Account, *, handle: str, name: str | None) -> Creator:
        """403; 409 handle_taken; 422."""
        return await write(self._engine, members.found_publication, founder, handle, name, self._now())

    async def may(self, account: Account, creator: int, roles: Container[str | None]) -> bool:
        """Whether the account acts for the creator in one of these roles."""
        return await read(self._engine, creators.is_member, creator, account, roles)

    async def describe(self, actor: Account, creator: Creator, about: str) -> Creator:
        """What the creator says of himself. 403 not_creator; 422."""
        return await write(self._engine, creators.describe, actor, creator.id, about, self._now())

    async def acted_for(self, account: Account) -> list[tuple[Creator, str]]:
        """The creators that the account acts for, and its role with each; himself first, then by handle."""
        return await read(self._engine, members.acted_for, account)

    async def members(self, actor: Account, creator: Creator) -> list[CreatorMember]:
        return await read(self._engine, members.of_creator, actor, creator.id)

    async def set_role(self, actor: Account, creator: Creator, account: Account, role: str) -> None:
        """403 not_creator; 409 last_owner; 422."""
        await write(self._engine, members.set_role, actor, creator.id, account, role, self._now())

    async def remove_member(self, actor: Account, creator: Creator, account: Account) -> None:
        """403 not_creator; 409 last_owner."""
        await write(self._engine, members.remove, actor, creator.id, account, self._now())

    async def set_benefits(self, actor: Account, tier: int, names: Iterable[str]) -> Tier:
        """What a tier gives from now on; what it gave before stays as it was. 403; 404; 409; 422."""
        return await write(self._engine, tier_changes.set_benefits, actor, tier, tuple(names), self._now())

    async def create_coupon(
        self,
        actor: Account,
        creator: Creator,
        *,
        code: str,
        percent_off: float | None = None,
        amount_off: tuple[int, str] | None = None,
        duration: str = "once",
        months: int | None = None,
        tier: int | None = None,
        redemptions_max: int | None = None,
        expires_at: datetime | None = None,
    ) -> Coupon:
        """403; 404 unknown_tier; 409 coupon_exists; 422."""
        return await write(
            self._engine,
            coupons.create,
            actor,
            creator.id,
            code=code,
            percent_off=percent_off,
            amount_off=amount_off,
            duration=duration,
            months=months,
            tier=tier,
            redemptions_max=redemptions_max,
            expires_at=expires_at,
            now=self._now(),
        )

    async def coupons(self, actor: Account, creator: Creator) -> list[Coupon]:
        return await read(self._engine, coupons.of_creator, actor, creator.id)

    async def archive_coupon(self, actor: Account, creator: Creator, code: str) -> Coupon:
        """404 unknown_coupon."""
        return await write(self._engine, coupons.archive, actor, creator.id, code, self._now())
