"""Spaces between nodes, on a real database: taken once, kept by lease or row, taken over from a node that is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from access.service import utcnow
from spaces.db.store import SpaceStore
from spaces.directory import LEASE_SECONDS, Card, DirectoryAwayError, Lease, LocalDirectory, Place
from spaces.errors import RequestError
from spaces.room_record import Kept
from spaces.room_rules import State
from spaces.signaling import custody
from spaces.signaling.custody import Custody, ElsewhereError
from spaces.tasks import Stop
from tests.harness.eventually import until
from tests.harness.stored_space import NOW, stored_space
from tests.harness.world import World

pytestmark = pytest.mark.thorough


class Flaky(LocalDirectory):
    """A directory that can be away."""

    away = False

    async def renew(self, space: str, lease: Lease) -> bool:
        self._answer()
        return await super().renew(space, lease)

    def forget(self) -> None:
        """As a Redis that is started again, empty."""
        self._held.clear()
        self._numbers.clear()

    async def find(self, space: str) -> Lease | None:
        self._answer()
        return await super().find(space)

    async def nodes(self) -> list[Card]:
        self._answer()
        return await super().nodes()

    def _answer(self) -> None:
        if self.away:
            raise DirectoryAwayError("away")


class One:
    """A node's custody, and what it tells."""

    def __init__(self, name: str, directory: LocalDirectory, store: SpaceStore) -> None:
        self.place = Place(f"{name}.1", f"http://{name}")
        self.stop = Stop()
        self.custody = Custody(directory, store.owners, self.place, self.stop, utcnow, time.monotonic)
        self.lost: list[str] = []
        self.brought_in: list[str] = []
        self.deadlines: dict[str, float] = {}
        self.custody.lost = self.lost.append
        self.custody.deadlines = self._tell
        self.broken: set[str] = set()
        """Which Spaces cannot be brought in."""
        self.slow: set[str] = set()
        """Which take for ever."""
        self.tried: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def _tell(self, deadlines: dict[str, float]) -> None:
        self.deadlines = deadlines

    def begin(self) -> None:
        async def bring_in(space: str) -> None:
            self.tried.append(space)
            if space in self.broken:
                raise KeyError(space)
            if space in self.slow:
                await asyncio.Event().wait()
            self.brought_in.append(space)

        card = Card(self.place.node, self.place)
        loops = (
            self.custody.keep(), self.custody.read_rows(), self.custody.watch(bring_in),
            self.custody.beat(lambda: card, lambda: None),
        )  # fmt: skip
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def die(self) -> None:
        """As a process dies: nobody is told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def two(world: World) -> AsyncIterator[tuple[One, One, Flaky, SpaceStore]]:
    store, planned = await stored_space(world)
    await store.save(planned, Kept(replace(planned.record, state=State.LIVE, started_at=NOW)), NOW)
    directory = Flaky(time.monotonic)
    nodes = One("one", directory, store), One("two", directory, store)
    try:
        yield (*nodes, directory, store)
    finally:
        for node in nodes:
            await node.die()


async def test_a_space_is_taken_once_and_others_are_told_where_it_is(world: World) -> None:
    async with two(world) as (one, other, _, store):
        await asyncio.gather(one.custody.take("aSpace"), one.custody.take("aSpace"))
        assert one.custody.fence("aSpace") == (await store.owners.newest(["aSpace"]))["aSpace"]
        with pytest.raises(ElsewhereError) as elsewhere:
            await other.custody.take("aSpace")
        assert elsewhere.value.place == one.place == await other.custody.find("aSpace")
        assert await one.custody.find("aSpace") is None
        with pytest.raises(RequestError, match="unknown_space"):
            await one.custody.take("nowhere")


async def test_what_is_given_back_is_taken_at_once(world: World) -> None:
    async with two(world) as (one, other, _, _):
        await one.custody.take("aSpace")
        await one.custody.give_back("aSpace")
        assert one.deadlines == {}
        began = time.monotonic()
        await other.custody.take("aSpace")
        assert other.custody.fence("aSpace") is not None
        assert time.monotonic() - began < 1.0, "nobody else can be on air"
        assert one.lost == []


async def test_a_dead_nodes_live_space_is_brought_in_elsewhere_and_not_before_it_is_off_the_air(world: World) -> None:
    async with two(world) as (one, other, _, store):
        one.begin()
        other.begin()
        await until(lambda: one.brought_in or other.brought_in)
        first, second = (one, other) if one.brought_in else (other, one)
        deadline = first.deadlines["aSpace"]
        number = first.custody.fence("aSpace")
        await first.die()
        await until(lambda: second.brought_in, 8)
        assert number is not None
        assert (await store.owners.newest(["aSpace"]))["aSpace"] > number
        assert time.monotonic() > max(deadline, first.deadlines["aSpace"])
        await first.custody.renew()
        assert first.lost == ["aSpace"], "it finds out when it wakes"
        assert first.custody.fence("aSpace") is None


async def test_without_the_directory_the_row_keeps_it_on_air(world: World) -> None:
    async with two(world) as (one, _, directory, _):
        one.begin()
        await until(lambda: one.brought_in)
        directory.away = True
        await asyncio.sleep(LEASE_SECONDS + 1)
        assert one.custody.fence("aSpace") is not None
        assert one.lost == []
        directory.away = False
        await until(lambda: one.custody.directory_knows)
        assert one.custody.fence("aSpace") is not None


async def test_without_the_directory_a_newer_row_ends_it(world: World) -> None:
    async with two(world) as (one, _, directory, store):
        one.begin()
        await until(lambda: one.brought_in)
        directory.away = True
        number = one.custody.fence("aSpace")
        assert number is not None
        await store.owners.take("aSpace", number + 1, "two.1", utcnow())
        await until(lambda: one.lost == ["aSpace"])
        assert one.deadlines == {}


@pytest.mark.sqlite
async def test_with_neither_it_ends_with_its_lease(world: World) -> None:
    async with two(world) as (one, _, directory, _):
        await one.custody.take("aSpace")
        directory.away = True
        await until(lambda: one.custody.fence("aSpace") is None, LEASE_SECONDS + 1)
        with pytest.raises(RequestError, match="owner_unknown"):
            one.custody.need("aSpace")
        assert one.lost == [], "it may still be ours"
        directory.away = False
        await one.custody.renew()
        assert one.custody.fence("aSpace") is not None


async def test_the_holder_tells_a_directory_that_has_forgotten(world: World) -> None:
    async with two(world) as (one, other, directory, _):
        await one.custody.take("aSpace")
        directory.forget()
        await one.custody.renew()
        assert one.lost == []
        assert await other.custody.find("aSpace") == one.place


async def test_a_sleeper_who_is_the_first_to_speak_to_it_is_not_the_holder(world: World) -> None:
    async with two(world) as (one, other, directory, store):
        await one.custody.take("aSpace")
        number = one.custody.fence("aSpace")
        assert number is not None
        await store.owners.take("aSpace", number + 1, other.place.node, utcnow())  # while it slept
        directory.forget()
        await one.custody.renew()
        assert one.lost == ["aSpace"]
        assert await directory.find("aSpace") is None


async def test_while_nobody_can_know_nothing_new_is_taken(world: World) -> None:
    async with two(world) as (one, _, directory, _):
        directory.away = True
        with pytest.raises(RequestError, match="owner_unknown"):
            await one.custody.take("aSpace")


async def test_a_node_that_drains_takes_nothing(world: World) -> None:
    async with two(world) as (one, other, _, _):
        one.custody.draining = True
        with suppress(RequestError):
            await one.custody.take("aSpace")
        assert not one.custody.holds("aSpace")
        await other.custody.take("aSpace")


async def test_a_space_goes_to_another_node_at_its_owners_word_and_two_are_never_on_air(world: World) -> None:
    async with two(world) as (one, other, _, _):
        await one.custody.take("aSpace")
        number = one.custody.need("aSpace")
        one.custody.yield_up("aSpace")
        assert one.custody.fence("aSpace") == number, "on air until the other is ready"
        with pytest.raises(RequestError, match="owner_unknown"):
            one.custody.need("aSpace")  # but nothing more is stored
        await other.custody.receive("aSpace", one.place.node)
        assert other.custody.holds("aSpace")
        assert other.custody.fence("aSpace") is None
        assert other.deadlines["aSpace"] < time.monotonic()
        await one.custody.renew()
        assert one.lost == [], "it has given it up itself"
        assert one.custody.fence("aSpace") == number
        one.custody.part("aSpace")
        other.custody.go_on_air("aSpace")
        assert one.deadlines == {}
        assert other.custody.need("aSpace") > number
        assert await one.custody.find("aSpace") == other.place


async def test_who_gives_a_space_up_and_is_not_heard_of_again_is_off_the_air_with_his_lease(world: World) -> None:
    async with two(world) as (one, other, _, _):
        await one.custody.take("aSpace")
        one.custody.yield_up("aSpace")
        await other.custody.receive("aSpace", one.place.node)
        await until(lambda: one.custody.fence("aSpace") is None, LEASE_SECONDS + 1)
        one.custody.resume("aSpace")
        await one.custody.renew()
        assert one.lost == ["aSpace"]


async def test_only_who_has_it_gives_it_up(world: World) -> None:
    async with two(world) as (one, other, _, _):
        with pytest.raises(RequestError, match="owner_unknown"):
            one.custody.yield_up("aSpace")
        await one.custody.take("aSpace")
        with pytest.raises(ElsewhereError):
            await other.custody.receive("aSpace", "somebody.1")
        assert not other.custody.holds("aSpace")
        assert one.custody.need("aSpace")


@pytest.mark.sqlite
async def test_a_space_that_cannot_be_brought_in_takes_no_node_with_it(world: World) -> None:
    async with two(world) as (one, other, _, _):
        one.broken = {"aSpace"}
        one.begin()
        await until(lambda: one.tried, 30)
        await until(lambda: not one.custody.holds("aSpace"), 30)
        other.begin()
        await until(lambda: other.brought_in == ["aSpace"], 30)
        assert one.tried == ["aSpace"], "not again and again"
        assert all(not task.done() for task in one._tasks)


async def test_one_that_takes_for_ever_holds_up_no_other_and_goes_to_another_node(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custody, "BRING_IN_SECONDS_MAX", 3.0)
    async with two(world) as (one, other, _, store):

        async def goes_live(space: str) -> None:
            record = replace((await store.load_kept("aSpace") or pytest.fail("gone")).record, id=space)
            await store.insert(replace(record, state=State.SCHEDULED))
            await store.save(Kept(replace(record, state=State.SCHEDULED)), Kept(record), NOW)

        await goes_live("bSpace")
        one.slow = {"aSpace"}
        one.begin()
        await until(lambda: one.brought_in == ["bSpace"] and "aSpace" in one.tried, 30)
        await goes_live("cSpace")
        await until(lambda: "cSpace" in one.brought_in, 30)
        other.begin()
        await until(lambda: "aSpace" in other.brought_in, 60)
        assert sorted(one.brought_in) == ["bSpace", "cSpace"]
        assert all(not task.done() for task in one._tasks)


async def test_nobody_is_asked_for_what_is_no_spaces_name(world: World) -> None:
    async with two(world) as (one, _, directory, _):
        directory.away = True
        for name in ("x" * 10_000, "a}b", "../me", ""):
            assert await one.custody.find(name) is None
            assert not await one.custody.between(name)
