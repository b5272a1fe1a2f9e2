"""Several nodes of one server: in this process, on one database and one real Redis."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from spaces.demo.speech import Speech
from spaces.node import Node
from tests.harness.accounts import Person
from tests.harness.api import Api
from tests.harness.client import RtcClient, speaking
from tests.harness.database import fresh_database_url
from tests.harness.node import node_config
from tests.harness.redis import RedisServer, redis_server


@dataclass
class Together:
    nodes: list[Node]
    apis: list[Api]
    """To each."""
    redis: RedisServer


@contextlib.asynccontextmanager
async def talking(api: Api, space: str, speech: Speech, host: Person) -> AsyncIterator[RtcClient]:
    """As `speaking`, but says no goodbye: his node may be gone by then."""
    async with contextlib.AsyncExitStack() as stack:
        speaker = await stack.enter_async_context(speaking(api, space, speech, by=host))
        try:
            yield speaker
        finally:
            speaker.session_path = ""


@contextlib.asynccontextmanager
async def together(folder: Path, count: int, **changes: Any) -> AsyncIterator[Together]:
    async with contextlib.AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server(folder))
        url = await stack.enter_async_context(fresh_database_url(folder, migrated=True))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        nodes = []
        for number in range(count):
            node = Node(
                node_config(folder, database_url=url, redis_url=redis.url, node_name=f"node{number}", **changes)
            )
            await node.start()
            stack.push_async_callback(node.stop)
            nodes.append(node)
        yield Together(nodes, [Api(http, node.url) for node in nodes], redis)
