"""A single payment is paid back on the page: a part, with a reason, then the rest; receipt and seat in the Space follow."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.labels import nameless
from tests.harness.server import Server
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")


async def test_a_part_goes_back_and_then_the_rest_and_with_it_the_right(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan, other = await api.creator(handle), person(f"{handle}fan"), person(f"{handle}other")
    tier = await api.tier(host)
    for one in (fan, other):
        await api.subscribe(one, host, tier)
    space = await api.space(host, access={"policy": "subscribers"})
    async with chromium(playwright) as browser:
        listener = await open_space(browser, server.url, space, fan)
        await listener.listen()
        tab = await browser.open(f"{server.url}/studio?view=payments#token={host.token}", strict=True)
        payments = tab.page.get_by_role("region", name="Payments to you")
        await expect(payments.locator("li")).to_have_count(2)
        await payments.get_by_label("Find a payment").fill(fan.handle)
        await expect(payments.locator("li")).to_have_count(1)
        line = payments.locator("li")
        await line.get_by_role("button", name="Pay back").click()
        sheet = tab.page.get_by_role("dialog")
        await sheet.get_by_label("Amount in USD").fill("5")
        assert await nameless(tab.page) == []
        await sheet.get_by_role("button", name="Pay back").click()
        await expect(sheet.get_by_role("alert")).to_contain_text("more than is left")
        await sheet.get_by_label("Amount in USD").fill("1.5")
        await sheet.get_by_label("Reason").fill("The evening was cut short.")
        await sheet.get_by_role("button", name="Pay back").click()
        await expect(line).to_contain_text("$1.50 paid back")
        await expect(line).to_contain_text("The evening was cut short.")
        await listener.until_state("listening")

        receipt = await browser.open(f"{server.url}/account#token={fan.token}", strict=True)
        payments_made = receipt.page.get_by_role("region", name="Payments")
        await expect(payments_made.locator("li")).to_contain_text("$1.50 paid back")
        await expect(payments_made.locator("li")).to_contain_text("The evening was cut short.")

        await line.get_by_role("button", name="Pay back").click()
        await expect(sheet).to_contain_text("$3.49")
        await sheet.get_by_role("button", name="Pay back").click()
        await expect(line).to_contain_text("$4.99 paid back")
        await expect(line.get_by_role("button")).to_have_count(0)
        await listener.until_state("evicted")
        await expect(listener.page.locator(".offer").first).to_be_visible()
        await receipt.page.reload()
        await expect(payments_made.locator("li")).to_contain_text("$4.99 paid back")
        assert [one for one in [*tab.complaints, *receipt.complaints] if "blob:" not in one] == []
