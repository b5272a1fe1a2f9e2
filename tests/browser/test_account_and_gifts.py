"""On the page: giving months of a tier, being paid out, one's data as a file, the end of an account, and an OpenID provider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.chromium import chromium
from tests.harness.labels import nameless
from tests.harness.node import running, served
from tests.harness.oidc_provider import CLIENT_ID, CLIENT_SECRET, provider

pytestmark = pytest.mark.needs("chromium")

NOTHING_COPIES = """() => {
  Object.defineProperty(navigator, "clipboard", { value: undefined });
  document.execCommand = () => false;
}"""
"""No clipboard, as a page that came without https; and not the old way either."""


async def test_a_gift_is_bought_passed_on_and_paid_out_and_its_giver_leaves(
    tmp_path: Path, playwright: Playwright
) -> None:
    async with served(tmp_path, test_clock=True) as api, chromium(playwright) as browser:
        ada, eve, finn = await api.creator("ada"), person("eve"), person("finn")
        await api.tier(ada)
        tab = await browser.open(f"{api.url}/@ada#token={eve.token}", strict=True)
        page = tab.page
        await page.get_by_role("link", name="Give it to somebody").click()
        await page.get_by_label("How many times").fill("3")
        await page.get_by_label("For whom").fill("nobody-of-that-name")
        assert await nameless(page) == []
        await page.get_by_role("button", name="Go to the checkout").click()
        await expect(page.get_by_role("alert")).to_contain_text("nobody of that name")
        await page.get_by_label("For whom").fill("")
        await page.get_by_role("button", name="Go to the checkout").click()
        await page.get_by_role("button", name="Pay with test money").click()
        await page.wait_for_url("**/account")
        gifts = page.get_by_role("region", name="Gifts")
        await expect(gifts).to_contain_text("waits to be taken")
        await gifts.get_by_role("button", name="Make a link").click()
        link = await page.get_by_label("Link", exact=True).input_value()
        assert await nameless(page) == []
        copy = page.get_by_role("dialog").get_by_role("button", name="Copy")
        await page.evaluate(NOTHING_COPIES)
        await copy.click()
        await expect(page.get_by_role("alert")).to_contain_text("copy it yourself")
        await expect(page.get_by_label("Link", exact=True)).to_have_value(link)
        await page.evaluate("delete document.execCommand")
        await copy.click()
        await expect(page.locator("#toasts")).to_contain_text("The link is copied")

        friend = await browser.open(f"{api.url}/account#token={finn.token}", strict=True)
        await friend.page.goto(link)
        await expect(friend.page.locator("main")).to_contain_text("It costs you nothing, and ends by itself")
        await friend.page.get_by_role("button", name="Take it").click()
        await expect(friend.page.locator("main")).to_contain_text("It is yours, until")
        await page.reload()
        await expect(gifts).to_contain_text("until")

        # The creator is paid out a part, a week later.
        await api.ok("POST", "/v1/test-clock", by=ada, json={"forward_seconds": 8 * 86_400})
        studio = await browser.open(f"{api.url}/studio#token={ada.token}", strict=True)
        payouts = studio.page.get_by_role("region", name="Payouts")
        await payouts.get_by_label("Amount").fill("100000")
        await payouts.get_by_role("button", name="Pay out").click()
        await expect(payouts.get_by_role("alert")).to_be_visible()
        await payouts.get_by_label("Amount").fill("4")
        await payouts.get_by_role("button", name="Pay out").click()
        await expect(payouts.locator("li")).to_contain_text("$4.00")
        await expect(payouts.locator("li")).to_contain_text("Paid")
        assert await nameless(studio.page) == []

        # The giver takes what is stored along, and leaves.
        data = page.get_by_role("region", name="Your data")
        async with page.expect_download() as download:
            await data.get_by_role("button", name="Download").click()
        told = json.loads((await (await download.value).path()).read_text())
        assert [gift["months"] for gift in told["tables"]["gifts"]] == [3]
        for words, ends in (("please", False), ("delete my account", True)):
            await data.get_by_role("button", name="Delete my account").click()
            dialog = page.get_by_role("dialog")
            await dialog.get_by_label("To be sure").fill(words)
            await dialog.get_by_role("button", name="Delete my account").click()
            if not ends:
                await expect(data.get_by_role("alert")).to_be_visible()
        await page.wait_for_url(f"{api.url}/")
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        complaints = [*tab.complaints, *friend.complaints, *studio.complaints]
        assert [one for one in complaints if "blob:" not in one and "422" not in one and "404" not in one] == []


async def test_signing_in_at_an_openid_provider_and_what_went_wrong_there(
    tmp_path: Path, playwright: Playwright
) -> None:
    async with provider() as made, chromium(playwright) as browser:
        settings = {"oidc_issuer": made.url, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
        async with running(tmp_path, **settings) as node:
            tab = await browser.open(f"{node.url}/sign-in", strict=True)
            page = tab.page
            made.spoil = {"aud": "somebody else"}
            await page.get_by_role("link", name="Sign in at 127.0.0.1").click()
            await expect(page.get_by_role("alert")).to_contain_text("cannot be believed")
            await page.goto(f"{node.url}/v1/sign-in/oidc/callback?code=x&state=y")
            await expect(page.get_by_role("alert")).to_contain_text("not begun in this browser")
            made.spoil = {}
            await page.get_by_role("link", name="Sign in at 127.0.0.1").click()
            await expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
            assert await nameless(page) == []
            await page.get_by_label("Handle").fill("ada")
            await page.get_by_role("button", name="Save").click()
            await expect(page.get_by_role("link", name="Ada")).to_be_visible()
            assert [one for one in tab.complaints if "blob:" not in one] == []
