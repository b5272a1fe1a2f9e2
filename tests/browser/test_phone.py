"""A visit on a phone: one tap and it sounds, all is within a finger's reach, and the lock screen pauses and goes on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.eventually import PATIENCE_SECONDS
from tests.harness.opus import RATE
from tests.harness.patience import until_heard
from tests.harness.server import Server
from tests.harness.signals import packed, tone, write_wav
from tests.harness.space_page import SpacePage

pytestmark = pytest.mark.needs("chromium")

HERTZ = 700
FINGER_PIXELS, SMALLEST_PIXELS = 44, 24
"""For what one has to find without looking; for a reaction beside others (WCAG 2.2, 2.5.8)."""
SIZES = ((390, 760), (320, 568))
KEYS = """
window.__keys = {};
const set = MediaSession.prototype.setActionHandler;
MediaSession.prototype.setActionHandler = function (action, handler) {
  window.__keys[action] = handler;
  return set.call(this, action, handler);
};
"""
SHOWN = "[navigator.mediaSession.playbackState, navigator.mediaSession.metadata?.title ?? null]"
OUT_OF_REACH = """
([finger, small]) => [...document.querySelectorAll(".dock button, :is(.bar, .mini) :is(a, button)")].filter((one) => {
  const { left, top, right, bottom, width, height } = one.getBoundingClientRect();
  const smallest = one.closest(".reactions") ? small : finger;
  return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight || Math.min(width, height) < smallest - 0.5;
}).map((one) => `${one.outerHTML.slice(0, 120)} ${JSON.stringify(one.getBoundingClientRect())}`)
"""
"""Of the controls that are always there."""


async def everything_is_in_reach(page: Page) -> None:
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        await page.evaluate("scrollTo(0, 0)")  # the bar at the top goes with the page
        async with asyncio.timeout(PATIENCE_SECONDS):  # what is at the bottom follows the window's size
            while out := await page.evaluate(OUT_OF_REACH, [FINGER_PIXELS, SMALLEST_PIXELS]):
                print(width, height, out)
                await asyncio.sleep(0.1)
        await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        dock = page.locator(".dock")
        if await dock.count() > 0:
            assert (await dock.bounding_box() or {"height": height})["height"] < height * 0.6, (
                "there is room for the talk"
            )


async def until_shown(page: Page, playback: str, title: str | None) -> None:
    """On the lock screen."""
    wanted = json.dumps([playback, title], separators=(",", ":"))
    await page.wait_for_function(f"JSON.stringify({SHOWN}) === {json.dumps(wanted)}")


async def until_not_a_sound(visit: SpacePage) -> None:
    async with asyncio.timeout(30):
        while np.any((await visit.tab.heard(1))[RATE // 4 :]):
            pass


async def test_one_tap_the_lock_screen_and_asking_to_speak(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host, fan = await api.creator(handle), person(f"{handle}fan")
    space, title = await api.space(host), f"A talk of {handle}"
    microphone = write_wav(tmp_path / "fan.wav", tone(1_600, 1.0, amplitude=0.1))
    async with speaking(api, space, packed(tone(HERTZ, 1.0)), by=host), chromium(playwright, microphone) as browser:
        address = f"{server.url}/s/{space}#token={fan.token}"
        visit = SpacePage(await browser.open(address, script=KEYS, phone=True))
        page = visit.page
        await page.locator('[data-action="listen"]').tap()
        await visit.until_state("listening")
        await until_heard(visit.tab, HERTZ)
        await until_shown(page, "playing", title)
        await everything_is_in_reach(page)
        heart = page.locator(".reactions button").first
        await heart.tap()
        await expect(page.locator(".sky .float").first).to_be_attached()

        await page.evaluate("window.__keys.pause()")
        await until_shown(page, "paused", title)
        await until_not_a_sound(visit)
        async with page.expect_event("websocket"):
            await page.evaluate(
                "dispatchEvent(new Event('online'))"
            )  # as when the network is another one: all begins anew
        await visit.until_state("joined")
        await until_shown(page, "paused", title)  # it stays so
        await page.evaluate("window.__keys.play()")
        await until_heard(visit.tab, HERTZ)
        await until_shown(page, "playing", title)

        await page.locator("a.brand").tap()
        mini = page.locator(".mini")
        await expect(mini).to_contain_text(title)
        await page.evaluate("window.__keys.pause()")
        await expect(mini).to_contain_text("Paused")
        await until_not_a_sound(visit)
        await everything_is_in_reach(page)
        await mini.get_by_role("button", name="Listen").tap()
        await until_heard(visit.tab, HERTZ)
        await mini.get_by_role("link").tap()

        await page.locator('[data-action="ask"]').tap()
        await expect(page.locator('[data-action="withdraw"]')).to_be_visible()
        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": f"@{fan.handle}"})
        await visit.until_speaking()
        await everything_is_in_reach(page)
        await page.locator('[data-action="mute"]').tap()
        await expect(page.locator('[data-action="mute"]')).to_contain_text("Unmute")
        await page.locator('[data-action="leave"]').tap()
        await visit.until_state("joined")
        await until_shown(page, "none", None)
        assert visit.tab.complaints == []
