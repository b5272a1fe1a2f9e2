"""A creator founds a community on the page; somebody asks to join, is accepted, comes into its Space, and leaves."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.labels import nameless
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")


async def test_a_community_from_founding_to_leaving(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan = await api.creator(handle), person(f"{handle}fan")
    async with chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/studio?view=communities#token={host.token}", strict=True)
        admin = tab.page
        form = admin.get_by_role("region", name="Your communities")
        await form.get_by_label("What it is called").fill("People of the evening")
        await form.get_by_label("Rules").fill("Be kind.")
        await form.get_by_label("Who may join").select_option(label="Whoever asks and is accepted")
        await form.get_by_role("button", name="Found it").click()
        await admin.wait_for_url("**/c/*")
        community = admin.url.rpartition("/")[2]
        space = await api.space(host, access={"policy": "community", "community": community})

        visitor = (await browser.open(f"{server.url}/s/{space}#token={fan.token}", strict=True)).page
        await visitor.get_by_role("link", name="Ask to join People of the evening").click()
        await visitor.get_by_role("button", name="Ask to join, and accept the rules").click()
        await expect(visitor.get_by_role("button", name="Withdraw")).to_be_visible()
        assert await nameless(visitor) == []
        await admin.reload()
        await admin.get_by_role("button", name=f"Accept {fan.handle.title()}’s request").click()
        await expect(admin.get_by_role("region", name="Members", exact=True).locator(".person-row")).to_have_count(2)
        assert await nameless(admin) == []
        await visitor.reload()
        await expect(visitor.get_by_role("region", name="Members", exact=True)).to_be_visible()
        assert (await api.ok("GET", f"/v1/spaces/{space}", by=fan))["you"]["admitted"]

        await admin.locator("#govern-rules").fill("Be kind, and brief.")
        await admin.get_by_role("button", name="Publish the rules").click()
        await visitor.reload()
        await visitor.get_by_role("button", name="Accept the new rules").click()
        await expect(visitor.locator("main")).to_contain_text("Be kind, and brief.")
        await visitor.get_by_role("button", name="Leave the community").click()
        await visitor.get_by_role("dialog").get_by_role("button", name="Leave the community").click()
        await expect(visitor.get_by_role("button", name="Ask to join, and accept the rules")).to_be_visible()
        assert not (await api.ok("GET", f"/v1/spaces/{space}", by=fan))["you"]["admitted"]
        assert tab.complaints == []
