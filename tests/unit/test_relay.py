"""A Space's mix on its way over a real Redis: also after the network or Redis was away, and never an old one in one burst."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from spaces.metrics import Metrics
from spaces.mixing.engine import Made
from spaces.redis_client import connect
from spaces.sfu.relay import Relay
from spaces.sfu.relay_packet import RelayPacket
from spaces.sfu.relayed import RelayedSound
from tests.harness.balancer import Balancer, balancing
from tests.harness.eventually import until
from tests.harness.redis import RedisServer, redis_server

pytestmark = [pytest.mark.needs("redis"), pytest.mark.thorough]

KEY = bytes(32)
PATIENCE_SECONDS = 30.0


class Ear:
    def __init__(self) -> None:
        self.heard: list[RelayPacket] = []

    def packet(self, packet: RelayPacket) -> None:
        self.heard.append(packet)


class One:
    """A node's relay."""

    def __init__(self, url: str, fence: int | None) -> None:
        self.fence, self.ear = fence, Ear()
        self._clients = connect(url), connect(url)
        self.relay = Relay(*self._clients, KEY, lambda space: self.fence, Metrics())
        self._made = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        await self.relay.begin(cast(RelayedSound, self.ear))
        self._tasks = [asyncio.create_task(self.relay.publish()), asyncio.create_task(self.relay.listen())]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients:
            await client.aclose()

    def make(self) -> None:
        """20 ms of sound."""
        self._made += 1
        self.relay._take([Made("aSpace", 1, 960 * self._made, b"\xf8\xff\xfe")])

    async def make_until_heard(self, ear: Ear, times: int = 3) -> None:
        before = len(ear.heard)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(ear.heard) < before + times:
                self.make()
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def two(folder: Path) -> AsyncIterator[tuple[One, One, RedisServer, Balancer]]:
    """An owner and an edge, whose way to Redis can be cut."""
    with redis_server(folder) as redis:
        async with balancing() as way:
            way.ports = [redis.port]
            owner, edge = One(redis.url, 7), One(f"redis://127.0.0.1:{way.port}/0", None)
            for one in (owner, edge):
                await one.begin()
            try:
                edge.relay.want("aSpace")
                await owner.make_until_heard(edge.ear)
                yield owner, edge, redis, way
            finally:
                for one in (owner, edge):
                    await one.end()


async def test_what_is_published_is_heard_in_order_by_who_wants_it(tmp_path: Path) -> None:
    async with two(tmp_path) as (owner, edge, _, _):
        await owner.make_until_heard(edge.ear, 10)
        sequences = [packet.sequence for packet in edge.ear.heard]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
        edge.relay.leave("aSpace")
        await until(lambda: not edge.relay._wanted)


async def test_a_connection_that_has_gone_without_a_word_is_found_out(tmp_path: Path) -> None:
    async with two(tmp_path) as (owner, edge, _, way):
        way.fall_silent()
        for _ in range(10):
            owner.make()
        way.silent = False  # who connects anew gets through; the old connections stay dead
        await owner.make_until_heard(edge.ear)


async def test_redis_that_was_restarted_is_subscribed_to_again(tmp_path: Path) -> None:
    async with two(tmp_path) as (owner, edge, redis, _):
        redis.stop()
        await asyncio.to_thread(redis.start)
        await owner.make_until_heard(edge.ear)


async def test_what_was_made_while_redis_stood_still_is_not_heard_afterwards(tmp_path: Path) -> None:
    async with two(tmp_path) as (owner, edge, redis, _):
        await owner.make_until_heard(edge.ear)
        last = edge.ear.heard[-1].sequence
        redis.freeze()
        for _ in range(100):
            owner.make()
            await asyncio.sleep(0.02)
        redis.thaw()
        await owner.make_until_heard(edge.ear, 10)
        old = [
            packet for packet in edge.ear.heard if last + 40 < packet.sequence <= last + 60
        ]  # half a second before the end
        assert not old


async def test_an_owners_own_listeners_hear_it_without_redis_and_once(tmp_path: Path) -> None:
    async with two(tmp_path) as (owner, edge, redis, _):
        owner.relay.want("aSpace")
        await owner.make_until_heard(edge.ear)
        redis.stop()
        await owner.make_until_heard(owner.ear, 5)
        sequences = [packet.sequence for packet in owner.ear.heard]
        assert len(sequences) == len(set(sequences))


async def test_whoever_is_off_the_air_by_now_says_no_more_of_what_he_had_made(tmp_path: Path) -> None:
    async with two(tmp_path) as (owner, edge, _, _):
        heard = len(edge.ear.heard)
        owner.make()
        owner.fence = None
        owner.make()
        await asyncio.sleep(0)
        owner.fence = 9
        await owner.make_until_heard(edge.ear)
        assert {packet.fence for packet in edge.ear.heard[heard:]} == {9}


async def test_a_cancellation_that_redis_py_takes_for_a_failure_ends_it_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a node that stops while Redis is away would wait for the relay for good."""
    asked = asyncio.Event()

    async def cut_off(*_: object) -> None:
        asked.set()
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
        except asyncio.CancelledError:
            raise ConnectionError from None

    async with two(tmp_path) as (owner, edge, redis, _):
        redis.stop()
        for one in (owner, edge):
            for client in one._clients:
                monkeypatch.setattr(client, "ping", cut_off)
                monkeypatch.setattr(client, "execute_command", cut_off)
        owner.relay._published = False
        owner.make()
        await asked.wait()
        async with asyncio.timeout(PATIENCE_SECONDS / 2):
            await owner.end()


async def test_a_redis_of_another_kind_is_published_and_subscribed_to_as_that_one_can(tmp_path: Path) -> None:
    """As after a failover to one that knows no sharded pub/sub, or may not be asked for it, and back to one that does."""
    async with two(tmp_path) as (owner, edge, redis, _):
        for options, sharded in (
            (("--rename-command", "SPUBLISH", "", "--rename-command", "SSUBSCRIBE", ""), False),
            ((), True),
            (("--user", "default", "on", "nopass", "~*", "&*", "+@all", "-spublish", "-ssubscribe"), False),
            ((), True),
        ):
            redis.stop()
            redis.options = options
            await asyncio.to_thread(redis.start)
            await owner.make_until_heard(edge.ear, 10)
            assert (owner.relay._sharded, edge.relay._sharded) == (sharded, sharded)
