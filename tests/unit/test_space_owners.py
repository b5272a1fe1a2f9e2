"""Which node has a Space, by the database's word: numbers grow, and who has an older one stores nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from spaces.db.owners import FencedError
from spaces.room_record import Kept
from spaces.room_rules import State
from tests.harness.stored_space import NOW, stored_space
from tests.harness.world import World


async def test_a_number_is_taken_if_it_is_the_newest(world: World) -> None:
    store, _ = await stored_space(world)
    owners = store.owners
    assert await owners.newest(["aSpace"]) == {}
    assert await owners.take("aSpace", 5, "one.1", NOW), "nobody had it"
    assert not await owners.take("aSpace", 7, "two.1", NOW), "the one before has not said that he is gone"
    for older in (5, 7):
        with pytest.raises(FencedError):
            await owners.take("aSpace", older, "one.1", NOW)
    await owners.release("aSpace", 5, NOW)  # not his any more: says nothing
    assert not await owners.take("aSpace", 8, "one.2", NOW)
    await owners.release("aSpace", 8, NOW)
    assert await owners.take("aSpace", 9, "two.1", NOW)
    assert await owners.newest(["aSpace", "other"]) == {"aSpace": 9}


async def test_of_two_who_take_it_at_once_the_larger_number_stands(world: World) -> None:
    store, _ = await stored_space(world)
    numbers = list(range(1, 9))
    results = await asyncio.gather(
        *(store.owners.take("aSpace", n, f"node.{n}", NOW) for n in numbers), return_exceptions=True
    )
    taken = [n for n, result in zip(numbers, results, strict=True) if isinstance(result, bool)]
    assert all(isinstance(result, bool | FencedError) for result in results)
    assert await store.owners.newest(["aSpace"]) == {"aSpace": max(taken)}


async def test_who_has_an_older_number_stores_nothing(world: World) -> None:
    store, kept = await stored_space(world)
    await store.owners.take("aSpace", 5, "one.1", NOW)
    live = Kept(replace(kept.record, state=State.LIVE, started_at=NOW))
    await store.save(kept, live, NOW, fence=5)
    await store.owners.take("aSpace", 6, "two.1", NOW)
    ended = Kept(replace(live.record, state=State.ENDED, ended_at=NOW))
    with pytest.raises(FencedError):
        await store.save(live, ended, NOW, fence=5)
    stored = await store.load("aSpace")
    assert stored is not None
    assert stored.state is State.LIVE
    await store.save(live, ended, NOW, fence=6)


async def test_live_spaces_of_nodes_that_are_gone_are_found(world: World) -> None:
    store, kept = await stored_space(world)
    assert await store.owners.abandoned(["one.1"]) == [], "it is not live"
    await store.save(kept, Kept(replace(kept.record, state=State.LIVE, started_at=NOW)), NOW)
    (never,) = await store.owners.abandoned(["one.1"])
    assert (never.space, never.fence, never.clean) == ("aSpace", 0, True)
    await store.owners.take("aSpace", 5, "one.1", NOW)
    assert await store.owners.abandoned(["one.1", "two.1"]) == []
    (dead,) = await store.owners.abandoned(["two.1"])
    assert (dead.fence, dead.clean) == (5, False)
    await store.owners.release("aSpace", 5, NOW)
    (released,) = await store.owners.abandoned(["one.1"])
    assert released.clean
    assert await store.owners.standing("aSpace") == released
    assert await store.owners.standing("nowhere") is None
    assert await store.owners.standing("\0") is None
