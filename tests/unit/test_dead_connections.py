"""PostgreSQL's connections die: who has not come to his commit does not notice, and nobody is passed over meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access.database import read, write
from access.postgresql import AT_ONCE_MAX
from access.tables import counters
from tests.harness.database import fresh_engine

pytestmark = pytest.mark.postgresql

DIE = "SELECT pg_terminate_backend(pg_backend_pid())"
KILL_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class Writer:
    """Writes a row, and has its connection killed so often, `before` or `after` it."""

    def __init__(self, kills: int, *, when: str) -> None:
        self.kills, self.when, self.calls = kills, when, 0

    async def __call__(self, connection: AsyncConnection) -> int:
        self.calls += 1
        die = self.calls <= self.kills
        if die and self.when == "before":
            await connection.execute(text(DIE))
        await connection.execute(insert(counters).values(name="row", value=self.calls))
        if die and self.when == "after":
            await connection.execute(text(DIE))
        return self.calls


async def rows(connection: AsyncConnection) -> list[int]:
    return [row.value for row in await connection.execute(select(counters.c.value).where(counters.c.name == "row"))]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_was_not_committed_is_done_again_by_itself(tmp_path: Path, when: str) -> None:
    async with fresh_engine(tmp_path) as engine:
        assert await write(engine, Writer(1, when=when)) == 2
        assert await read(engine, rows) == [2]


async def test_who_is_killed_again_hears_of_it_and_nothing_is_left(tmp_path: Path) -> None:
    writer = Writer(2, when="after")
    async with fresh_engine(tmp_path) as engine:
        with pytest.raises(DBAPIError):
            await write(engine, writer)
        assert writer.calls == 2
        assert await read(engine, rows) == []


async def test_a_commit_whose_answer_is_lost_is_the_callers_to_ask_again(tmp_path: Path) -> None:
    writer = Writer(0, when="before")
    async with fresh_engine(tmp_path) as engine:

        @event.listens_for(engine.sync_engine, "commit", once=True)
        def die(connection: Connection) -> None:
            connection.exec_driver_sql(DIE)

        with pytest.raises(DBAPIError):
            await write(engine, writer)
        assert writer.calls == 1
        assert await write(engine, writer) == 2


async def test_after_a_restart_nobody_is_given_a_dead_connection(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine, fresh_engine(tmp_path) as other:
        await fill_pool(engine)
        async with other.connect() as connection:
            database = engine.url.database
            killed = await connection.execute(text(KILL_ALL.replace("current_database()", f"'{database}'")))
            assert len(killed.all()) >= AT_ONCE_MAX
        assert await asyncio.gather(*(read(engine, rows) for _ in range(AT_ONCE_MAX))) == [[]] * AT_ONCE_MAX


async def fill_pool(engine: AsyncEngine) -> None:
    """Each of the connections that there may be at once is there, idle."""

    async def wait(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT pg_sleep(0.1)"))

    await asyncio.gather(*(read(engine, wait) for _ in range(AT_ONCE_MAX)))


async def test_a_crowd_begins_in_the_order_in_which_it_came(tmp_path: Path) -> None:
    began: list[int] = []

    async def twice(engine: AsyncEngine, number: int) -> None:
        async def first(connection: AsyncConnection) -> None:
            began.append(number)
            await rows(connection)

        await read(engine, first)
        await read(engine, rows)  # comes back at once, and is not let in before those who wait

    async with fresh_engine(tmp_path) as engine:
        await fill_pool(engine)
        await asyncio.gather(*(twice(engine, number) for number in range(4 * AT_ONCE_MAX)))
    assert all(abs(place - number) < AT_ONCE_MAX for place, number in enumerate(began)), began
