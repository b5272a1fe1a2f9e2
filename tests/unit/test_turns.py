"""One costly step for each turn of the event loop."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from spaces.sfu.turns import Turns


async def test_other_work_goes_on_between_two_steps() -> None:
    turns, order = Turns(), []

    async def step(number: int) -> None:
        await turns.take()
        order.append(f"step {number}")

    def other() -> None:
        order.append("other")
        if order.count("other") < 8:
            asyncio.get_running_loop().call_soon(other)

    steps = [asyncio.create_task(step(number)) for number in range(4)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(other)
    await asyncio.gather(*steps)
    taken = [what for what in order if what != "other"]
    assert taken == [f"step {number}" for number in range(4)], "first come, first served"
    assert all("other" in (a, b) for a, b in pairwise(order)), order


async def test_who_is_cancelled_costs_nobody_his_turn() -> None:
    turns = Turns()
    tasks = [asyncio.create_task(turns.take()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in tasks[:4]:
        task.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns.take()
    assert [task.cancelled() for task in tasks] == [True] * 4 + [False]
