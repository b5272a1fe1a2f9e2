"""A creator of several people, on the page: it is founded, people come with roles, and each may do what theirs says."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.labels import nameless
from tests.harness.server import Server

pytestmark = pytest.mark.needs("chromium")


async def has_tabs(page: Page, *names: str) -> None:
    await expect(page.get_by_role("navigation", name="Studio").get_by_role("link")).to_have_text(names)


async def test_a_publication_is_founded_and_its_people_do_what_their_roles_say(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    ada = await api.creator(handle)
    hosting, counting = person(f"{handle}h"), person(f"{handle}f")
    for one in (hosting, counting):
        await api.ok("GET", "/v1/me", by=one)
    paper = f"{handle}p"
    async with chromium(playwright) as browser:

        async def studio(by: Person, path: str = "/studio") -> Page:
            tab = await browser.open(f"{server.url}{path}#token={by.token}", strict=True)
            complaints.append(tab.complaints)
            return tab.page

        complaints: list[list[str]] = []
        page = await studio(ada, "/studio?view=team")
        await page.get_by_role("link", name="Found a publication").click()
        await page.get_by_label("Name").fill("The Evening")
        await page.get_by_label("Handle").fill(paper)
        assert await nameless(page) == []
        await page.get_by_role("button", name="Found it").click()
        await page.wait_for_url(f"**/studio?of={paper}&view=team")
        people = page.get_by_role("region", name="People")
        for one, role in ((hosting, "Host"), (counting, "Owner")):
            await people.get_by_label("Whom").fill(one.handle)
            await people.get_by_role("radio", name=role).check()
            await people.get_by_role("button", name="Add", exact=True).click()
            await expect(people.locator("li", has_text=one.handle.title())).to_contain_text(role)
        await people.get_by_label("Whom").fill("nobody-of-that-name")
        await people.get_by_role("button", name="Add", exact=True).click()
        await expect(people.get_by_role("alert")).to_contain_text("nobody of that name")

        # One whom the owner took for another: the role is changed.
        await people.get_by_role("button", name=f"Change the role of {counting.handle.title()}").click()
        await page.get_by_role("dialog").get_by_role("radio", name="Finance").check()
        await page.get_by_role("dialog").get_by_role("button", name="Save").click()
        await expect(people.locator("li", has_text=counting.handle.title())).to_contain_text("Finance")
        await people.get_by_role("button", name="Leave").click()
        await page.get_by_role("dialog").get_by_role("button", name="Leave").click()
        await expect(people.get_by_role("alert")).to_contain_text("There has to be an owner")
        assert await nameless(page) == []

        # The host opens Spaces, and sees nothing of the money.
        theirs = await studio(hosting)
        await has_tabs(theirs, "Spaces", "People")
        await expect(theirs.get_by_role("region")).to_have_count(1)
        choices = theirs.get_by_label("Who may come in").locator("option")
        await expect(choices).not_to_have_count(0)
        await expect(choices.filter(has_text=re.compile("ticket", re.IGNORECASE))).to_have_count(
            0
        )  # that is for others
        await theirs.get_by_label("Title").fill("Tonight in print")
        await theirs.get_by_role("button", name="Create the Space").click()
        await theirs.wait_for_url("**/s/*")
        await expect(theirs.get_by_role("button", name="Start the Space")).to_be_visible()
        space = await api.ok("GET", f"/v1/spaces/{theirs.url.rpartition('/')[2]}")
        assert space["creator"]["handle"] == paper

        # Finance sells, and sees who pays.
        money = await studio(counting)
        await has_tabs(money, "Spaces and money", "Offers", "Followers and payments", "People")
        tiers = money.get_by_role("region", name="Tiers")
        await tiers.get_by_label("Name").fill("Reader")
        await tiers.get_by_label("Price a month").fill("3")
        await tiers.get_by_role("button", name="Put it on sale").click()
        await expect(tiers.locator("li")).to_contain_text("$3.00 a month")
        tier = (await api.ok("GET", f"/v1/creators/{paper}"))["tiers"][0]["id"]
        fan = person(f"{handle}fan")
        await api.subscribe(fan, Person(paper, ""), tier)
        await money.goto(f"{server.url}/@{paper}")
        await expect(money.get_by_role("region", name="Your Super Followers")).to_contain_text(fan.handle.title())
        await money.get_by_role("link", name="Studio").click()
        await expect(money.get_by_role("region", name="Earnings")).to_be_visible()

        # Removed, he has no studio there any more; whoever has a page of his own too goes from one to the other.
        await people.get_by_role("button", name=f"Remove {hosting.handle.title()}").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(people.locator("li")).to_have_count(2)
        await theirs.goto(f"{server.url}/studio?of={paper}")
        await expect(theirs.get_by_role("button", name="Become a creator")).to_be_visible()
        await (
            page.get_by_role("navigation", name="For whom").get_by_role("link", name=handle.title(), exact=True).click()
        )
        await expect(page.get_by_role("navigation", name="For whom").locator("[aria-current]")).to_contain_text(
            handle.title()
        )
        await has_tabs(
            page, "Spaces and money", "Offers", "Followers and payments", "Newsletter", "Communities", "People"
        )
        said = [one for complained in complaints for one in complained]
        assert [one for one in said if not any(known in one for known in ("blob:", "404", "409"))] == []
