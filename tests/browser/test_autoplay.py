"""A browser that wants a tap before it plays: the page asks for one, and then it sounds."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.eventually import until
from tests.harness.server import Server
from tests.harness.signals import packed, tone
from tests.harness.space_page import SpacePage

pytestmark = pytest.mark.needs("chromium")

WANTS_A_TAP = ("--autoplay-policy=document-user-activation-required",)
BY_ITSELF = """
const look = setInterval(() => {
  const client = window.spaces?.client;
  if (!client || !document.querySelector('[data-action="listen"]')) return;
  clearInterval(look);
  client.addEventListener("blocked", ({ detail }) => console.error(`blocked: ${detail}`));
  client.listen();
}, 50);
"""
"""In no tap. Whatever Playwright asks the page counts as one, so it is told by the console."""
PLAYING = "window.spaces.client.stats().then((stats) => stats?.energy ?? 0)"


async def test_what_the_browser_held_back_is_heard_after_a_tap(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with (
        speaking(api, space, packed(tone(700, 1.0)), by=host),
        chromium(playwright, more_flags=WANTS_A_TAP, whole=True) as browser,
    ):
        page = SpacePage(await browser.open(f"{server.url}/s/{space}", script=BY_ITSELF))
        await until(lambda: page.tab.complaints, 60)
        root, button = page.page.locator("html"), page.page.locator('[data-action="sound-tap"]')
        await page.until_state("listening")
        await expect(button).to_be_visible()
        assert await root.get_attribute("data-sound") is None, "nothing is said to sound that does not"
        await button.click()
        await expect(root).to_have_attribute("data-sound", "on")
        await expect(button).to_have_count(0)
        await page.page.wait_for_function(f"{PLAYING}.then((energy) => energy > 0)")
        assert [one.partition(" (")[0] for one in page.tab.complaints] == ["blocked: true", "blocked: false"]
