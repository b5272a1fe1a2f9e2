"""A fan at a locked door buys a ticket, and is in: all on the page, without a mouse."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.eventually import until_so
from tests.harness.labels import nameless
from tests.harness.patience import until_heard
from tests.harness.server import Server
from tests.harness.signals import packed, tone
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")


async def ticketed(api: Api, host: Person, **offer: Any) -> str:
    """A live Space with tickets for five dollars."""
    space = await api.space(host, access={"policy": "ticketed"}, live=False)
    terms = {"amount_minor": 500, "currency": "USD", "quantity": 1, **offer}
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=terms)
    await api.ok("POST", f"/v1/spaces/{space}/start", by=host)
    return space


async def test_a_fan_buys_a_ticket_with_the_keyboard_and_hears(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await ticketed(api, host)
    fan = person(f"{handle}fan")
    async with speaking(api, space, packed(tone(800, 1.0)), by=host), chromium(playwright) as browser:
        door = await open_space(browser, server.url, space, fan, strict=True)
        page = door.page
        await expect(page.locator(".ticket")).to_contain_text("1 seat left")
        assert await nameless(page) == []
        await page.locator('[data-action="buy-ticket"]').press("Enter")
        await expect(page.locator("main")).to_contain_text("TEST MONEY")
        assert await nameless(page) == []
        await page.get_by_role("button", name="Let the payment fail").press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("The payment failed")
        await page.get_by_role("button", name="Back").press("Enter")

        # The last seat is held: for oneself to go on with, for others it is sold.
        go_on = page.get_by_role("button", name="Go on to pay")
        await expect(go_on).to_be_visible()
        other = await open_space(browser, server.url, space, person(f"{handle}late"))
        await expect(other.page.locator(".locked")).to_contain_text("All tickets for this Space are sold")
        await expect(other.page.locator('[data-action="buy-ticket"]')).to_have_count(0)

        await go_on.press("Enter")
        await page.get_by_role("button", name="My bank wants a confirmation").press("Enter")
        await page.get_by_role("button", name="Yes, it is me").press("Enter")
        await page.wait_for_url(f"**/s/{space}")
        await door.until_state("listening")
        await until_heard(door.tab, 800)
        assert [c for c in door.tab.complaints if "blob:" not in c] == []


async def test_a_payment_that_comes_later_and_a_ticket_that_is_given_away(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan, friend = await api.creator(handle), person(f"{handle}fan"), person(f"{handle}friend")
    await api.ok("GET", "/v1/me", by=friend)
    later, given = await ticketed(api, host), await ticketed(api, host)
    soon = await ticketed(api, host, sale_start="2099-05-01T18:00:00Z")
    bought = await api.ok("POST", f"/v1/spaces/{given}/tickets", by=fan)
    await api.ok("POST", bought["checkout_url"], json={"outcome": "succeed"})
    async with chromium(playwright) as browser:
        door = await open_space(browser, server.url, later, fan)
        page = door.page
        await door.press("buy-ticket")
        await page.get_by_role("button", name="The money arrives in an hour").click()
        await expect(page.get_by_role("heading", name="Your payment is on its way")).to_be_visible()
        await page.get_by_role("link", name="Back").click()
        await expect(page.locator(".ticket")).to_contain_text("The door opens when it has arrived")

        await page.goto(f"{server.url}/s/{soon}")
        await expect(page.locator(".ticket")).to_contain_text("On sale from")

        await page.goto(f"{server.url}/account")
        tickets = page.get_by_role("region", name="Tickets")
        await tickets.get_by_role("button", name="Give away").click()
        await page.get_by_label("To whom").fill("nobody-of-that-name")
        await page.get_by_role("dialog").get_by_role("button", name="Give away").click()
        await expect(tickets.get_by_role("alert")).to_contain_text("nobody of that name")
        await tickets.get_by_role("button", name="Give away").click()
        await page.get_by_label("To whom").fill(friend.handle)
        await page.get_by_role("dialog").get_by_role("button", name="Give away").click()
        await expect(tickets).to_contain_text(f"given to {friend.handle.title()}")
        await expect(page.get_by_role("region", name="Payments")).to_contain_text("$5.00")
    assert (await api.ok("GET", f"/v1/spaces/{given}", by=friend))["you"]["admitted"]
    assert not (await api.ok("GET", f"/v1/spaces/{given}", by=fan))["you"]["admitted"]


async def test_a_planned_space_with_tickets_is_called_off_and_they_are_paid_back(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan = await api.creator(handle), person(f"{handle}fan")
    space = await api.space(host, access={"policy": "ticketed"}, live=False)
    terms = {"amount_minor": 500, "currency": "USD", "quantity": 2}
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=terms)
    async with chromium(playwright) as browser:
        door = await open_space(browser, server.url, space, fan)
        page = door.page
        await expect(page.locator(".ticket")).to_contain_text("Should the Space be called off, your money goes back")
        await door.press("buy-ticket")
        await page.get_by_role("button", name="Pay with test money").click()
        await page.wait_for_url(f"**/s/{space}")
        own = await open_space(browser, server.url, space, host)
        await own.press("cancel-plan")
        await expect(own.page.get_by_role("dialog")).to_contain_text("Whoever has bought a ticket is paid back")
        await own.press("call-off")
        cancelled = page.locator('[data-view="cancelled"]')
        await expect(cancelled).to_contain_text("Whoever has a ticket is paid back")

        async def paid_back() -> bool:
            (ticket,) = (await api.ok("GET", "/v1/me/tickets", by=fan))["tickets"]
            return bool(ticket["state"] == "refunded")

        await until_so(paid_back)
        await page.goto(f"{server.url}/account")
        await expect(page.get_by_role("region", name="Tickets")).to_contain_text("$5.00 · paid back")
        await expect(page.get_by_role("region", name="Payments")).to_contain_text("$5.00 paid back")
