"""Three nodes as processes on a real Redis and PostgreSQL, each with a way of its own to Redis, and people on all of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy.engine import make_url

from spaces.demo.link import LinkError
from spaces.demo.speech import Speech
from spaces.directory import DirectoryAwayError
from spaces.redis_client import AWAY, connect
from spaces.redis_directory import RedisDirectory
from spaces.sfu.relay import channel_of
from spaces.signaling.remote_media import identity
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.balancer import Balancer, balancing
from tests.harness.client import Refused, RtcClient
from tests.harness.database import fresh_database_url
from tests.harness.presence import Diary, Presence
from tests.harness.redis import RedisServer, redis_server
from tests.harness.relay_ear import RelayEar, relay_ear
from tests.harness.server import Server, start
from tests.harness.stalls import Stalls

NODES = 3
LISTENERS = NODES + 1
"""A WHEP listener at each node, and a page."""
CAPACITY = 2 + LISTENERS
"""With the stage: one more is too many."""
WHEP_AGAIN_SECONDS = 0.2
WHEP_CONNECT_SECONDS_MAX = 4.0
WHEP_SILENT_SECONDS = 6.0
"""A player of WHEP that hears nothing for so long, from a node that does not answer its checks, comes again."""


class Whep:
    """A WHEP listener who comes back to the node that he has; it never changes."""

    def __init__(self, stand: Stand, node: int) -> None:
        self.diary = Diary(f"whep{node}")
        self.node = node
        self._stand = stand
        self.client: RtcClient | None = None
        """While he is connected."""

    @property
    def path(self) -> tuple[str, int] | None:
        """Where his sound comes from."""
        return None if self.client is None else self.client.link.ice.path

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except (Refused, LinkError, aiohttp.ClientError, OSError, TimeoutError) as error:
                self.diary.note(f"{type(error).__name__} {error}"[:160])
            finally:
                self.client = None
            await asyncio.sleep(WHEP_AGAIN_SECONDS)

    async def _listen(self) -> None:
        stand, left = self._stand, False

        def on_rtp(data: bytes) -> None:
            port = 0 if made.link.ice.path is None else made.link.ice.path[1]
            self.diary.packets.append((time.monotonic(), port, int.from_bytes(data[8:12], "big")))

        made = RtcClient(stand.apis[self.node], decrypt=False, on_rtp=on_rtp)
        try:
            async with asyncio.timeout(WHEP_CONNECT_SECONDS_MAX):
                path = f"/v1/spaces/{stand.space}/whep?client=whep{self.node}"
                await made.connect(path, "recvonly", by=stand.fan)
            self.diary.note("connected")
            self.client = made
            gone, closed = asyncio.create_task(self._gone(made)), asyncio.create_task(made.link.closed.wait())
            try:
                await asyncio.wait({gone, closed}, return_when=asyncio.FIRST_COMPLETED)
                left = not closed.done()
            finally:
                for task in (gone, closed):
                    task.cancel()
                await asyncio.gather(gone, closed, return_exceptions=True)
            self.diary.note("no answer to checks" if left else "closed")
        finally:
            if left:
                stand.left.append(made)  # he is gone, but what his node sends when it wakes is heard
            else:
                await made.close()

    async def _gone(self, client: RtcClient) -> None:
        """A node that was killed says no goodbye: it does not answer checks any more."""
        assert client.link.ice.path is not None
        while True:
            try:
                async with asyncio.timeout(WHEP_SILENT_SECONDS):
                    await client.link.ice._check_until_answered(client.link.ice.path, nominate=True)
            except TimeoutError:
                return
            await asyncio.sleep(0.5)


class Stand:
    def __init__(
        self, redis: RedisServer, ways: list[Balancer], database_ways: list[Balancer], database_url: str, folder: Path
    ) -> None:
        """Each node's `ways` to Redis and to the database."""
        self.redis, self.ways, self.database_ways, self.database_url = redis, ways, database_ways, database_url
        self.servers: list[Server] = []
        self.apis: list[Api] = []
        self.space = ""
        self.host, self.guest, self.fan, self.page = (person(name) for name in ("ada", "bob", "cleo", "dan"))
        self.whep = [Whep(self, node) for node in range(NODES)]
        self.pages = [Diary("host"), Diary("guest"), Diary("page")]
        self.ear = RelayEar()
        self.udp_ports: list[tuple[int, int]] = []
        """(port, node), of all that there were."""
        self.drained: list[tuple[int, float]] = []
        """(port, when) of nodes that were asked to end: from then on they also send on what others make."""
        self.stalls = Stalls()
        """Of this process."""
        self.left: list[RtcClient] = []
        """Connections that were given up at nodes that did not answer."""
        self._node_ids: set[str] = set()
        """Of every process that there was."""
        self._folder = folder
        self._client = connect(redis.url)
        self._directory = RedisDirectory(self._client)

    @property
    def diaries(self) -> list[Diary]:
        return [*(one.diary for one in self.whep), *self.pages]

    async def begin(self) -> None:
        self.servers = list(await asyncio.gather(*(asyncio.to_thread(self._start, node, 0) for node in range(NODES))))
        self.udp_ports = [(server.udp_port, node) for node, server in enumerate(self.servers)]
        self._node_ids = set().union(*map(node_ids, self.servers))

    def _start(self, node: int, http_port: int) -> Server:
        settings = {
            "redis_url": f"redis://127.0.0.1:{self.ways[node].port}/0", "database_url": self._database_url(node),
            "host": "127.0.0.1", "node_name": f"node{node}", "capacity_max": CAPACITY, "seats_policy": "reject",
            "http_port": http_port,
        }  # fmt: skip
        return start(self._folder / f"node{node}", address="127.0.0.1", public_address="", settings=settings)

    def _database_url(self, node: int) -> str:
        through = make_url(self.database_url).set(host="127.0.0.1", port=self.database_ways[node].port)
        return through.render_as_string(hide_password=False)

    async def start_again(self, node: int) -> None:
        self.servers[node] = await asyncio.to_thread(self._start, node, self.servers[node].http_port)
        self.udp_ports.append((self.servers[node].udp_port, node))
        self._node_ids |= node_ids(self.servers[node])

    async def owner(self) -> int | None:
        """By Redis; None: nobody's, or it does not answer."""
        try:
            lease = await self._directory.find(self.space)
        except DirectoryAwayError:
            return None
        return None if lease is None else int(lease.place.node[4])

    async def subscribed(self) -> object:
        """To the Space's relay, by Redis' word: the nodes and our ear."""
        try:
            return await self._client.execute_command("PUBSUB", "SHARDNUMSUB", channel_of(self.space))
        except AWAY as error:
            return error

    def relayed_ssrcs(self) -> set[int]:
        """Of the mix as an edge sends it on, of every node that there was."""
        return {identity(node, self.space)[0] for node in self._node_ids}

    def own_packets(self, diary: Diary, node: int) -> list[tuple[float, int, int]]:
        """Those of a diary that the node's own engine has made: it was on air."""
        ports, relayed = {port for port, of in self.udp_ports if of == node}, self.relayed_ssrcs()
        drained = dict(self.drained)
        own = [packet for packet in diary.packets if packet[1] in ports and packet[2] not in relayed]
        return [packet for packet in own if packet[0] < drained.get(packet[1], inf)]

    def end(self) -> None:
        for server in self.servers:
            with contextlib.suppress(ProcessLookupError):
                server.process.send_signal(signal.SIGCONT)
            server.process.kill()
            server.process.wait()

    async def close(self) -> None:
        for one in self.left:
            await one.close()
        with contextlib.suppress(*AWAY):
            await self._client.aclose()


def node_ids(server: Server) -> set[str]:
    found = set()
    for line in server.log().splitlines():
        if '"among nodes"' in line:
            found.add(str(json.loads(line)["node"]))
    return found


@asynccontextmanager
async def standing(folder: Path, speech: Speech) -> AsyncIterator[Stand]:
    """Live, with everybody in it."""
    async with contextlib.AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server(folder))
        url = await stack.enter_async_context(fresh_database_url(folder, migrated=True))
        ways, database_ways = [
            [await stack.enter_async_context(balancing([port])) for _ in range(NODES)]
            for port in (redis.port, make_url(url).port or 0)
        ]
        stand = Stand(redis, ways, database_ways, url, folder)
        stack.push_async_callback(stand.close)
        stack.callback(stand.end)
        await stand.begin()
        timeout = aiohttp.ClientTimeout(total=8)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        )
        stand.apis = [Api(http, server.url) for server in stand.servers]
        await _furnish(stand)
        stand.ear = await stack.enter_async_context(relay_ear(redis.url, url, stand.space))
        people = [
            Presence(stand.apis, stand.space, stand.host, stand.pages[0], first=0, speech=speech),
            Presence(stand.apis, stand.space, stand.guest, stand.pages[1], first=1, speech=speech),
            Presence(stand.apis, stand.space, stand.page, stand.pages[2], first=2),
        ]
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(one.run()) for one in people]
        tasks += [asyncio.create_task(one.run()) for one in stand.whep]
        tasks.append(asyncio.create_task(stand.stalls.watch()))
        try:
            yield stand
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _furnish(stand: Stand) -> None:
    first, second, third = stand.apis
    stand.host = await first.creator("ada")
    stand.space = await first.space(stand.host)
    for one in (stand.fan, stand.page):
        await third.ok("GET", "/v1/me", by=one)
    await second.to_stage(stand.space, stand.host, stand.guest)
