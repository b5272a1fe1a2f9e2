"""Scenes of paying, giving, being paid back, and of the people of a publication."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from playwright.async_api import Page

from tests.harness.accounts import Person

if TYPE_CHECKING:
    from tests.harness.scenes import Evening


async def scenes(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    async for scene in _checkout(evening):
        yield scene
    async for scene in _giving(evening):
        yield scene
    async for scene in _received(evening):
        yield scene
    async for scene in _team(evening):
        yield scene


async def _checkout(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    yearly = {"amount_minor": 4_990, "currency": "USD", "interval": "year"}
    await evening.api.ok("POST", f"/v1/tiers/{evening.tier}/prices", by=evening.host, json=yearly)
    page = (await evening.open(f"/@{evening.handle}", evening.person("payer"))).page
    await page.get_by_role("button", name="Subscribe to Level 1").first.wait_for()
    yield "creator-two-prices", page
    await page.get_by_role("button", name="Subscribe to Level 1").first.click()
    await page.get_by_role("heading", name="Checkout").wait_for()
    yield "pay", page
    await page.get_by_role("button", name="Let the payment fail").click()
    await page.get_by_role("alert").wait_for()
    yield "pay-declined", page
    await page.get_by_role("button", name="My bank wants a confirmation").click()
    await page.get_by_role("heading", name="Confirm the payment").wait_for()
    yield "pay-confirm", page
    await page.get_by_role("button", name="Yes, it is me").click()
    await page.get_by_role("region", name="Your receipts").wait_for()
    yield "creator-payer", page
    await page.get_by_role("button", name="Change tier").click()
    await page.locator("dialog[open]").wait_for()
    yield "change-tier", page
    await page.goto(f"{evening.api.url}/pay/nothing-of-that-name")
    await page.locator("h1").wait_for()
    yield "pay-unknown", page
    await page.context.close()
    page = (await evening.open(f"/@{evening.handle}", evening.person("patient"))).page
    await page.get_by_role("button", name="Subscribe to Level 1").first.click()
    await page.get_by_role("button", name="The money arrives in an hour").click()
    await page.get_by_role("heading", name="on its way").wait_for()
    yield "pay-pending", page
    await page.context.close()


async def _giving(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    giver = evening.person("giver")
    page = (await evening.open(f"/gift?of={evening.handle}", giver)).page
    await page.get_by_label("How many times").wait_for()
    yield "give", page
    await page.get_by_role("button", name="Go to the checkout").click()
    await page.get_by_role("button", name="Pay with test money").click()
    await page.get_by_role("button", name="Make a link").click()
    link = await page.get_by_label("Link", exact=True).input_value()
    yield "give-link", page
    await page.context.close()
    page = (await evening.browser.open(link)).page
    await page.locator("h1").wait_for()
    yield "gift-signed-out", page
    await page.goto(f"{evening.api.url}/gift#nothing-of-that-kind")
    await page.reload()
    await page.get_by_role("heading", name="leads to no gift").wait_for()
    yield "gift-none", page
    await page.context.close()


async def _received(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    page = (await evening.open("/studio", evening.host)).page
    await page.get_by_role("button", name="Prices of Level 1").click()
    await page.locator("dialog[open]").wait_for()
    yield "studio-prices", page
    await page.goto(f"{evening.api.url}/studio?view=payments")
    await page.get_by_role("button", name="Pay back").first.click()
    await page.locator("dialog[open]").wait_for()
    await page.get_by_label("Amount in USD").fill("500")
    await page.get_by_role("dialog").get_by_role("button", name="Pay back").click()
    await page.get_by_role("alert").wait_for()
    yield "studio-refund", page
    await page.get_by_label("Amount in USD").fill("1")
    await page.get_by_label("Reason").fill("The second half of the evening fell out.")
    await page.get_by_role("dialog").get_by_role("button", name="Pay back").click()
    await page.get_by_text("$1.00 paid back").wait_for()
    yield "studio-payments", page
    await page.context.close()


async def _team(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    api, host = evening.api, evening.host
    page = (await evening.open("/studio", evening.person("newcomer"))).page
    await page.get_by_role("button", name="Become a creator").wait_for()
    yield "studio-become", page
    await page.context.close()
    page = (await evening.open("/studio?new=publication", host)).page
    await page.get_by_label("Handle").wait_for()
    yield "studio-found", page
    paper = Person(f"{evening.handle}paper", "")
    body = {"kind": "publication", "handle": paper.handle, "name": "The Evening Paper, and What Is Around It"}
    await api.ok("POST", "/v1/creators", by=host, json=body)
    for name, role in (("newcomer", "host"), ("payer", "finance"), ("giver", "editor")):
        member = f"/v1/creators/{paper.handle}/members/@{evening.person(name).handle}"
        await api.ok("PUT", member, by=host, json={"role": role})
    await page.goto(f"{api.url}/studio?of={paper.handle}&view=team")
    await page.get_by_role("region", name="People").locator("li").nth(3).wait_for()
    yield "studio-team", page
    await page.get_by_role("button", name="Change the role").nth(1).click()
    await page.locator("dialog[open]").wait_for()
    yield "studio-team-role", page
    await page.context.close()
    page = (await evening.open(f"/studio?of={paper.handle}", evening.person("newcomer"))).page
    await page.get_by_role("region", name="Spaces").wait_for()
    yield "studio-of-a-host", page
    await page.context.close()
