"""Access on a database of its own with a clock that the test turns, and short ways to make people, tiers and payments."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from access.decide import Action, Allow, Deny, Policy, Resource
from access.embedded_money import EmbeddedTestMoney
from access.model import Account, Creator, Subscription, Tier
from access.service import Access
from access.tokens import Identity, make_account_token
from tests.harness.database import fresh_engine

KEY = "key-1"
SECRET = "a secret of the tests, 32 bytes or longer"
START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    """Stands still until the test moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> datetime:
        self.now += timedelta(**delta)
        return self.now


@dataclass
class World:
    engine: AsyncEngine
    access: Access
    clock: Clock
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    """Of people."""

    def token(self, sub: str, **claims: Any) -> str:
        return make_account_token(
            KEY, SECRET, Identity(sub, claims.get("name"), claims.get("handle")), now=self.clock()
        )

    async def person(self, handle: str | None = None) -> Account:
        return await self.access.authenticate(self.token(f"person-{next(self.numbers)}", handle=handle))

    async def creator(self, handle: str | None = None) -> tuple[Account, Creator]:
        account = await self.person()
        creator = await self.access.create_creator(account, handle=handle or f"creator-{account.id}")
        return account, creator

    async def tier(self, owner: Account, creator: Creator, level: int = 1, **options: Any) -> Tier:
        usual: dict[str, Any] = {"name": f"Level {level}", "level": level, "currency": "USD"}
        usual["amount_minor"] = 100 * level + 99
        return await self.access.create_tier(owner, creator, **(usual | options))

    async def subscribe(self, fan: Account, creator: Creator, tier: Tier) -> Subscription:
        """Begin and pay."""
        begun = await self.access.follows.subscribe(fan, creator, tier=tier.id)
        return await self.access.follows.pay(pay_ref(begun), "succeed")

    async def may_join(self, account: Account | None, creator: Creator, tier: Tier | None = None) -> Allow | Deny:
        return await self.access.decide(account, Action.JOIN, subscribers_only(creator, tier))

    async def rows(self, query: str) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(query))).all())


def pay_ref(subscription: Subscription) -> str:
    assert subscription.checkout_url is not None
    return subscription.checkout_url.rsplit("/", 1)[1]


def subscribers_only(creator: Creator, tier: Tier | None = None, space: str = "aSpace") -> Resource:
    return Resource(space, creator.id, (Policy("subscribers", None if tier is None else tier.id),))


def open_to_all(creator: Creator, space: str = "anOpenSpace") -> Resource:
    return Resource(space, creator.id, (Policy("open"),))


async def make_world(engine: AsyncEngine) -> World:
    """On a migrated database."""
    world = world_on(engine)
    await world.access.ensure_key(KEY, SECRET)
    return world


def world_on(engine: AsyncEngine) -> World:
    """On a database that has the key already."""
    clock = Clock()
    provider = EmbeddedTestMoney(engine, lambda: "http://127.0.0.1:1")
    return World(engine, Access(engine, provider=provider, join_token_key=b"j" * 32, now=clock), clock)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with fresh_engine(tmp_path) as engine:
        yield await make_world(engine)
