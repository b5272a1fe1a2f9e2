"""A whole node inside the test's process: real database, real access, real media, real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from spaces.config import Config
from spaces.node import Node
from tests.harness.accounts import API_KEY, API_SECRET
from tests.harness.api import Api


def node_config(folder: Path, **changes: Any) -> Config:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "http_port": 0,
        "udp_host": "127.0.0.1",
        "udp_port": 0,
        "data": folder,
        "api_key": API_KEY,
        "api_secret": API_SECRET,
    }
    return Config(**(values | changes))


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[Node]:
    """`changes` are fields of Config."""
    node = Node(node_config(folder, **changes))
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


@asynccontextmanager
async def served(folder: Path, **changes: Any) -> AsyncIterator[Api]:
    """Calls to a node of one's own."""
    async with running(folder, **changes) as node, aiohttp.ClientSession() as http:
        yield Api(http, node.url)
