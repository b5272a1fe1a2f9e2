"""Whoever has refused the microphone is told where to allow it, in the words of that browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.scenes import NO_MICROPHONE
from tests.harness.server import Server
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")

AGENTS = {
    "ios": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "safari": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Safari/605.1.15",
    "android": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile "
    "Safari/537.36",
    "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "chrome": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 "
    "Safari/537.36 Edg/138.0.0.0",
}
KIND = "async (agent) => (await import('/web/browser_kind.js')).browserKind(agent)"


async def test_the_help_is_that_of_the_browser(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with chromium(playwright) as browser:
        speaker = await open_space(browser, server.url, space, host, script=NO_MICROPHONE)
        await speaker.listen()
        notice = speaker.page.locator('[data-notice="microphone.denied"]')
        await expect(notice).to_contain_text("Press the icon left of the address, switch the microphone on there")
        for kind, agent in AGENTS.items():
            assert await speaker.page.evaluate(KIND, agent) == kind
