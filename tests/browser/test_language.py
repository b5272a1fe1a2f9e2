"""The page speaks the reader's language: the browser's, or another that was chosen on it, which is kept."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.patience import until_heard
from tests.harness.server import Server
from tests.harness.signals import packed, tone
from tests.harness.space_page import SpacePage

pytestmark = pytest.mark.needs("chromium")

HERTZ = 700
TURNED = """() => {
    const page = document.documentElement;
    page.dir = "rtl"; // each time it is looked: the page sets its own direction when it starts
    const brand = document.querySelector(".brand"), title = document.querySelector("h1");
    return brand && title && brand.getBoundingClientRect().x > 160 && page.scrollWidth <= page.clientWidth;
}"""
"""The brand stands at the right of a narrow window, and nothing sticks out of it."""


async def test_the_browsers_language_is_spoken_and_another_can_be_chosen_and_stays(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    await api.tier(host)
    async with chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/", strict=True, language="fr-CA")
        page = tab.page
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Écoutez")
        await expect(page.locator("html")).to_have_attribute("lang", "fr")
        await page.goto(f"{server.url}/@{handle}")
        await expect(page.locator(".offer-price")).to_contain_text("par mois")
        await expect(page.locator(".offer-price")).to_contain_text("4,99")
        await page.get_by_role("button", name="Langue").click()
        await page.get_by_role("menuitem", name="English").click()
        await expect(page.locator(".offer-price")).to_contain_text("4.99")
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await page.reload()
        await expect(page.locator(".offer-price")).to_contain_text("a month")
        loaded = await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
        words = {name[-5:] for name in loaded if "/messages" in name}
        assert words == {"en.js"}, "the server has named those that were chosen"
        assert tab.complaints == []


async def test_the_sound_goes_on_while_the_language_changes(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, packed(tone(HERTZ, 1.0)), by=host), chromium(playwright) as browser:
        listener = SpacePage(await browser.open(f"{server.url}/s/{space}"))
        await listener.listen()
        session = await listener.ice_ufrag()
        await listener.page.get_by_role("button", name="Language").click()
        await listener.page.get_by_role("menuitem", name="Français").click()
        await expect(listener.page.get_by_role("button", name="Quitter")).to_be_visible()
        await until_heard(listener.tab, HERTZ)
        assert await listener.ice_ufrag() == session


async def test_nothing_sticks_out_when_the_page_is_turned(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    await api.tier(host)
    space = await api.space(host)
    async with chromium(playwright) as browser:
        for path in ("/", f"/@{handle}", f"/s/{space}", "/studio", "/account"):
            page = (await browser.open(f"{server.url}{path}#token={host.token}")).page
            await page.set_viewport_size({"width": 320, "height": 700})
            await expect(page.get_by_role("button", name="Language")).to_be_visible()
            await page.wait_for_function(TURNED)
            await page.context.close()
