"""A transaction as one function of its connection: `read` and `write` on both databases, beside `reading` and `writing`."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextvars import ContextVar
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import sqlite
from access.database import make_engine, read, reading, write, writing
from access.tables import counters
from tests.harness.database import fresh_engine, server_url


async def put(connection: AsyncConnection, name: str, value: int = 0) -> int:
    await connection.execute(insert(counters).values(name=name, value=value))
    return value


async def names(connection: AsyncConnection) -> list[str]:
    return [row.name for row in await connection.execute(select(counters.c.name).order_by(counters.c.name))]


async def test_what_a_function_returns_comes_back_and_what_it_wrote_is_there(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine:
        assert await write(engine, put, "a", value=7) == 7
        assert await read(engine, names) == ["a"]
        async with reading(engine) as connection:
            assert await names(connection) == ["a"]


async def test_one_that_fails_leaves_nothing_and_holds_nobody_up(tmp_path: Path) -> None:
    async def fail(connection: AsyncConnection) -> None:
        await put(connection, "lost")
        raise ZeroDivisionError

    async with fresh_engine(tmp_path) as engine:
        with pytest.raises(ZeroDivisionError):
            await write(engine, fail)
        await write(engine, put, "a")
        with pytest.raises(IntegrityError):
            await write(engine, put, "a")
        with pytest.raises(DBAPIError):
            await write(engine, lambda connection: connection.execute(text("SELECT * FROM nothing")))
        await write(engine, put, "b")
        assert await read(engine, names) == ["a", "b"]


async def test_a_part_may_be_undone_within(tmp_path: Path) -> None:
    async def twice(connection: AsyncConnection) -> None:
        await put(connection, "a")
        with pytest.raises(IntegrityError):
            async with connection.begin_nested():
                await put(connection, "a")
        await put(connection, "b")

    async with fresh_engine(tmp_path) as engine:
        await write(engine, twice)
        assert await read(engine, names) == ["a", "b"]


async def test_functions_and_blocks_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    async def add_one(connection: AsyncConnection) -> None:
        query = select(counters.c.value).where(counters.c.name == "a").with_for_update()
        value = (await connection.execute(query)).scalar_one()
        await connection.execute(update(counters).where(counters.c.name == "a").values(value=value + 1))

    async with fresh_engine(tmp_path) as engine:
        await write(engine, put, "a")

        async def in_a_block() -> None:
            async with writing(engine) as connection:
                await asyncio.sleep(0)
                await add_one(connection)

        await asyncio.gather(*(in_a_block() if number % 3 else write(engine, add_one) for number in range(30)))
        assert await read(engine, value_of_a) == 30


async def value_of_a(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(counters.c.value).where(counters.c.name == "a"))).scalar_one())


async def test_readers_wait_for_no_writer(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine, asyncio.timeout(5), writing(engine) as writer:
        await put(writer, "a")
        assert await read(engine, names) == []


async def test_a_reader_sees_one_state_while_others_write(tmp_path: Path) -> None:
    async def look_twice(connection: AsyncConnection) -> tuple[list[str], list[str]]:
        return await names(connection), await names(connection)

    async with fresh_engine(tmp_path) as engine:
        results = await asyncio.gather(
            *(write(engine, put, f"{n}") if n % 2 else read(engine, look_twice) for n in range(20))
        )
        for result in results:
            if isinstance(result, tuple) and not server_url():
                assert result[0] == result[1], "one state of the database"
        assert len(await read(engine, names)) == 10


@pytest.mark.sqlite
async def test_a_crowd_is_served_in_order(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine:
        served: list[int] = []

        async def one(number: int) -> None:
            if number % 2:
                await write(engine, put, f"{number}")
            else:
                async with writing(engine) as connection:
                    await put(connection, f"{number}")
            served.append(number)

        await asyncio.gather(*(one(number) for number in range(20)))
        assert served == sorted(served)


@pytest.mark.sqlite
async def test_who_is_cancelled_in_the_queue_or_under_way_leaves_nothing(tmp_path: Path) -> None:
    started, go_on = threading.Event(), threading.Event()

    async def slow(connection: AsyncConnection) -> None:
        await put(connection, "under way")
        started.set()
        assert go_on.wait(5)

    async with fresh_engine(tmp_path) as engine:
        under_way = asyncio.create_task(write(engine, slow))
        await asyncio.to_thread(started.wait, 5)
        queued = asyncio.create_task(write(engine, put, "queued"))
        block = asyncio.create_task(_put_in_a_block(engine, "block"))
        last = asyncio.create_task(write(engine, put, "last"))
        await asyncio.sleep(0)
        for task in (under_way, queued, block):
            task.cancel()
        go_on.set()
        await last
        results = await asyncio.gather(under_way, queued, block, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 3
        assert await read(engine, names) == ["last"]


async def _put_in_a_block(engine: AsyncEngine, name: str) -> None:
    async with writing(engine) as connection:
        await put(connection, name)


@pytest.mark.sqlite
async def test_a_function_that_awaits_something_else_is_a_mistake(tmp_path: Path) -> None:
    async def wait(connection: AsyncConnection) -> None:
        await put(connection, "a")
        await asyncio.sleep(0)

    async with fresh_engine(tmp_path) as engine:
        with pytest.raises(RuntimeError, match="awaits nothing but its connection"):
            await write(engine, wait)
        assert await read(engine, names) == []


@pytest.mark.sqlite
async def test_a_database_that_another_process_holds_is_an_error_and_then_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MILLISECONDS", 20)
    async with fresh_engine(tmp_path) as engine:
        other = sqlite3.connect(tmp_path / "spaces.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            await write(engine, put, "a")
        other.execute("ROLLBACK")
        other.close()
        await write(engine, put, "b")
        assert await read(engine, names) == ["b"]


@pytest.mark.sqlite
async def test_a_disposed_engine_has_no_threads_and_may_be_used_again(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine:
        await write(engine, put, "a")
        await read(engine, names)
        running = {thread for thread in threading.enumerate() if thread.name.startswith("database ")}
        assert len(running) >= 2
        await engine.dispose()
        assert not any(thread.is_alive() for thread in running)
        assert await read(engine, names) == ["a"]


@pytest.mark.sqlite
async def test_the_work_of_who_is_gone_with_his_loop_holds_nobody_up(tmp_path: Path) -> None:
    """A program may end its event loop with transactions under way and go on with another."""

    async def leave_behind(engine: AsyncEngine) -> None:
        asyncio.ensure_future(write(engine, put, "left behind"))  # noqa: RUF006
        block = _put_in_a_block(engine, "block")
        asyncio.ensure_future(block)  # noqa: RUF006
        await asyncio.sleep(0)

    async with fresh_engine(tmp_path):
        pass
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'spaces.db'}")
    await asyncio.to_thread(lambda: asyncio.run(leave_behind(engine)))
    async with asyncio.timeout(5):
        await write(engine, put, "here")
    assert "here" in await read(engine, names)
    await engine.dispose()


async def test_the_callers_context_is_the_functions(tmp_path: Path) -> None:
    request: ContextVar[str] = ContextVar("request", default="none")

    async def of_request(connection: AsyncConnection) -> str:
        return request.get()

    async with fresh_engine(tmp_path) as engine:
        request.set("7")
        assert await write(engine, of_request) == "7"
