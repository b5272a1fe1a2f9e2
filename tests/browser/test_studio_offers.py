"""What a creator offers beside Spaces, made on the page: coupons, comps, discounts, letters; and what a follower has of it."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")


async def test_coupons_comps_and_discounts(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    host, fan, friend = await api.creator(handle), person(f"{handle}fan"), person(f"{handle}friend")
    tier = await api.tier(host)
    benefits = {"benefits": ["space.join", "merch.discount"]}
    await api.ok("PUT", f"/v1/tiers/{tier}/benefits", by=host, json=benefits)
    await api.ok("GET", "/v1/me", by=friend)
    async with chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/studio?view=offers#token={host.token}", strict=True)
        page = tab.page
        coupons = page.get_by_role("region", name="Coupons")
        await coupons.get_by_label("Code to type").fill("evening")
        await coupons.get_by_label("Percent").fill("40")
        await coupons.get_by_role("button", name="Make it").click()
        await expect(coupons.locator("li")).to_contain_text("40% off")
        comps = page.get_by_role("region", name="Given away")
        await comps.get_by_label("To whom").fill(friend.handle)
        await comps.get_by_role("button", name="Give it").click()
        await expect(comps.locator("li")).to_contain_text(friend.handle.title())
        assert (await api.ok("GET", f"/v1/creators/{handle}", by=friend))["you"]["tier"] == tier
        discounts = page.get_by_role("region", name="Discounts at your shop")
        await discounts.get_by_label("Percent").fill("15")
        await discounts.get_by_role("button", name="Save").click()
        await expect(discounts.locator("li").first).to_contain_text("15%")
        await discounts.get_by_label("Which shop").fill("The shop")
        await discounts.get_by_role("button", name="Make a key").click()
        key = await discounts.get_by_label("The new key").input_value()

        shopper = await browser.open(f"{server.url}/@{handle}#token={fan.token}", strict=True)
        await shopper.page.get_by_text("I have a code").click()
        await shopper.page.get_by_label("Code to type").fill("evening")
        await shopper.page.get_by_role("button", name="Subscribe to Level 1").click()
        await shopper.page.get_by_role("button", name="Pay with test money").click()
        await shopper.page.wait_for_url(f"**/@{handle}")
        (paid,) = (await api.ok("GET", "/v1/me/payments", by=fan))["payments"]
        assert paid["gross_minor"] == 299, "40 % off $4.99"
        await shopper.page.get_by_role("button", name="Get my code").click()
        code = await shopper.page.locator(".merch-code").text_content()
        good = await api.request("POST", "/v1/merch/verify", token=key, json={"code": code})
        assert (good.status, good.body["good"], good.body["percent"]) == (200, True, 15)

        await comps.get_by_role("button", name="Take back").click()
        await page.get_by_role("dialog").get_by_role("button", name="Take back").click()
        await expect(comps).to_contain_text("You have given nothing away")
        assert [*tab.complaints, *shopper.complaints] == []


async def test_a_letter_is_written_and_looked_at(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    host = await api.creator(handle)
    await api.tier(host)
    async with chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/studio?view=letters#token={host.token}", strict=True)
        page = tab.page
        await page.get_by_label("Subject").fill("News")
        await page.get_by_label("Text").fill("Hello **all**\n\n<script>window.bad = true</script>")
        await page.get_by_role("button", name="Save and look at it").click()
        paper = page.locator(".letter-paper")
        await expect(paper.locator("strong")).to_have_text("all")
        assert await page.evaluate("window.bad") is None
        await page.get_by_label("Subject").fill("Better news")
        await page.get_by_role("button", name="Save and look at it").click()
        await expect(paper).to_contain_text("Better news")
        issues = (await api.ok("GET", f"/v1/creators/{handle}/newsletters", by=host))["issues"]
        assert [(issue["subject"], issue["state"]) for issue in issues] == [("Better news", "draft")]
        await page.get_by_role("button", name="Send it").click()
        await page.get_by_role("dialog").get_by_role("button", name="Send it").click()
        await expect(page.get_by_role("alert")).to_contain_text("This server sends no mail")
        await page.get_by_role("button", name="Discard").click()
        await expect(page.get_by_role("region", name="Newsletter")).to_contain_text("You have written none yet")
        assert [complaint for complaint in tab.complaints if "409" not in complaint] == []
