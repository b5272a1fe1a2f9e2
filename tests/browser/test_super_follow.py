"""A fan subscribes, and looks after it on his own page: another tier, cancelled, resumed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.labels import nameless
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")


async def test_a_fan_subscribes_changes_cancels_and_resumes(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan = await api.creator(handle), person(f"{handle}fan")
    await api.tier(host)
    higher = await api.tier(host, level=2, amount_minor=999)

    async def mine() -> Any:
        (found,) = (await api.ok("GET", "/v1/me/subscriptions", by=fan))["subscriptions"]
        return found

    async with chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/@{handle}#token={fan.token}", strict=True)
        page = tab.page
        await page.get_by_role("button", name="Subscribe to Level 1").click()
        await page.get_by_role("button", name="Pay with test money").click()
        await page.wait_for_url(f"**/@{handle}")
        await page.get_by_role("link", name="Manage").click()
        follows = page.get_by_role("region", name="Super Follows")
        await expect(follows).to_contain_text("renews")
        assert await nameless(page) == []

        await follows.get_by_role("button", name="Change tier").press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Level 2").press("Enter")
        await expect(follows).to_contain_text("$9.99 a month")
        assert (await mine())["tier"] == higher

        await follows.get_by_role("button", name="Cancel").press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Keep it").press("Enter")
        assert not (await mine())["cancel_at_period_end"]
        await follows.get_by_role("button", name="Cancel").press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").press("Enter")
        await expect(follows).to_contain_text("ends")
        assert (await mine())["cancel_at_period_end"]
        await follows.get_by_role("button", name="Resume").press("Enter")
        await expect(follows).to_contain_text("renews")
        assert not (await mine())["cancel_at_period_end"]
        await expect(page.get_by_role("region", name="Payments").locator("li")).to_have_count(2)
        assert [c for c in tab.complaints if "blob:" not in c] == []


async def test_a_gift_is_paid_for_on_the_same_page(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan = await api.creator(handle), person(f"{handle}fan")
    body = {"tier": await api.tier(host), "intervals": 3}
    gift = await api.ok("POST", f"/v1/creators/{handle}/gifts", by=fan, json=body)
    async with chromium(playwright) as browser:
        page = (await browser.open(gift["checkout_url"], strict=True)).page
        await expect(page.locator("main")).to_contain_text(f"Gift · Level 1 of {handle.title()} for 3 months")
        await expect(page.locator("main")).to_contain_text("$14.97")
        await page.get_by_role("button", name="Pay with test money").click()
        await page.wait_for_url(f"**/@{handle}")
    (paid,) = (await api.ok("GET", "/v1/me/gifts", by=fan))["gifts"]
    assert paid["state"] == "paid"
