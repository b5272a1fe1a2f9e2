"""The SDK's example page does what it shows, under the server's own security policy."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.patience import until_heard
from tests.harness.server import Server
from tests.harness.signals import packed, tone

pytestmark = pytest.mark.needs("chromium")

HERTZ = 700


async def test_it_plays_by_the_sdk_and_by_the_element(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, packed(tone(HERTZ, 1.0)), by=host), chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/web/example.html?space={space}", strict=True)
        await tab.page.locator("#listen").click()
        await expect(tab.page.locator("#state")).to_have_text("listening")
        await expect(tab.page.locator("#levels li")).to_have_count(1)
        await expect(tab.page.locator("#stats dt").first).to_have_text("packetsReceived")
        await until_heard(tab, HERTZ)
        await tab.page.locator("#leave").click()
        await expect(tab.page.locator("#state")).to_have_text("joined")
        await tab.page.locator("audio-space").get_by_role("button", name="Listen").click()
        await expect(tab.page.locator("audio-space")).to_have_attribute("state", "listening")
        await until_heard(tab, HERTZ)
        assert [c for c in tab.complaints if "blob:" not in c] == [], "our own ear asks for a worklet, and may not"
