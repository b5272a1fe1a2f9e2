"""Full collections wait for a moment in which nobody speaks, but not for ever."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator

import pytest

from spaces import garbage
from spaces.garbage import collect_when_quiet
from spaces.tasks import Stop
from tests.harness.eventually import until


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def aged_cycle() -> weakref.ref[Cycle]:
    """Garbage that only a full collection finds."""
    cycle = Cycle()
    gc.collect(0)
    gc.collect(1)
    return weakref.ref(cycle)


class Scene:
    def __init__(self) -> None:
        self.quiet = False
        self.now = 0.0


@contextlib.asynccontextmanager
async def collecting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(garbage, "LOOK_SECONDS", 0.005)
    scene, stop = Scene(), Stop()
    task = asyncio.create_task(collect_when_quiet(lambda: scene.quiet, stop, lambda: scene.now))
    await asyncio.sleep(0.02)
    yield scene
    stop.tell()
    await task


async def test_garbage_waits_while_people_speak_and_goes_when_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    thresholds = gc.get_threshold()
    async with collecting(monkeypatch) as scene:
        cycle = aged_cycle()
        scene.now = 2 * garbage.PAUSE_SECONDS_MIN
        await asyncio.sleep(0.05)
        assert cycle() is not None
        scene.quiet = True
        await until(lambda: cycle() is None)
    assert gc.get_threshold() == thresholds


async def test_a_lot_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting(monkeypatch) as scene:
        cycle = aged_cycle()
        for _ in range(garbage.AGED_MAX):
            gc.collect(1)
        await until(lambda: cycle() is None)
        assert not scene.quiet


async def test_quiet_is_no_reason_to_collect_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting(monkeypatch) as scene:
        scene.quiet, scene.now = True, 2 * garbage.PAUSE_SECONDS_MIN
        first = aged_cycle()
        await until(lambda: first() is None)
        second = aged_cycle()
        await asyncio.sleep(0.05)
        assert second() is not None
