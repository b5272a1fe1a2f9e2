from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Playwright

from tests.harness.chromium import playwright_running
from tests.harness.fixtures import api, handle, http, quiet_log, server, speech

__all__ = ["api", "handle", "http", "quiet_log", "server", "speech"]


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with playwright_running() as running:
        yield running
