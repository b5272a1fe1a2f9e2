"""A creator's page says who it is, in the creator's own words, and what has been: when, and how many listened."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.chromium import chromium
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")

SHOWN_FIRST = 6


async def test_spaces_that_are_over_have_their_place(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan = await api.creator(handle), person(f"{handle}fan")
    async with chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/@{handle}", strict=True)
        await expect(tab.page.get_by_role("heading", level=1)).to_have_text(handle.title())
        past = tab.page.get_by_role("region", name="What has been")
        await expect(past).to_have_count(0)
        for number in range(SHOWN_FIRST + 1):
            body = {"title": f"Evening {number}", "access": {"policy": "open"}}
            space = (await api.ok("POST", "/v1/spaces", by=host, json=body))["id"]
            await api.ok("POST", f"/v1/spaces/{space}/start", by=host)
            async with entered(api, space, fan):
                await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
        await tab.page.reload()
        await expect(past.locator("li")).to_have_count(SHOWN_FIRST)
        await expect(past.locator("li").first).to_contain_text(f"Evening {SHOWN_FIRST}")
        await expect(past.locator("li").first).to_contain_text("1 listened")
        await past.get_by_role("button", name="More").click()
        await expect(past.locator("li")).to_have_count(SHOWN_FIRST + 1)
        await expect(past.get_by_role("button")).to_have_count(0)
        await past.get_by_role("link", name="Evening 0").click()
        await expect(tab.page.locator('[data-view="ended"]')).to_be_visible()
        assert [one for one in tab.complaints if "blob:" not in one] == []


async def test_a_creator_says_who_he_is(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    host = await api.creator(handle)
    async with chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/@{handle}#token={host.token}", strict=True)
        await tab.page.get_by_role("button", name="Say who you are").click()
        sheet = tab.page.get_by_role("dialog")
        await sheet.get_by_label("What people should know").fill("I play the organ.\n\n<b>Every</b> Thursday.")
        await sheet.get_by_role("button", name="Save").click()
        await expect(tab.page.locator(".about")).to_have_text("I play the organ.\n\n<b>Every</b> Thursday.")
        visitor = await browser.open(f"{server.url}/@{handle}", strict=True)
        await expect(visitor.page.locator(".about")).to_contain_text("I play the organ.")
        await expect(visitor.page.get_by_role("button", name="Change what it says")).to_have_count(0)
        await tab.page.get_by_role("button", name="Change what it says").click()
        await sheet.get_by_label("What people should know").fill("")
        await sheet.get_by_role("button", name="Save").click()
        await expect(tab.page.locator(".about")).to_have_count(0)
        assert [one for one in [*tab.complaints, *visitor.complaints] if "blob:" not in one] == []
