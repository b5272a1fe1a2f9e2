"""Lists on the page are read to their last row: more is asked for with a button, and the focus goes to what is new."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Locator, Playwright, expect
from sqlalchemy import insert, select

from access import books, comps, follows, gift_rows, merch_codes, newsletters, ticket_service
from access.database import make_engine
from access.tables_ledger import payments
from spaces.db import reports
from spaces.signaling import rest_reports
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.database import fresh_database_url
from tests.harness.labels import nameless
from tests.harness.money_life import forward
from tests.harness.node import running, served

pytestmark = pytest.mark.needs("chromium")

COPIES = 250
"""More than a page of the server's, which has 200 payments."""
FEW = 20
"""Payments that the studio shows before one asks for more."""
DAY = 86_400


async def copy_payment(database: str, by: int, copies: int) -> None:
    """As many more of the payment that this account has made."""
    engine = make_engine(database)
    try:
        async with engine.begin() as connection:
            found = await connection.execute(select(payments).where(payments.c.account == by))
            row = {name: value for name, value in found.mappings().one().items() if name != "id"}
            await connection.execute(insert(payments), [row | {"ref": f"copy-{n}"} for n in range(copies)])
    finally:
        await engine.dispose()


async def follow(region: Locator, *, at_once: int) -> int:
    """Asks for more by the keyboard until there is no more; how many rows there are then."""
    rows, more = region.locator('[data-key^="rows-"] > li'), region.get_by_role("button", name="Show more")
    shown = at_once
    await expect(rows).to_have_count(shown)
    while await more.count():
        await more.press("Enter")
        await expect(rows.nth(shown)).to_be_focused()
        shown = await rows.count()
    return shown


async def test_the_last_of_many_payments_is_found_by_whom_they_went_to_and_by_who_paid(
    tmp_path: Path, playwright: Playwright
) -> None:
    async with (
        fresh_database_url(tmp_path, migrated=True) as database,
        served(tmp_path, database_url=database) as api,
        chromium(playwright) as browser,
    ):
        ada, first, often = await api.creator("ada"), person("first"), person("often")
        tier = await api.tier(ada)
        for fan in (first, often):
            await api.subscribe(fan, ada, tier)
        account = (await api.ok("GET", "/v1/me", by=often))["account"]["id"]
        await copy_payment(database, int(account), COPIES)

        tab = await browser.open(f"{api.url}/studio?view=payments#token={ada.token}", strict=True)
        received = tab.page.get_by_role("region", name="Payments to you")
        rows, more = received.locator("li"), received.get_by_role("button", name="Show more")
        await expect(rows).to_have_count(FEW)
        await more.press("Enter")
        await expect(rows).to_have_count(2 * FEW)
        await expect(rows.nth(FEW)).to_be_focused()
        await received.get_by_label("Find a payment").fill("first")
        await expect(received.get_by_role("status")).to_contain_text("there are older ones")
        await more.press("Enter")
        await expect(rows).to_have_count(1)
        await expect(rows).to_be_focused()
        await expect(rows).to_contain_text("First")
        await expect(more).to_have_count(0)
        assert await nameless(tab.page) == []

        receipts = await browser.open(f"{api.url}/account#token={often.token}", strict=True, language="fr-FR")
        paid = receipts.page.get_by_role("region", name="Paiements")
        await expect(paid.locator("li")).to_have_count(books.LISTED_MAX)
        await paid.get_by_role("button", name="Afficher la suite").press("Enter")
        await expect(paid.locator("li")).to_have_count(COPIES + 1)
        await expect(paid.locator("li").nth(books.LISTED_MAX)).to_be_focused()
        await expect(paid.get_by_role("button")).to_have_count(0)
        assert [one for one in [*tab.complaints, *receipts.complaints] if "blob:" not in one] == []


async def sold(api: Api, host: Person, fans: list[Person]) -> str:
    """Three of everything that a creator lists; the Space that tickets are for."""
    body = {
        "name": "Fans",
        "level": 1,
        "price": {"amount_minor": 499, "currency": "USD"},
        "benefits": ["merch.discount"],
    }
    tier = (await api.ok("POST", "/v1/creators/ada/tiers", by=host, json=body))["id"]
    await api.ok("PUT", f"/v1/creators/ada/tiers/{tier}/discount", by=host, json={"percent": 15})
    spaces = [await api.space(host, access={"policy": "ticketed"}) for _ in fans]
    for number, (fan, space) in enumerate(zip(fans, spaces, strict=True)):
        offer = {"amount_minor": 500, "currency": "USD", "quantity": 10}
        await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=offer)
        gift = await api.ok("POST", "/v1/creators/ada/gifts", by=fans[0], json={"tier": tier, "intervals": 1})
        tickets = {(fan.handle, spaces[0]): fan, (fans[0].handle, space): fans[0]}  # of one Space, and of one person
        bought = [await api.ok("POST", f"/v1/spaces/{at}/tickets", by=by) for (_, at), by in tickets.items()]
        for begun in (gift, *bought):
            await api.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
        await api.subscribe(fan, host, tier)
        await api.ok("POST", "/v1/creators/ada/merch-codes", by=fan)
        await api.ok("POST", "/v1/creators/ada/comps", by=host, json={"account": f"@{fan.handle}", "tier": tier})
        letter = {"subject": f"Letter {number}", "markdown": "Hello."}
        await api.ok("POST", "/v1/creators/ada/newsletters", by=host, json=letter)
    await forward(api, host, 8 * DAY)
    for amount in (10, 20, 30):
        await api.ok("POST", "/v1/creators/ada/payouts", by=host, json={"currency": "USD", "amount_minor": amount})
    return spaces[0]


async def test_so_is_every_other_list_of_a_creator_of_a_fan_and_of_an_operator(
    tmp_path: Path, playwright: Playwright, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (books, ticket_service, follows, comps, gift_rows, merch_codes, newsletters, reports, rest_reports):
        monkeypatch.setattr(module, "LISTED_MAX", 2)
    async with (
        running(tmp_path, test_clock=True) as node,
        aiohttp.ClientSession() as http,
        chromium(playwright) as browser,
    ):
        api = Api(http, node.url)
        host, fans = await api.creator("ada"), [person(f"fan-{number}") for number in range(3)]
        space = await sold(api, host, fans)
        tab = await browser.open(f"{api.url}/#token={host.token}", strict=True)
        page = tab.page
        for view, names in (
            ("spaces", ["Payouts"]),
            ("offers", ["Given away", "Gifts of your tiers", "Discounts"]),
            ("payments", ["Super Followers"]),
            ("letters", ["Newsletter"]),
        ):
            await page.goto(f"{api.url}/studio?view={view}")
            for name in names:
                assert await follow(page.get_by_role("region", name=name), at_once=2) == 3, name
        await page.goto(f"{api.url}/s/{space}")
        await page.get_by_role("button", name="More for this Space").click()
        await page.get_by_role("menuitem", name="Tickets").click()
        assert await follow(page.get_by_role("dialog"), at_once=2) == 3
        await expect(page.get_by_role("dialog")).to_contain_text("3 of 10 are sold")

        for fan in fans:
            body = {"reason": "abuse", "detail": "He shouts.", "account": "@ada"}
            await api.ok("POST", f"/v1/spaces/{space}/reports", by=fan, json=body)
        await node.access.people.appoint("@ada")
        await page.goto(f"{api.url}/operator")
        assert await follow(page.get_by_role("region", name="Reports"), at_once=2) == 3
        await expect(page.get_by_role("heading", name="Reports 3")).to_be_visible()

        own = await browser.open(f"{api.url}/account#token={fans[0].token}", strict=True)
        for name in ("Tickets", "Gifts"):
            assert await follow(own.page.get_by_role("region", name=name), at_once=2) == 3, name
        assert [one for one in [*tab.complaints, *own.complaints] if "blob:" not in one] == []
