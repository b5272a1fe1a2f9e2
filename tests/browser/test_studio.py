"""Somebody becomes a creator on the page, offers a tier, opens a Space with tickets, and sees what it earned."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.labels import nameless
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


async def test_a_creator_begins_opens_a_ticketed_space_and_reads_the_statement(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    ada, fan = person(handle), person(f"{handle}fan")
    async with chromium(playwright) as browser:
        tab = await browser.open(f"{server.url}/account#token={ada.token}", strict=True)
        page = tab.page
        await page.get_by_role("link", name="Become a creator").click()
        await page.get_by_role("button", name="Become a creator").click()
        tiers = page.get_by_role("region", name="Tiers")
        await tiers.get_by_label("Name").fill("Gold")
        await tiers.get_by_label("Price a month").fill("4.999")
        await tiers.get_by_role("button", name="Put it on sale").click()
        await expect(tiers.get_by_role("alert")).to_contain_text("An amount like")
        await tiers.get_by_label("Price a month").fill("4,99")
        await tiers.get_by_role("button", name="Put it on sale").click()
        await expect(tiers.locator("li")).to_contain_text("$4.99 a month")

        spaces = page.get_by_role("region", name="Spaces")
        await spaces.get_by_label("Title").fill("My first evening")
        await spaces.get_by_label("Who may come in").select_option(label="Super Followers, or with a ticket")
        await spaces.get_by_label("Price of a ticket").fill("5")
        await spaces.get_by_label("How many tickets").fill("20")
        assert await nameless(page) == []
        await spaces.get_by_role("button", name="Create the Space").click()
        await page.wait_for_url("**/s/*")
        await expect(page.get_by_role("button", name="Start the Space")).to_be_visible()
        space = page.url.rpartition("/")[2]
        offer = await api.ok("GET", f"/v1/spaces/{space}/ticket-offer")
        assert (offer["amount_minor"], offer["currency"], offer["quantity"]) == (500, "USD", 20)
        refused = (await api.ok("GET", f"/v1/spaces/{space}", by=fan))["you"]["problem"]
        assert [offer["name"] for offer in refused["offers"]] == ["Gold"]

        bought = await api.ok("POST", f"/v1/spaces/{space}/tickets", by=fan)
        await api.ok("POST", bought["checkout_url"], json={"outcome": "succeed"})
        await page.goto(f"{server.url}/studio")
        money = page.get_by_role("region", name="Earnings")
        # $5.00, less a fee of 2.9 % and 30 cents (44), less 3 % of the rest (14)
        await expect(money.locator("dl")).to_contain_text("$4.42")
        await expect(money.locator("tbody tr")).to_contain_text("Payment, Ticket")
        async with page.expect_download() as download:
            await money.get_by_role("button", name="As a file").click()
        (line,) = read_csv(await (await download.value).path())
        assert (line["gross_minor"], line["creator_minor"], line["balance_minor"]) == ("500", "442", "442")
        assert [c for c in tab.complaints if "blob:" not in c] == []
