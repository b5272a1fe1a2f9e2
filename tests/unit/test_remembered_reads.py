"""What is asked again and again is read anew as soon as anybody has committed; SQLite alone tells that nobody has."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access.database import make_engine, remembered, write
from access.glance import Glance
from access.tables import counters
from tests.harness.database import fresh_database_url


class Names:
    """Names of the counters beyond a value, and how often they were read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.reads = 0
        self.over = remembered(engine, self._read)

    async def _read(self, connection: AsyncConnection, value: int) -> list[str]:
        self.reads += 1
        query = select(counters.c.name).where(counters.c.value > value).order_by(counters.c.name)
        return list((await connection.execute(query)).scalars())


async def add(engine: AsyncEngine, name: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(counters).values(name=name, value=1))

    await write(engine, work)


async def test_every_commit_is_seen_at_once_whoever_made_it(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path, migrated=True) as url:
        here, elsewhere = make_engine(url), make_engine(url)
        names = Names(here)
        assert await names.over(0) == []
        for count, engine in enumerate((here, elsewhere, here, elsewhere, elsewhere), start=1):
            await add(engine, f"test {count}")
            assert len(await names.over(0)) == count
            assert len(await names.over(0)) == count
        assert await names.over(1) == []  # asked for something else
        await here.dispose()
        await add(elsewhere, "while it was closed")
        assert len(await names.over(1)) == 0
        assert len(await names.over(0)) == 6
        await here.dispose()
        await elsewhere.dispose()


async def test_sqlite_is_not_read_again_while_nobody_has_committed(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'spaces.db'}")
    async with engine.begin() as connection:
        await connection.run_sync(counters.create)
    names = Names(engine)
    for _ in range(20):
        assert await names.over(0) == []
    assert names.reads == 1
    await add(engine, "test")
    for _ in range(20):
        assert await names.over(0) == ["test"]
    assert names.reads == 2
    await engine.dispose()


async def test_a_read_that_failed_is_not_remembered(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'spaces.db'}")
    names = Names(engine)
    for _ in range(2):
        with pytest.raises(SQLAlchemyError):
            await names.over(0)
    assert names.reads == 2
    await engine.dispose()


def test_a_file_that_cannot_be_looked_at_tells_nothing(tmp_path: Path) -> None:
    glance = Glance(str(tmp_path / "no folder" / "spaces.db"))
    assert glance.version() is None
    assert glance.version() is None
