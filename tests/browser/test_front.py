"""The front: first what one may enter, then what one could pay for; and it is told which of them there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.chromium import chromium
from tests.harness.node import served

pytestmark = pytest.mark.needs("chromium")

SHOWN_FIRST = 24


async def test_what_one_may_enter_stands_before_what_one_could_pay_for(tmp_path: Path, playwright: Playwright) -> None:
    async with served(tmp_path) as api, chromium(playwright) as browser:
        page = (await browser.open(api.url, strict=True)).page
        live, shut = page.get_by_role("region", name="Live now"), page.get_by_role("region", name="For Super Followers")
        await expect(live).to_contain_text("Nobody is live at this moment")
        ada, bob, fan = await api.creator("ada"), await api.creator("bob"), person("fan")
        tier = await api.tier(ada)
        await api.space(ada, access={"policy": "subscribers", "tier": tier})
        await page.reload()
        await expect(live).to_contain_text("What is live now is not open to you yet")
        await expect(shut.get_by_role("link")).to_contain_text(["A talk of ada"])
        await expect(shut).to_contain_text("For Super Followers")

        await api.space(bob)
        await page.reload()
        await expect(live.get_by_role("link")).to_contain_text(["A talk of bob"])
        assert await page.get_by_role("heading", level=2).all_inner_texts() == [
            "Live now", "Coming up", "For Super Followers, ticket holders and members",
        ]  # fmt: skip

        await api.subscribe(fan, ada, tier)
        followers = (await browser.open(f"{api.url}/#token={fan.token}", strict=True)).page
        await expect(followers.get_by_role("region", name="Live now").get_by_role("link")).to_contain_text(
            ["A talk of bob", "You can come in"]
        )
        await expect(followers.get_by_role("region", name="For Super Followers")).to_have_count(0)


async def test_whoever_asks_for_more_is_led_to_the_first_that_is_new(tmp_path: Path, playwright: Playwright) -> None:
    async with served(tmp_path) as api, chromium(playwright) as browser:
        ada, many = await api.creator("ada"), SHOWN_FIRST + 2
        for number in range(many):
            await api.ok(
                "POST", "/v1/spaces", by=ada, json={"title": f"Evening {number}", "access": {"policy": "open"}}
            )
        tab = await browser.open(api.url, strict=True)
        for name in ("Coming up", "Found"):
            found = tab.page.get_by_role("region", name=name)
            await expect(found.locator("li")).to_have_count(SHOWN_FIRST)
            await found.get_by_role("button", name="Show more").press("Enter")
            await expect(found.locator("li")).to_have_count(many)
            await expect(found.locator("li").nth(SHOWN_FIRST)).to_be_focused()
            await expect(found.get_by_role("button")).to_have_count(0)
            await tab.page.get_by_label("Find a Space").fill("evening")
        assert [one for one in tab.complaints if "blob:" not in one] == []
