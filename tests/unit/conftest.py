from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from spaces.node import Node
from tests.harness.api import Api
from tests.harness.fixtures import http
from tests.harness.node import running

__all__ = ["http"]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as node:
        yield node


@pytest.fixture
async def api(node: Node, http: aiohttp.ClientSession) -> Api:
    return Api(http, node.url)
