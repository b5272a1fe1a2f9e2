"""A Space goes on sounding while one looks at something else; a small bar has the way back, mute and leave."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.eventually import until_so
from tests.harness.patience import until_heard, until_silent
from tests.harness.server import Server
from tests.harness.signals import packed, tone, write_wav
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")

HERTZ = 700


async def test_the_sound_goes_on_elsewhere_and_ends_by_the_bar(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, packed(tone(HERTZ, 1.0)), by=host), chromium(playwright) as browser:
        listener = await open_space(browser, server.url, space)
        page = listener.page
        await listener.listen()
        session = await listener.ice_ufrag()
        await page.locator("a.brand").click()
        await expect(page).to_have_url(f"{server.url}/")
        bar = page.get_by_role("complementary", name="Playing now")
        await expect(bar).to_contain_text("You hear it live")
        await page.get_by_role("searchbox").fill("talk")
        await until_heard(listener.tab, HERTZ)
        await bar.get_by_role("link").click()
        await expect(page).to_have_url(f"{server.url}/s/{space}")
        await expect(bar).to_have_count(0)
        await expect(page.locator('[data-action="leave"]')).to_be_visible()
        assert await listener.ice_ufrag() == session, "it is the same presence"
        await page.go_back()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Listen")
        await bar.get_by_role("button", name="Leave").click()
        await expect(bar).to_have_count(0)
        await until_silent(listener.tab, HERTZ)
        await page.go_forward()
        await expect(page.locator('[data-action="listen"]')).to_be_visible()


async def test_who_speaks_mutes_in_the_bar_and_is_told_of_the_end(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    bob = person(f"bob.{handle}")
    await api.to_stage(space, host, bob)
    async with chromium(playwright, write_wav(tmp_path / "voice.wav", tone(HERTZ, 1.0))) as browser:
        speaker = await open_space(browser, server.url, space, bob)
        page = speaker.page
        await speaker.listen()
        await speaker.until_speaking()
        await page.locator("a.account").click()
        bar = page.get_by_role("complementary", name="Playing now")
        await bar.get_by_role("button", name="Mute").click()
        await expect(bar.get_by_role("button", name="Unmute")).to_be_visible()

        async def all_know() -> bool:
            stage = (await api.ok("GET", f"/v1/spaces/{space}"))["stage"]
            return [member["muted"] for member in stage if member["account"]["handle"] == bob.handle] == [True]

        await until_so(all_know)
        await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
        await expect(bar).to_contain_text("Has ended")
        await bar.get_by_role("button", name="Close").click()
        await expect(bar).to_have_count(0)
