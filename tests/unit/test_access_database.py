"""The database beneath: migrations make what the tables say, and a transaction means the same on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

import spaces.db.tables
from access.database import make_engine, reading, writing
from access.tables import counters, grants, integrations, metadata
from spaces.db.migrate import is_current, upgrade
from tests.harness.database import fresh_database_url, fresh_engine

pytestmark = pytest.mark.thorough


async def test_an_empty_database_is_brought_up_to_date_once(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path) as url:
        engine = make_engine(url)
        assert not await is_current(engine)
        await asyncio.gather(upgrade(engine), upgrade(engine))  # two nodes that start at once
        assert await is_current(engine)
        await engine.dispose()


async def test_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    assert spaces.db.tables.spaces.metadata is metadata

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with fresh_engine(tmp_path) as engine, engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_times_come_back_as_they_went_in(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 1, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    async with fresh_engine(tmp_path) as engine:
        async with writing(engine) as connection:
            await connection.execute(insert(integrations).values(name="x", created_at=moment))
        async with reading(engine) as connection:
            read = (await connection.execute(select(integrations.c.created_at))).scalar_one()
        assert read == moment
        assert read.tzinfo is UTC
        with pytest.raises(StatementError, match="no moment"):
            async with writing(engine) as connection:
                await connection.execute(insert(integrations).values(name="y", created_at=datetime(2026, 3, 1)))


async def test_writers_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine:
        async with writing(engine) as connection:
            await connection.execute(insert(counters).values(name="test", value=0))

        async def add_one() -> None:
            async with writing(engine) as connection:
                mine = counters.c.name == "test"
                value = (await connection.execute(select(counters.c.value).where(mine).with_for_update())).scalar_one()
                await asyncio.sleep(0)
                await connection.execute(update(counters).where(mine).values(value=value + 1))

        await asyncio.gather(*(add_one() for _ in range(12)))
        async with reading(engine) as connection:
            assert (await connection.execute(select(counters.c.value))).scalar_one() == 12


async def test_a_crowd_of_writers_is_served_in_order_and_a_cancelled_one_holds_nobody_up(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine:
        served: list[int] = []

        async def write(number: int) -> None:
            async with writing(engine) as connection:
                await connection.execute(insert(counters).values(name=f"writer {number}", value=0))
            served.append(number)

        tasks = [asyncio.create_task(write(number)) for number in range(40)]
        await asyncio.gather(*tasks[:5])
        cancelled = [task for task in tasks if not task.done()][:10]
        for task in cancelled:
            task.cancel()
        await asyncio.wait(tasks)
        assert {task for task in tasks if task.cancelled()} <= set(cancelled)
        async with reading(engine) as connection:
            written = {row.name for row in await connection.execute(select(counters.c.name))}
        assert {f"writer {number}" for number in served} <= written
        if engine.dialect.name == "sqlite":
            assert served == sorted(served)


async def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine, asyncio.timeout(5), writing(engine) as writer:
        await writer.execute(insert(counters).values(name="test", value=0))
        async with reading(engine) as reader:
            assert (await reader.execute(select(counters))).all() == []


async def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine:

        async def fail() -> None:
            async with writing(engine) as connection:
                await connection.execute(insert(counters).values(name="test", value=0))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        async with reading(engine) as connection:
            assert (await connection.execute(select(counters))).all() == []


@pytest.mark.parametrize(
    "row",
    [
        {"source": "period", "end": datetime(2027, 1, 1, tzinfo=UTC)},  # no proof of payment
        {"source": "gift", "end": None},  # endless
        {"source": "wish", "end": datetime(2027, 1, 1, tzinfo=UTC)},
        {"source": "comp", "account": 99},  # of nobody
    ],
)
async def test_the_database_itself_refuses_impossible_grants(tmp_path: Path, row: dict[str, object]) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    async with fresh_engine(tmp_path) as engine:
        async with writing(engine) as connection:
            await connection.execute(
                text("INSERT INTO accounts (id, status, created_at) VALUES (1, 'active', '2026-01-01')")
            )
            await connection.execute(
                text("INSERT INTO creators (id, kind, created_at) VALUES (1, 'person', '2026-01-01')")
            )
        usual = {"account": 1, "creator": 1, "start": now, "epoch": 0, "created_at": now}
        with pytest.raises(IntegrityError):
            async with writing(engine) as connection:
                await connection.execute(insert(grants).values(usual | row))


async def test_sqlite_is_opened_in_wal_mode_with_its_folder(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'new' / 'folder' / 'spaces.db'}")
    async with reading(engine) as connection:
        pragmas = [(await connection.execute(text(f"PRAGMA {name}"))).scalar_one() for name in PRAGMAS]
    await engine.dispose()
    assert pragmas == list(PRAGMAS.values())


PRAGMAS = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000, "synchronous": 1}
