"""A guest link in a browser without an account: a name, a sound check by ear, and a voice on stage; once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import listening
from tests.harness.patience import until_heard
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import SpacePage, open_space

pytestmark = pytest.mark.needs("chromium")

HERTZ = 900


async def test_a_guest_gives_a_name_speaks_comes_back_and_is_brought_down(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    space = await api.space(host, access={"policy": "members"})
    voice = write_wav(tmp_path / "guest.wav", tone(HERTZ, 2.0, amplitude=0.2))
    async with chromium(playwright, voice) as browser:
        hosts = await open_space(browser, server.url, space, host)
        await hosts.until_state("joined")
        await hosts.page.get_by_role("button", name="More for this Space").click()
        await hosts.page.get_by_role("menuitem", name="Invite by a guest link").click()
        await hosts.page.get_by_role("button", name="Make a link").click()
        link = await hosts.page.get_by_label("The new link").input_value()

        guest = SpacePage(await browser.open(link))
        await guest.page.get_by_label("Your name").fill("Grace\u202e Hopper")
        await guest.page.get_by_role("button", name="Come in as a guest").click()
        await expect(guest.page.get_by_role("alert")).to_contain_text("invisible")
        await guest.page.get_by_label("Your name").fill("Grace Hopper")
        await guest.page.get_by_role("button", name="Come in as a guest").click()
        await expect(guest.page).not_to_have_url(re.compile("guest="))
        await guest.press("listen")
        await guest.until_speaking()
        async with listening(api, space, by=host) as audience:
            await until_heard(audience, HERTZ)
        await expect(hosts.page.locator(".person", has_text="Grace Hopper")).to_contain_text("guest")
        await expect(hosts.page.get_by_role("dialog")).to_contain_text("Used by Grace Hopper")
        await hosts.page.keyboard.press("Escape")

        other = await browser.open(link)
        await other.page.get_by_label("Your name").fill("Somebody")
        await other.page.get_by_role("button", name="Come in as a guest").click()
        await expect(other.page.get_by_role("alert")).to_contain_text("used already")

        await guest.page.reload()
        await guest.press("listen")
        await guest.until_role("speaker")
        await guest.until_speaking()
        await hosts.page.get_by_role("button", name="What to do with Grace Hopper").click()
        await expect(hosts.page.get_by_role("menuitem", name="Make co-host")).to_have_count(0)
        await hosts.page.get_by_role("menuitem", name="Bring down").click()
        await expect(guest.page.locator(".evicted")).to_contain_text("Your time on stage is over")
        await guest.page.reload()
        await expect(guest.page.locator(".locked")).to_be_visible()
