"""The doctor where there are several nodes: whether each is reached from here, and what Redis can do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from spaces import nodes_check
from spaces.config import Config
from spaces.directory import Card, Place
from spaces.finding import Finding
from spaces.redis_client import connect
from spaces.redis_directory import RedisDirectory
from tests.harness.ports import free_tcp_port
from tests.harness.redis import redis_server

pytestmark = pytest.mark.needs("redis")


async def answering(request: web.Request) -> web.Response:
    """A node, a server that is none, and one that says nothing, by the first part of the path."""
    match request.match_info["who"]:
        case "node":
            return web.json_response({"status": "ok"})
        case "other":
            return web.Response(status=404)
    await asyncio.sleep(60)
    raise AssertionError("nobody waits for so long")


async def found(redis_url: str) -> list[Finding]:
    return await nodes_check.examine(Config(redis_url=redis_url, database_url="postgresql://somewhere/spaces"))


async def test_each_node_that_is_not_reached_from_here_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes_check, "SECONDS_MAX", 1.0)
    app = web.Application()
    app.router.add_get("/{who}/healthz", answering)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here, nowhere = f"http://127.0.0.1:{runner.addresses[0][1]}", f"http://127.0.0.1:{free_tcp_port()}"
    urls = {"well": f"{here}/node", "strange": f"{here}/other", "silent": f"{here}/silent", "away": nowhere}
    try:
        with redis_server(tmp_path) as redis:
            client = connect(redis.url)
            for name, url in urls.items():
                await RedisDirectory(client).enter(Card(name, Place(f"{name}.1", url)))
            await client.aclose()
            answers, shards, *nodes = await found(redis.url)
    finally:
        await runner.cleanup()
    assert (answers.state, answers.what) == ("ok", "Redis answers; nodes now: away, silent, strange, well")
    assert (shards.state, shards.what) == ("ok", "Redis has sharded pub/sub")
    away, silent, strange, well = nodes
    assert (well.state, well.what) == ("ok", f"node well answers at {here}/node")
    assert {one.state for one in (away, silent, strange)} == {"fail"}
    assert away.what.startswith(f"node away is not reached from here at {nowhere}: ")
    assert "Connect call failed" in away.what
    assert "no answer within" in silent.what
    assert "HTTP status 404" in strange.what
    assert all("SPACES_NODE_HOST" in one.advice for one in (away, silent, strange))


async def test_a_redis_without_sharded_pubsub_is_told_of(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--rename-command", "SPUBLISH", "") as redis:
        _, shards = await found(redis.url)
    assert shards.state == "warn"
    assert "no sharded pub/sub" in shards.what
    assert "7.0" in shards.advice


async def test_without_redis_there_is_nothing_to_ask_and_one_that_is_away_is_said_to_be() -> None:
    assert [one.state for one in await nodes_check.examine(Config())] == ["ok"]
    [away] = await found(f"redis://127.0.0.1:{free_tcp_port()}/0")
    assert away.state == "fail"
