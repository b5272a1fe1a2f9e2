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
from tests.harness.space_page import open_space

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
        follows = page.get_by_role("region", name="Your Super Follow")
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
        await expect(page.get_by_role("region", name="Your receipts").locator("li")).to_have_count(2)
        assert [c for c in tab.complaints if "blob:" not in c] == []


async def test_a_tier_by_the_year_with_free_days_is_offered_chosen_and_changed(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan = await api.creator(handle), person(f"{handle}fan")
    async with chromium(playwright) as browser:
        studio = await browser.open(f"{server.url}/studio#token={host.token}", strict=True)
        tiers = studio.page.get_by_role("region", name="Tiers")
        await tiers.get_by_label("Name").fill("Gold")
        await tiers.get_by_label("Price a month").fill("4")
        await tiers.get_by_label("Free days first").fill("7")
        await tiers.get_by_role("button", name="Put it on sale").click()
        await tiers.get_by_role("button", name="Prices of Gold").click()
        sheet = studio.page.get_by_role("dialog")
        await sheet.get_by_label("New price").fill("40")
        assert await nameless(studio.page) == []
        await sheet.get_by_role("button", name="Save").click()
        await expect(tiers.locator("li")).to_contain_text("$40.00 a year")
        await expect(tiers.locator("li")).to_contain_text("The first 7 days are free")

        space = await api.space(host, access={"policy": "subscribers"})
        door = await open_space(browser, server.url, space, fan, strict=True)
        offer = door.page.locator(".offer")
        await expect(offer).to_have_count(1)
        await expect(offer).to_contain_text("$4.00 a month")
        await expect(offer).to_contain_text("Listen in subscribers’ Spaces")
        await expect(door.page.locator(".locked")).to_contain_text("renews by itself until you cancel")
        await offer.get_by_role("button", name="Subscribe to Gold for $40.00").click()
        await expect(door.page.locator(".pay")).to_contain_text("$40.00 a year")
        await expect(door.page.locator(".pay")).to_contain_text("renews by itself until you cancel")
        await door.page.context.close()

        tab = await browser.open(f"{server.url}/@{handle}#token={fan.token}", strict=True)
        page = tab.page
        await expect(page.locator(".offer")).to_contain_text("The first 7 days are free")
        await expect(page.locator("main")).to_contain_text("renews by itself until you cancel")
        await page.get_by_role("button", name="Subscribe to Gold for $40.00").click()
        await expect(page.locator("main")).to_contain_text("$40.00 a year")
        await page.get_by_role("button", name="Pay with test money").click()
        await page.wait_for_url(f"**/@{handle}")
        follows = page.get_by_role("region", name="Your Super Follow")
        await expect(follows).to_contain_text("$40.00 a year")
        await expect(follows).to_contain_text("free until")
        await follows.get_by_role("button", name="Change tier").click()
        await page.get_by_role("dialog").get_by_role("button", name="Gold · $4.00 a month").click()
        await expect(page.locator(".toast").last).to_contain_text("Gold")
        (mine,) = (await api.ok("GET", "/v1/me/subscriptions", by=fan))["subscriptions"]
        assert mine["interval"] == "year", "from the next payment on"
        await expect(follows).to_contain_text("It changes with the next payment")
        assert [c for c in [*tab.complaints, *studio.complaints] if "blob:" not in c] == []


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
