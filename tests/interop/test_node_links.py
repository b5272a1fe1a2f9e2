"""What a node takes from others, by link and by Redis: broken, of another version, forged, or of somebody who is gone."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from spaces.directory import Lease, Place
from spaces.metrics import Metrics
from spaces.node import Node
from spaces.redis_client import connect
from spaces.redis_directory import RedisDirectory
from spaces.room_rules import Kind
from spaces.signaling import owner_link
from spaces.signaling.link_messages import VERSION, Adopt, Close, Confirm, FromOwner, Hello, Open
from spaces.signaling.node_stamp import HEADER, Stamp, make_stamp
from spaces.signaling.owner_link import LINK_PATH, OwnerLink
from tests.harness.accounts import person
from tests.harness.client import RtcClient
from tests.harness.eventually import until
from tests.harness.nodes import Together, together
from tests.harness.relay_ear import nodes_key

pytestmark = pytest.mark.needs("redis")

_encode = msgspec.msgpack.Encoder().encode
HELLO = Hello(VERSION, "sha-256", "00", [])


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Together]:
    async with together(tmp_path, 2) as nodes:
        yield nodes


def dropped(node: Node, cause: str) -> float:
    return node.metrics.registry.get_sample_value("spaces_drops_total", {"cause": cause}) or 0.0


async def link(two: Together, node: str) -> aiohttp.ClientWebSocketResponse:
    """To the first node, as another one."""
    key = await nodes_key(two.nodes[0].config.database_url)
    stamp = make_stamp(Stamp(node, ""), key, "GET", LINK_PATH, time.time())
    return await two.apis[0].http.ws_connect(two.nodes[0].url + LINK_PATH, headers={HEADER: stamp})


async def closes(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(30):
        async for _ in socket:
            pass
    return socket.close_code


@contextlib.asynccontextmanager
async def stranger(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """The address of a server that no node knows, and that answers everything like this."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_links_that_are_broken_or_of_another_version_are_counted_and_ended(two: Together) -> None:
    first = two.nodes[0]
    for said in (b"\xc1", _encode(Close("x")), _encode(msgspec.structs.replace(HELLO, version=VERSION + 1))):
        socket = await link(two, "three.1")
        await socket.send_bytes(said)
        assert await closes(socket) == 4409
    await until(lambda: dropped(first, "link_version") == 3)
    for said in (b"\x00", _encode(Close("x")), _encode({"type": "closed", "session": "x", "why": "no such"})):
        socket = await link(two, "three.1")
        await socket.send_bytes(_encode(HELLO))
        await socket.send_bytes(said)
        await closes(socket)
    await until(lambda: dropped(first, "link_malformed") == 3)


async def test_what_an_owner_says_that_cannot_be_understood_ends_the_link_and_is_counted(two: Together) -> None:
    """The first node is the edge here; the owner is the test."""
    edge = two.nodes[0]

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_bytes(b"\xc1")
        await socket.receive()
        return socket

    async with stranger(answer) as url, contextlib.aclosing(connect(two.redis.url)) as redis:
        directory = RedisDirectory(redis, await nodes_key(edge.config.database_url))
        await directory.claim("aSpace", Place("three.1", url))
        await two.apis[0].request("POST", "/v1/spaces/aSpace/whep")
        await until(lambda: dropped(edge, "link_malformed") == 1)


async def test_a_session_of_somebody_whom_nobody_knows_is_ended_at_its_edge(two: Together) -> None:
    """Else it would be heard for as long as its client likes: nobody looks at its right but the owner."""
    api = two.apis[0]
    space = await api.space(await api.creator("ada"))
    socket = await link(two, "three.1")
    await socket.send_bytes(_encode(HELLO))
    gone = Open(
        "aSession", space, "7", "ufrag", "pwd", "anEntry", 999_999_999, "default", Kind.WHEP, False, "127.0.0.1"
    )
    await socket.send_bytes(_encode(Adopt(gone, None)))
    async with asyncio.timeout(30):
        said = msgspec.msgpack.decode(await socket.receive_bytes(), type=FromOwner)
    assert said == Close("aSession")
    await socket.close()


async def test_a_session_of_before_takes_nothing_from_a_newer_one_of_its_client(two: Together) -> None:
    """An edge that stood still offers what it has, when its client, whom it did not answer, has long come in anew."""
    here, there = two.apis
    fan, space = person("fan"), await here.space(await here.creator("ada"))
    account = int((await here.ok("GET", "/v1/me", by=fan))["account"]["id"])
    newer = RtcClient(there)
    await newer.connect(f"/v1/spaces/{space}/whep?client=phone", "recvonly", by=fan)
    socket = await link(two, "three.1")
    await socket.send_bytes(_encode(HELLO))
    older = Open("older", space, "7", "ufrag", "pwd", "anEntry", account, "phone", Kind.WHEP, False, "127.0.0.1")
    await socket.send_bytes(_encode(Adopt(older, None)))
    async with asyncio.timeout(30):
        said = msgspec.msgpack.decode(await socket.receive_bytes(), type=FromOwner)
    assert said == Close("older")
    await socket.close()
    assert not newer.link.closed.is_set()
    await newer.close()


async def test_nobodys_request_goes_where_a_stranger_in_redis_says(two: Together) -> None:
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)
    got: list[str] = []

    async def steal(request: web.Request) -> web.Response:
        got.append(request.path)
        return web.Response()

    async with stranger(steal) as url, contextlib.aclosing(connect(two.redis.url)) as redis:
        forged = Lease(Place("three.1", url), 1)
        key = f"spaces:{{space:{space}}}:owner"
        async with asyncio.timeout(30):
            while not dropped(two.nodes[1], "directory_forged"):
                await redis.hset(key, "lease", msgspec.json.encode(forged))  # until its owner says it again
                assert (await there.request("GET", f"/v1/spaces/{space}", by=host)).status in (200, 503)
        assert got == []


async def test_a_body_that_came_compressed_is_understood_by_the_owner(two: Together) -> None:
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)
    body = gzip.compress(json.dumps({"title": "Compressed"}).encode())
    headers = {
        "Authorization": f"Bearer {host.token}", "Content-Type": "application/json", "Content-Encoding": "gzip",
    }  # fmt: skip
    async with there.http.patch(f"{there.url}/v1/spaces/{space}", data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["title"] == "Compressed"


async def test_an_owner_that_takes_nothing_any_more_loses_the_link_and_nothing_piles_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner_link, "WAITING_MAX", 100)
    over, gone = asyncio.Event(), asyncio.Event()

    async def deaf(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await over.wait()  # without reading
        return socket

    async with stranger(deaf) as url, aiohttp.ClientSession() as http:
        link = OwnerLink(Place("deaf.1", url), HELLO, lambda *_: None, lambda _: gone.set(), Metrics().drops)
        running = asyncio.create_task(link.run(http, {}))
        await link.ready.wait()
        async with asyncio.timeout(30):
            while not gone.is_set():
                link.say(Confirm("x" * 10_000))
                assert link._waiting.qsize() <= 100
                await asyncio.sleep(0)
        await asyncio.gather(running, return_exceptions=True)
        over.set()
