"""A whole node inside the test's process: real database, real access, real media, real sockets."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from spaces.config import Config
from spaces.node import Node
from tests.harness.accounts import API_KEY, API_SECRET
from tests.harness.api import Api
from tests.harness.database import fresh_database_url


def node_config(folder: Path, **changes: Any) -> Config:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "http_port": 0,
        "udp_host": "127.0.0.1",
        "udp_port": 0,
        "drain_notice_seconds": 0.0,
        "data": folder,
        "api_key": API_KEY,
        "api_secret": API_SECRET,
    }
    return Config(**(values | changes))


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[Node]:
    """`changes` are fields of Config. Each has a database of its own, unless `changes` name one."""
    async with contextlib.AsyncExitStack() as stack:
        if "database_url" not in changes:
            changes["database_url"] = await stack.enter_async_context(fresh_database_url(folder, migrated=True))
        node = Node(node_config(folder, **changes))
        await node.start()
        stack.push_async_callback(node.stop)
        yield node


@asynccontextmanager
async def served(folder: Path, **changes: Any) -> AsyncIterator[Api]:
    """Calls to a node of one's own."""
    async with running(folder, **changes) as node, aiohttp.ClientSession() as http:
        yield Api(http, node.url)
