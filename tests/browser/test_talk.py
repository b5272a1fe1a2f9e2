"""Around the talk, by the page: people chat and tap, a host pins a link and deletes a line, captions come to who wants them."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.chromium import chromium
from tests.harness.server import Server
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")


async def test_two_people_chat_tap_and_read(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    host, bob = await api.creator(handle), person(f"{handle}bob")
    space = await api.space(host)
    async with chromium(playwright) as browser:
        ada = await open_space(browser, server.url, space, host, strict=True)
        other = await open_space(browser, server.url, space, bob, strict=True)
        for page in (ada, other):
            await page.listen()
        await other.page.locator("#chat-text").fill("Hello\u202e from bob")
        await other.page.get_by_role("button", name="Send").click()
        line = ada.page.locator(".chat-line", has_text="Hello from bob")
        await expect(line).to_be_visible()

        await ada.page.locator('[data-reaction="clap"]').click()
        await expect(other.page.locator(".sky .float").first).to_be_attached()

        await ada.press("pins-sheet")
        await ada.page.get_by_label("Address").fill("javascript:alert(1)")
        await ada.page.locator("dialog").get_by_role("button", name="Pin a link").click()
        await ada.page.get_by_label("Address").fill("https://example.org/notes")
        await ada.page.get_by_label("What it is").fill("Notes")
        await ada.page.locator("dialog").get_by_role("button", name="Pin a link").click()
        link = other.page.get_by_role("link", name="Notes")
        await expect(link).to_have_attribute("href", "https://example.org/notes")
        await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
        await expect(other.page.locator(".pin")).to_have_count(1)
        await ada.page.keyboard.press("Escape")

        await other.press("captions")
        async with entered(api, space, host, client="captioner") as (captioner, _):
            await captioner.ok("caption", text="Good eve", final=False)
            await captioner.ok("caption", text="Good evening, everybody.", final=True)
            await expect(other.page.locator(".caption", has_text="Good evening, everybody.")).to_be_visible()
        await expect(ada.page.locator(".captions")).to_have_count(0)

        await line.get_by_role("button").click()
        await ada.page.get_by_role("menuitem", name="Delete", exact=True).click()
        await expect(other.page.locator(".chat-line")).to_have_count(0)
        await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"chat": "off"})
        await expect(other.page.locator(".talk")).to_contain_text("The hosts have switched the chat off.")
        for page in (ada, other):
            assert page.tab.complaints == []
