"""A Space is planned in the studio, found, reminded of, moved, shared and called off, on the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import DRAWN_WIDTH, chromium
from tests.harness.labels import nameless
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")

NO_SHARING = "delete Navigator.prototype.share; delete Navigator.prototype.canShare;"
SHARING = """
navigator.canShare = () => true;
navigator.share = async (data) => { window.shared = data; };
"""
"""As phones have it; Chromium on a desk has not."""


async def test_a_space_from_the_studio_to_its_end_before_it_began(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    ada, fan = await api.creator(handle), person(f"{handle}fan")
    when = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT20:00")
    title = f"Evening of {handle}"
    async with chromium(playwright) as browser:
        host = await browser.open(f"{server.url}/studio#token={ada.token}", strict=True, script=SHARING)
        form = host.page.get_by_role("region", name="Spaces")
        await form.get_by_label("Title").fill(title)
        await form.get_by_label("Topics").fill("Jazz, jazz, Night")
        await form.get_by_label("Language").select_option("de")
        await form.get_by_label("By the clock of").select_option("Europe/Paris")
        for typed, said in (("2027-03-28T02:30", "jump over that time"), ("2026-10-25T02:30", "Clocks go back then"),
                            (when, "Starts ")):  # fmt: skip
            await form.get_by_label("When").fill(typed)
            await expect(form).to_contain_text(said)
        assert await nameless(host.page) == []
        await form.get_by_role("button", name="Create the Space").click()
        await host.page.wait_for_url("**/s/*")
        space = host.page.url.rpartition("/")[2]
        made = await api.ok("GET", f"/v1/spaces/{space}")
        assert (made["topics"], made["language"], made["time_zone"]) == (["Jazz", "Night"], "de", "Europe/Paris")

        guest = await browser.open(f"{server.url}/#token={fan.token}", strict=True, script=NO_SHARING)
        page = guest.page
        await page.get_by_role("searchbox").fill(title)
        await page.get_by_role("region", name="Found").get_by_role("link").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(title)
        await page.get_by_role("button", name="Remind me").click()
        await expect(page.get_by_role("button", name="You will be reminded")).to_be_visible()
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Add to calendar").click()
        assert "BEGIN:VEVENT" in (await (await download.value).path()).read_text()
        await page.get_by_role("button", name="Share").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Link")).to_have_value(f"{server.url}/s/{space}")
        assert await dialog.get_by_role("img").evaluate(DRAWN_WIDTH) == 1_200
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await dialog.get_by_role("button", name="Copy the link").click()
        await expect(page.get_by_text("The link is copied.")).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") == f"{server.url}/s/{space}"

        await host.page.get_by_role("button", name="Share").click()
        await host.page.get_by_role("button", name="Share with").click()
        await host.page.wait_for_function("window.shared")
        assert await host.page.evaluate("window.shared") == {"title": title, "url": f"{server.url}/s/{space}"}

        await host.page.get_by_role("button", name="Change").click()
        sheet = host.page.get_by_role("dialog")
        await sheet.get_by_label("When").fill("2020-01-01T10:00")
        await sheet.get_by_role("button", name="Save").click()
        await expect(sheet.get_by_role("alert")).to_contain_text("time is past")
        await sheet.get_by_label("When").fill(when.replace("20:00", "21:00"))
        assert await nameless(host.page) == []
        await sheet.get_by_role("button", name="Save").click()
        await expect(host.page.get_by_text("This Space was moved.")).to_be_visible()
        await expect(page.get_by_text("This Space was moved.")).to_be_visible()
        await page.goto("about:blank")  # or that page would tell it, and this test look elsewhere
        later = (datetime.now(UTC) + timedelta(days=10)).isoformat()
        await api.ok("PATCH", f"/v1/spaces/{space}", by=ada, json={"scheduled_start": later})
        await page.goto(server.url)
        await expect(page.locator('.notice-card[data-kind="moved"]').last).to_contain_text(title)
        await page.reload()
        await expect(page.get_by_role("link", name=title)).to_be_visible()
        await expect(page.locator(".notice-card")).to_have_count(0)
        await page.goto("about:blank")

        await host.page.get_by_role("button", name="Call it off").click()
        await host.page.get_by_role("dialog").get_by_role("button", name="Call it off").click()
        await expect(host.page.get_by_role("heading", name="This Space was cancelled")).to_be_visible()
        await page.goto(server.url)
        await expect(page.locator('.notice-card[data-kind="cancelled"]')).to_contain_text("was cancelled")
        await page.get_by_role("searchbox").fill(title)
        await expect(page.get_by_text("Nothing live or planned is about that.")).to_be_visible()
        complaints = [*host.complaints, *guest.complaints]
        # The time that is no time to come; a picture that a busy machine has not drawn at once.
        assert [one for one in complaints if "422" not in one and "card.png" not in one] == []
