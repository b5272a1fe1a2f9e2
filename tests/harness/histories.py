"""Random histories: how many of them, and a World of its own for each, cheap enough for tens of thousands."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from access.errors import AccessError
from access.tables import metadata
from tests.harness.database import fresh_engine, server_url
from tests.harness.in_place import InPlaceEngine, template
from tests.harness.long_profile import long_profile
from tests.harness.world import World, make_world, world_on

T = TypeVar("T")
GARBAGE_MAX = 100_000
"""Objects before they are looked through. A history makes millions, hardly any in circles, and looking took a fifth of it."""


def histories(quick: int) -> Callable[[Any], Any]:
    """`quick`: how many in the usual run; the long profile says itself. Shrinking a long life takes minutes: it is left out
    there, and what failed is printed whole. On PostgreSQL the usual run has a third: what may differ there are statements."""
    examples = long_profile()
    phases = [phase for phase in Phase if examples is None or phase is not Phase.shrink]
    return settings(
        max_examples=examples or (max(5, quick // 3) if server_url() else quick),
        phases=phases,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
        deadline=None,
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long profile takes as long as it takes."""
    for item in items:
        if long_profile() is not None and item.path.parent.name == "property":
            item.add_marker(pytest.mark.timeout(0))


async def outcome(act: Awaitable[T]) -> tuple[T | None, AccessError | None]:
    """What it returned, or how it was refused."""
    try:
        return await act, None
    except AccessError as refused:
        return None, refused


@dataclass
class Worlds:
    engine: AsyncEngine = field(repr=False)  # a failing example is printed with its worlds
    _kept: dict[Any, tuple[bytes, Any, int]] = field(default_factory=dict, repr=False)

    async def new(self) -> World:
        """Everything that was there before is gone."""
        if isinstance(self.engine, InPlaceEngine):
            self.engine.start_anew()
        else:
            await _empty(self.engine)
        return await make_world(self.engine)

    async def prepared(self, prepare: Callable[[World], Awaitable[T]]) -> tuple[World, T]:
        """A new world after `prepare`, and what that returned, which nobody changes. In memory it is done once, and copied."""
        known = self._kept.get(prepare)
        if known is None:
            world = await self.new()
            made = await prepare(world)
            if isinstance(self.engine, InPlaceEngine):
                self._kept[prepare] = self.engine.serialize(), made, next(world.numbers)
            return world, made
        assert isinstance(self.engine, InPlaceEngine)
        self.engine.start_anew(known[0])
        world = world_on(self.engine)
        world.numbers = itertools.count(known[2])
        return world, known[1]


async def _empty(engine: AsyncEngine) -> None:
    """Triggers and references rest meanwhile; TRUNCATE would make sixty files anew."""
    tables = "; ".join(f"DELETE FROM {name}" for name in metadata.tables)
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute(f"SET session_replication_role = replica; {tables}; RESET session_replication_role")
        await connection.execute(text("SELECT 1"))


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[Worlds]:
    if server_url():
        async with fresh_engine(tmp_path) as engine:
            yield Worlds(engine)
        return
    await asyncio.to_thread(template)
    engine = InPlaceEngine()
    thresholds = gc.get_threshold()
    gc.set_threshold(GARBAGE_MAX, *thresholds[1:])
    yield Worlds(engine)
    gc.set_threshold(*thresholds)
    await engine.dispose()
