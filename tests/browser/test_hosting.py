"""What hosts do to the room and to people, by the page; and what those it is done to see and hear of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import Chromium, chromium
from tests.harness.node import served
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import SpacePage, open_space

pytestmark = pytest.mark.needs("chromium")


async def menu(page: SpacePage, opener: str, item: str) -> None:
    await page.page.get_by_role("button", name=opener, exact=True).first.click()
    await page.page.get_by_role("menuitem", name=item, exact=True).click()


async def room(page: SpacePage, item: str) -> None:
    await menu(page, "More for this Space", item)


async def hosting(browser: Chromium, url: str, api: Api, handle: str) -> tuple[SpacePage, str]:
    """A host's page of a live Space, connected; and the Space."""
    host = await api.creator(handle)
    space = await api.space(host)
    page = await open_space(browser, url, space, host)
    await page.until_state("joined")
    return page, space


async def test_lock_remove_and_block(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    async with chromium(playwright) as browser:
        host, space = await hosting(browser, server.url, api, handle)
        bob = await open_space(browser, server.url, space, person(f"{handle}bob"))
        await bob.listen()
        await room(host, "Lock: nobody new comes in")
        await expect(bob.page.locator(".locked-mark")).to_be_visible()
        late = await open_space(browser, server.url, space, person(f"{handle}late"))
        await expect(late.page.locator(".locked")).to_contain_text("A host has locked this Space")
        await room(host, "Unlock")
        await expect(bob.page.locator(".locked-mark")).to_have_count(0)
        await late.listen()

        name = "What to do with " + f"{handle}bob".title()
        await room(host, "People")
        await menu(host, name, "Remove from this Space")
        await host.page.get_by_role("button", name="Remove from this Space").click()
        await expect(bob.page.locator(".evicted")).to_contain_text("You have been removed")
        await bob.press("listen")
        await bob.until_state("listening")
        await menu(host, name, "Block")
        await host.page.get_by_role("dialog", name=re.compile("Block")).get_by_role("button", name="Block").click()
        await expect(bob.page.locator(".evicted")).to_contain_text("You have been blocked")
        await expect(bob.page.locator('[data-action="listen"]')).to_have_count(0)
        await host.page.keyboard.press("Escape")

        await room(host, "Blocked people")
        await host.page.get_by_role("button", name=re.compile("Let .* in again")).click()
        await expect(host.page.get_by_role("dialog")).to_contain_text("Nobody is blocked")
        await bob.page.reload()
        await bob.listen()
        assert host.tab.complaints == bob.tab.complaints == late.tab.complaints == []


async def test_an_invitation_is_declined_and_taken(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    voice = write_wav(tmp_path / "voice.wav", tone(600, 1.0))
    async with chromium(playwright, voice) as browser:
        host, space = await hosting(browser, server.url, api, handle)
        bob = await open_space(browser, server.url, space, person(f"{handle}bob"))
        await bob.listen()
        await room(host, "People")
        for answer in ("Decline the invitation to the stage", "Go on stage"):
            await menu(host, "What to do with " + f"{handle}bob".title(), "Invite to speak")
            await expect(host.page.get_by_role("dialog")).to_contain_text("invited to speak")
            await expect(bob.page.get_by_role("alert")).to_contain_text("invites you to speak")
            await bob.page.get_by_role("button", name=answer).click()
            await expect(bob.page.locator('[data-banner="invitation"]')).to_have_count(0)
            await expect(host.page.get_by_role("dialog")).not_to_contain_text("invited to speak")
        await bob.until_role("speaker")
        assert await bob.page.evaluate("window.spaces.client.speaking") is False, "no microphone is opened unasked"
        assert host.tab.complaints == bob.tab.complaints == []


async def test_everybody_is_muted_and_slow_mode_makes_one_wait(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    voice = write_wav(tmp_path / "voice.wav", tone(600, 1.0))
    async with chromium(playwright, voice) as browser:
        host, space = await hosting(browser, server.url, api, handle)
        bob = await open_space(browser, server.url, space, person(f"{handle}bob"))
        await bob.listen()
        await room(host, "Requests, chat, captions, access")
        await host.page.get_by_label("Slow mode").select_option("600")
        often = host.page.get_by_label("How often the audience may write")
        await often.select_option(label="One line every 5 seconds")
        await host.page.get_by_role("button", name="Save").click()
        await expect(host.page.get_by_role("dialog")).to_have_count(0)
        await expect(bob.page.locator(".chat-form")).to_contain_text("One line every 5 seconds")
        await bob.press("ask")
        await bob.press("withdraw")
        await bob.press("ask")
        await expect(bob.page.locator("#toasts")).to_contain_text("Slow mode")
        await room(host, "Requests, chat, captions, access")
        await host.page.get_by_label("Who may ask to speak").select_option("nobody")
        await host.page.get_by_role("button", name="Save").click()
        await expect(bob.page.get_by_role("button", name="No requests now")).to_be_disabled()

        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=person(handle), json={"account": f"@{handle}bob"})
        await bob.until_role("speaker")
        await bob.until_speaking()  # he has asked before, and let the page have his microphone
        await room(host, "Mute everybody")
        await expect(bob.page.locator('[data-banner="muted"]')).to_be_visible()
        await bob.page.wait_for_function("window.spaces.client.muted")


async def test_a_report_is_sent_and_the_focus_is_back_where_it_was(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    async with chromium(playwright) as browser:
        _, space = await hosting(browser, server.url, api, handle)
        bob = await open_space(browser, server.url, space, person(f"{handle}bob"))
        await bob.listen()
        more = bob.page.get_by_role("button", name=f"What to do with {handle.title()}", exact=True)
        await more.focus()
        await bob.page.keyboard.press("Enter")
        report_item = bob.page.get_by_role("menuitem", name="Report")
        await expect(report_item).to_be_focused()
        await bob.page.keyboard.press("Escape")
        await expect(more).to_be_focused()
        await bob.page.keyboard.press("Enter")
        await expect(report_item).to_be_focused()
        await bob.page.keyboard.press("Enter")
        dialog = bob.page.get_by_role("dialog", name=f"Report {handle.title()}")
        await dialog.get_by_label("Advertising or a swindle").check()
        await dialog.get_by_label("What happened?").fill("He sells coins.")
        await bob.page.get_by_role("button", name="Send the report").click()
        await expect(bob.page.locator("#toasts")).to_contain_text("Your report has been sent")
        await expect(more).to_be_focused()
        told = await api.ok("GET", "/v1/me/export", by=person(f"{handle}bob"))
        [report] = told["tables"]["reports"]
        assert (report["reason"], report["detail"]) == ("spam", "He sells coins.")


async def test_all_are_told_when_no_host_is_there(playwright: Playwright, tmp_path: Path) -> None:
    async with served(tmp_path, host_absence_minutes_max=0.25) as api, chromium(playwright) as browser:
        host, space = await hosting(browser, api.url, api, "ada")
        listener = await open_space(browser, api.url, space)
        await listener.listen()
        await host.page.context.close()
        closing = listener.page.locator('[data-banner="closing"]', has_text="No host is here")
        await expect(closing.get_by_role("timer")).to_have_text(re.compile(r"0:[01]\d"))
        await listener.page.locator('[data-view="ended"]').wait_for()
