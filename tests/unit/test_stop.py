"""Loops sleep until it is time or until they are to end, whichever is first."""

from __future__ import annotations

import asyncio

import pytest

from spaces.tasks import Stop


async def test_a_sleep_ends_when_its_time_has_come() -> None:
    assert not await Stop().within(0.001)


async def test_all_sleepers_are_woken_at_once_when_it_is_told() -> None:
    stop = Stop()
    sleepers = [asyncio.create_task(stop.within(3_600)) for _ in range(3)]
    waiting = asyncio.create_task(stop.wait())
    await asyncio.sleep(0)
    stop.tell()
    async with asyncio.timeout(30):
        assert await asyncio.gather(*sleepers) == [True] * 3
        await waiting
    assert await stop.within(3_600), "who comes later does not sleep at all"


async def test_a_sleeper_that_is_cancelled_is_forgotten() -> None:
    stop = Stop()
    sleeper = asyncio.create_task(stop.within(3_600))
    await asyncio.sleep(0)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert not stop._asleep
    stop.tell()
