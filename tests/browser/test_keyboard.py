"""A whole visit by the keyboard alone; being heard while the space bar is held; being told that one talks unheard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import listening
from tests.harness.patience import until_heard, until_silent
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")

HERTZ = 700
HERE = "document.activeElement?.dataset.action ?? document.activeElement?.className ?? ''"


async def tab_to(page: Page, action: str) -> None:
    """By the Tab key, as far as it takes."""
    for _ in range(60):
        if await page.evaluate(HERE) == action:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to {action}")


async def test_join_ask_to_speak_mute_and_leave_by_the_keyboard_alone(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host, bob = await api.creator(handle), person(f"bob.{handle}")
    space = await api.space(host)
    voice = write_wav(tmp_path / "voice.wav", tone(HERTZ, 1.0, amplitude=0.3))
    async with chromium(playwright, voice) as browser, listening(api, space) as ear:
        visitor = await open_space(browser, server.url, space, bob)
        page = visitor.page
        await page.locator('[data-action="listen"]').wait_for()
        await page.keyboard.press("Tab")
        await expect(page.locator(".skip")).to_be_focused()
        await tab_to(page, "listen")
        await page.keyboard.press("Enter")
        await visitor.until_state("listening")
        await tab_to(page, "ask")
        await page.keyboard.press("Space")
        await page.locator('[data-action="withdraw"]').wait_for()
        accepted = {"account": f"@{bob.handle}"}
        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json=accepted)
        await visitor.until_speaking()
        await until_heard(ear, HERTZ)
        await page.keyboard.press("m")
        await until_silent(ear, HERTZ)
        await expect(page.locator('[data-notice="unheard"]')).to_contain_text("You are talking, but you are muted")
        await page.keyboard.press("Shift+?")
        await expect(page.get_by_role("dialog")).to_contain_text("Space bar")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)  # the focus goes back to where it was

        await page.locator("h1").focus()
        await expect(page.locator("h1")).to_be_focused()
        await page.keyboard.down("Space")
        await expect(page.locator('[data-action="mute"]')).to_contain_text("Talking")
        await until_heard(ear, HERTZ)
        await page.keyboard.up("Space")
        await until_silent(ear, HERTZ)
        await tab_to(page, "mute")
        await page.keyboard.press("Space")
        await until_heard(ear, HERTZ)

        await tab_to(page, "leave")
        await page.keyboard.press("Enter")
        await visitor.until_state("joined")
        await until_silent(ear, HERTZ)
        assert visitor.tab.complaints == []


async def test_who_holds_the_button_is_heard_for_as_long_as_that(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    voice = write_wav(tmp_path / "voice.wav", tone(HERTZ, 1.0, amplitude=0.3))
    async with chromium(playwright, voice) as browser, listening(api, space) as ear:
        speaker = await open_space(browser, server.url, space, host)
        await speaker.listen()
        await speaker.until_speaking()
        button = speaker.page.locator('[data-action="mute"]')
        await button.click()
        await until_silent(ear, HERTZ)
        await button.hover()
        await speaker.page.mouse.down()
        await expect(button).to_contain_text("Talking")
        await until_heard(ear, HERTZ)
        await speaker.page.mouse.up()
        await until_silent(ear, HERTZ)
        await expect(button).to_contain_text("Unmute")
