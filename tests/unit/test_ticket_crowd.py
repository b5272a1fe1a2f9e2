"""Two hundred people want fifty seats at once while connections are killed: never oversold, nobody pays for nothing."""

from __future__ import annotations

import asyncio
import random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from access.errors import AccessError
from access.model import Account
from access.ticket_model import SoldTicket
from tests.harness.tickets import SPACE, check_books_and_seats, on_sale, ref_of, reserve, time_passes
from tests.harness.world import World

pytestmark = pytest.mark.thorough

BUYERS, SEATS = 200, 50
TRIES_MAX = 10
"""A connection that is killed costs a buyer one try at most; whoever needs so many has been passed over by others."""
KILLED_MAX = 100
"""Connections: a slow machine must not see them killed faster than it buys."""
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND state <> 'idle' ORDER BY random() LIMIT 2"
)


async def buys(world: World, fan: Account) -> str:
    """Tries again whatever breaks, as a page would."""
    sold: SoldTicket | None = None
    for _ in range(TRIES_MAX):
        try:
            sold = sold or await reserve(world, fan)
            return (await world.access.tickets.pay(ref_of(sold), "succeed")).state
        except AccessError as refused:
            return refused.code
        except (DBAPIError, OSError):
            await asyncio.sleep(random.random() / 20)
    return "gave up"


@pytest.mark.parametrize("killing", [False, pytest.param(True, marks=pytest.mark.postgresql)])
async def test_fifty_seats_are_sold_fifty_times(world: World, killing: bool) -> None:
    """SQLite has no connections to kill."""
    await on_sale(world, SEATS)
    fans = [await world.person() for _ in range(BUYERS)]
    over = asyncio.Event()
    killed = 0

    async def kill() -> None:
        nonlocal killed
        while killing and not over.is_set() and killed < KILLED_MAX:
            async with world.engine.connect() as connection:
                killed += len((await connection.execute(text(KILL))).all())
            await asyncio.sleep(0.03)

    killer = asyncio.create_task(kill())
    outcomes = await asyncio.gather(*(buys(world, fan) for fan in fans))
    over.set()
    await killer
    assert not killing or killed
    assert "gave up" not in outcomes
    await check_books_and_seats(world)
    await time_passes(world, minutes=40)
    await check_books_and_seats(world)
    paid = await world.rows("SELECT count(*) AS n FROM tickets WHERE state = 'paid'")
    assert paid[0].n == outcomes.count("paid") == SEATS - (await world.access.tickets.offer(SPACE)).left
    if not killing:
        assert outcomes.count("paid") == SEATS
