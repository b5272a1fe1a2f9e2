"""Fixtures of the tests that run a server; imported by the conftest of each folder that wants them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from spaces.demo.speech import Speech, read_speech
from tests.harness.api import Api
from tests.harness.server import Server, serving

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not need settings of their own."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def quiet_log(server: Server) -> Iterator[None]:
    """Fails the test if the server logged an error or an exception meanwhile."""
    before = len(server.log_complaints())
    yield
    assert server.log_complaints()[before:] == []


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def api(server: Server, http: aiohttp.ClientSession, quiet_log: None) -> Api:
    return Api(http, server.url)


@pytest.fixture
def handle() -> str:
    """A handle that nobody has yet."""
    return f"ada{next(_numbers)}"


@pytest.fixture(scope="session")
def speech() -> Speech:
    return read_speech()
