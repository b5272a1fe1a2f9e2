"""An operator works on the page: a report, a suspension and its end, a payment that goes back, what goes for the platform."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.labels import nameless
from tests.harness.node import running

pytestmark = pytest.mark.needs("chromium")


async def test_from_a_report_to_a_suspension_and_back(playwright: Playwright, tmp_path: Path) -> None:
    async with (
        running(tmp_path) as node,
        aiohttp.ClientSession() as http,
        chromium(playwright) as browser,
    ):
        api = Api(http, node.url)
        host, bob, boss = await api.creator("ada"), person("bob"), person("boss")
        for one in (bob, boss):
            await api.ok("GET", "/v1/me", by=one)
        space = await api.space(host)
        body = {"reason": "abuse", "detail": "He shouts at people.", "account": "@bob"}
        await api.ok("POST", f"/v1/spaces/{space}/reports", by=host, json=body)
        tab = await browser.open(f"{node.url}/operator#token={boss.token}", strict=True)
        page = tab.page
        await expect(page.get_by_role("heading", name="For operators only")).to_be_visible()
        await node.access.people.appoint("@boss")
        await page.reload()
        reports = page.get_by_role("region", name="Reports")
        await expect(reports.locator("li")).to_contain_text("He shouts at people.")
        await page.set_viewport_size({"width": 320, "height": 800})
        await page.wait_for_function("document.documentElement.scrollWidth <= 320")  # nothing stands out at the side
        assert await nameless(page) == []

        await reports.get_by_role("button", name="Suspend: Account Bob").click()
        dialog = page.get_by_role("dialog", name="Suspend: Account Bob")
        await dialog.get_by_label("Reason").fill("Shouting.")
        await dialog.get_by_role("button", name="Suspend", exact=True).click()
        suspended = page.get_by_role("region", name="Suspended")
        await expect(suspended.locator("li")).to_contain_text("Shouting.")
        assert (await api.ok("GET", f"/v1/spaces/{space}", by=bob))["you"]["problem"]["code"] == "suspended"
        await reports.get_by_label("Note for other operators").fill("Suspended for good.")
        await reports.get_by_role("button", name="Done").click()
        await expect(reports).to_contain_text("Nobody has reported anything")
        closed = (await api.ok("GET", "/v1/reports?state=closed", by=boss))["reports"]
        assert [(one["outcome"], one["note"]) for one in closed] == [("acted", "Suspended for good.")]

        find = page.get_by_role("region", name="Find")
        await find.get_by_label("Account, creator or Space").fill("bob")
        await find.get_by_role("button", name="Find").click()
        await expect(find.locator("li")).to_contain_text("Account suspended")
        await find.get_by_role("button", name="Lift the suspension: Account Bob").click()
        await expect(suspended).to_contain_text("Nobody and nothing.")
        await expect(find.get_by_role("button", name="Suspend: Account Bob")).to_be_visible()
        assert (await api.ok("GET", f"/v1/spaces/{space}", by=bob))["you"]["problem"] is None

        await api.subscribe(bob, host, await api.tier(host))
        back = page.get_by_role("region", name="Pay back a payment")
        await back.get_by_label("Number of the receipt").fill("77")
        await back.get_by_role("button", name="Find").click()
        await expect(back.get_by_role("alert")).to_contain_text("No receipt has this number.")
        [paid] = (await api.ok("GET", "/v1/me/payments", by=bob))["payments"]
        await back.get_by_label("Number of the receipt").fill(paid["id"])
        await back.get_by_role("button", name="Find").click()
        await expect(back.locator("li")).to_contain_text("Ada")
        await back.get_by_role("button", name="Pay back receipt").click()
        sheet = page.get_by_role("dialog", name=f"Pay back: receipt {paid['id']}")
        await sheet.get_by_label("Reason").fill("The creator has gone.")
        assert await nameless(page) == []
        await sheet.get_by_role("button", name="Pay back").click()
        await expect(back.locator("li")).to_contain_text("all of it has gone back")
        [paid] = (await api.ok("GET", "/v1/me/payments", by=bob))["payments"]
        assert paid["refunded_minor"] == paid["gross_minor"]
        assert [one["reason"] for one in paid["refunds_asked"]] == ["The creator has gone."]

        platform = page.get_by_role("region", name="Platform")
        await platform.get_by_label("Speakers on a stage").fill("3")
        await platform.get_by_label("People may become creators").select_option("No")
        await platform.get_by_role("button", name="Save").click()
        await expect(page.locator(".toast", has_text="Saved")).to_be_visible()
        standing = await node.access.operators.settings()
        assert standing == {"speakers_max": 3, "new_creators": False}
        assert [c for c in tab.complaints if "blob:" not in c and "payments/77" not in c] == []
