"""People sign in by mail, on the page: a code or a link, a handle, the list of sessions, and out again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.chromium import chromium
from tests.harness.eventually import until
from tests.harness.labels import nameless, reached_by_tab
from tests.harness.server import Server, serving
from tests.harness.smtp import Mailbox, receiving_mail

pytestmark = pytest.mark.needs("chromium")

ADDRESS = "grace@example.org"
CODE = re.compile(r"\b[2-9A-Z]{4}(?:-[2-9A-Z]{4}){2}\b")


async def newest(mailbox: Mailbox, pattern: str | re.Pattern[str], count: int) -> str:
    """What the newest mail has of this, once so many have come."""
    await until(lambda: len(mailbox.to(ADDRESS)) >= count)
    letters = mailbox.to(ADDRESS)
    assert len(letters) == count
    found = re.search(pattern, letters[-1].message.get_content())
    assert found is not None
    return found[0]


async def test_a_stranger_signs_in_by_mail_chooses_a_handle_and_ends_another_session(
    playwright: Playwright, tmp_path: Path
) -> None:
    async with receiving_mail() as mailbox, chromium(playwright) as browser:
        settings = {"smtp_url": mailbox.url, "mail_from": "Spaces <no-reply@live.example>"}
        with serving(tmp_path, settings=settings) as server:
            tab = await browser.open(server.url, strict=True)
            page = tab.page
            await page.get_by_role("button", name="Sign in").click()
            await page.get_by_label("E-mail address").fill(ADDRESS)
            assert await nameless(page) == []
            reached, wanted = await reached_by_tab(page)
            assert reached == wanted == 3
            await page.get_by_label("E-mail address").press("Enter")
            await expect(page.locator("main")).to_contain_text(f"We have sent a code to {ADDRESS}")
            assert [c for c in tab.complaints if "blob:" not in c] == []  # our own ear's worklet
            await expect(page.get_by_label("Code")).to_be_focused()
            await page.get_by_label("Code").fill("AAAA-BBBB-CCCC")
            await page.get_by_label("Code").press("Enter")
            await expect(page.get_by_role("alert")).to_contain_text("not the code of the newest mail")
            await page.reload()  # as a phone does, while its owner reads the mail
            await page.get_by_label("Code").fill((await newest(mailbox, CODE, 1)).lower())
            await page.get_by_label("Code").press("Enter")
            await page.get_by_label("Name").fill("Grace Hopper")
            await page.get_by_label("Handle").fill("admin")
            await page.get_by_label("Handle").press("Enter")
            await expect(page.get_by_role("alert")).to_contain_text("admin is not given to anybody")
            await page.get_by_label("Handle").fill("grace")
            await page.get_by_label("Handle").press("Enter")
            await expect(page.get_by_role("link", name="Your account: Grace Hopper")).to_be_visible()

            # Another browser, by the link; the first one's list has it, and ends it.
            other = (await browser.open(f"{server.url}/sign-in", strict=True)).page
            await other.get_by_label("E-mail address").fill(ADDRESS)
            await other.get_by_label("E-mail address").press("Enter")
            await expect(other.get_by_label("Code")).to_be_visible()
            link = await newest(mailbox, r"http\S+#code=\S+", 2)
            stolen = (await browser.open(link, strict=True)).page
            await expect(stolen.get_by_role("alert")).to_contain_text("only in the browser that asked for it")
            await other.goto(link)
            await expect(other.get_by_role("link", name="Your account: Grace Hopper")).to_be_visible()
            await expect(other).not_to_have_url(re.compile("code"))

            await page.goto(f"{server.url}/account")
            assert await nameless(page) == []
            sessions = page.get_by_role("region", name="Where you are signed in").locator("li")
            await expect(sessions).to_have_count(2)
            await sessions.get_by_role("button", name="Sign out").click()
            await expect(sessions).to_have_count(1)
            await other.reload()
            await expect(other.locator("#toasts")).to_contain_text("Your sign-in is over")
            await page.locator("main").get_by_role("button", name="Sign out").first.click()
            await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            assert server.log_complaints() == []


async def test_without_a_mail_server_the_log_shows_the_code(server: Server, playwright: Playwright) -> None:
    async with chromium(playwright) as browser:
        page = (await browser.open(f"{server.url}/sign-in")).page
        await page.get_by_label("E-mail address").fill("ida@example.org")
        await page.get_by_role("button", name="Send me a code").click()
        await expect(page.locator("main")).to_contain_text("shown in the terminal")

        def shown() -> list[str]:
            lines = [line for line in server.log().splitlines() if "ida@example.org" in line]
            return [found[0] for line in lines if (found := CODE.search(line))]

        await until(shown)
        await page.get_by_label("Code").fill(shown()[0])
        await page.get_by_label("Code").press("Enter")
        await page.get_by_role("button", name="Later").click()
        await page.wait_for_url(f"{server.url}/")
        await expect(page.locator("header a.account")).to_be_visible()
