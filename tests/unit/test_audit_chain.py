"""The audit log: one chain, whoever writes; a row that is changed, put in or taken out is named."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from access import audit
from access.database import reading, writing
from tests.harness.world import START, World

pytestmark = pytest.mark.thorough


async def checked(world: World, head: str | None = None) -> audit.Trail:
    async with reading(world.engine) as connection:
        return await audit.check(connection, head)


async def tampered(world: World, statement: str) -> str | None:
    """What the check says after somebody with the database's password has done this; it is undone again."""
    async with world.engine.connect() as connection:
        await connection.execute(text(statement))
        broken = (await audit.check(connection)).broken
        await connection.rollback()
    return broken


async def recorded(world: World, number: int) -> None:
    async with writing(world.engine) as connection:
        await audit.record(connection, world.clock(), "test.done", actor=None, number=number)


async def test_every_row_of_a_life_is_chained(world: World) -> None:
    owner, creator = await world.creator()
    await world.subscribe(await world.person(), creator, await world.tier(owner, creator))
    trail = await checked(world)
    assert trail.broken is None
    assert await world.rows("SELECT max(seq), count(seq), count(*) FROM audit_log") == [(trail.rows,) * 3]
    assert trail.rows >= 5


async def test_writers_at_once_make_one_chain(world: World) -> None:
    before = (await checked(world)).rows
    await asyncio.gather(*(recorded(world, number) for number in range(40)))
    trail = await checked(world)
    assert (trail.broken, trail.rows) == (None, before + 40)


async def test_a_transaction_that_fails_leaves_no_gap(world: World) -> None:
    before = await checked(world)

    async def fail() -> None:
        async with writing(world.engine) as connection:
            await audit.record(connection, world.clock(), "test.done", actor=None)
            async with connection.begin_nested() as attempt:
                await audit.record(connection, world.clock(), "test.undone", actor=None)
                await attempt.rollback()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with writing(world.engine) as connection:
        await audit.record(connection, world.clock(), "test.done", actor=None)
        async with connection.begin_nested() as attempt:
            await audit.record(connection, world.clock(), "test.undone", actor=None)
            await attempt.rollback()
    after = await checked(world)
    assert (after.broken, after.rows) == (None, before.rows + 1)


TAMPERINGS = [
    ("UPDATE audit_log SET action = 'nothing.happened' WHERE seq = 3", "row 3 (nothing.happened"),
    ("UPDATE audit_log SET body = '{\"number\": 9}' WHERE seq = 4", "row 4 (test.done"),
    ("UPDATE audit_log SET account = 'somebody else' WHERE seq = 2", "row 2 ("),
    ("DELETE FROM audit_log WHERE seq = 3", "row 3 is missing"),
    ("DELETE FROM audit_log WHERE seq = 1", "row 1 is missing"),
    ("DELETE FROM audit_log WHERE seq = (SELECT max(seq) FROM audit_log)", "is missing: there were"),
    ("UPDATE audit_log SET seq = NULL WHERE seq = (SELECT max(seq) FROM audit_log)", "beside the chain"),
    (
        "INSERT INTO audit_log (at, action, body) VALUES ('2026-01-01 00:00:00', 'account.active', '{}')",
        "beside the chain",
    ),
]


async def test_a_log_that_was_tampered_with_says_where(world: World) -> None:
    for number in range(5):
        await recorded(world, number)
    for statement, said in TAMPERINGS:
        assert said in str(await tampered(world, statement)), statement
    assert (await checked(world)).broken is None


async def test_a_noted_end_shows_a_log_that_was_made_anew(world: World) -> None:
    await recorded(world, 1)
    noted = (await checked(world)).head
    await recorded(world, 2)
    assert (await checked(world, noted)).broken is None
    assert "noted end" in str((await checked(world, "2:" + "a" * 64)).broken)


async def test_old_rows_are_forgotten_and_the_chain_says_so(world: World) -> None:
    for number in range(3):
        await recorded(world, number)
    noted = (await checked(world)).rows
    world.clock.forward(days=30)
    await recorded(world, 4)
    world.clock.forward(days=30)
    for _ in range(2):  # the second time there is nothing to forget
        async with writing(world.engine) as connection:
            await audit.forget(connection, world.clock(), timedelta(days=40))
    trail = await checked(world)
    assert (trail.broken, trail.rows) == (None, 2)
    [(seq,)] = await world.rows("SELECT min(seq) FROM audit_log")
    assert seq == noted + 1
    assert await world.rows("SELECT count(*) FROM audit_log WHERE action = 'audit.forgotten'") == [(1,)]
    assert "missing" in str(await tampered(world, f"DELETE FROM audit_log WHERE seq = {seq}"))
    assert world.clock() > START
