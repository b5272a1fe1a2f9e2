"""Microphones while one speaks: a new one is offered, another chosen, and what the browser does to the sound switched off."""

from __future__ import annotations

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

HERTZ = 700
FIRST, SECOND = "Fake Audio Input 1", "Fake Audio Input 2"
PLUGGED_IN_LATER = f"""
window.later = true;
const all = MediaDevices.prototype.enumerateDevices;
MediaDevices.prototype.enumerateDevices = async function () {{
  return (await all.call(this)).filter(({{ label }}) => !(window.later && label === "{SECOND}"));
}};
"""
"""A fake device cannot be plugged in. What a browser does then: it lists it, and says that its list is another."""
PLUG = """
later => {
  window.later = later;
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
}
"""
SPEAKS_INTO = "name => window.spaces.client.microphone?.label === name"
DEVICE = "window.spaces.client.microphone.getSettings().deviceId"
AS_THE_PAGE_WANTS = "delete navigator.mediaDevices.getUserMedia"
"""Our ear has switched all processing off until now: it takes a tone for noise."""
PROCESSED = """wanted => {
  const settings = window.spaces.client.microphone.getSettings();
  const found = ["echoCancellation", "noiseSuppression", "autoGainControl"].map((name) => settings[name]);
  return JSON.stringify(found) === JSON.stringify(wanted);
}"""


async def open_check(speaker: SpacePage) -> None:
    await speaker.press("room")
    await speaker.page.get_by_role("menuitem", name="Microphone and sound check").click()
    await speaker.page.locator('[data-action="done"]:not([aria-disabled])').wait_for()


async def test_a_new_one_is_offered_and_another_is_chosen_while_one_is_heard(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    voice = write_wav(tmp_path / "voice.wav", tone(HERTZ, 1.0, amplitude=0.3))
    async with chromium(playwright, voice) as browser, listening(api, space) as ear:
        speaker = await open_space(browser, server.url, space, host, script=PLUGGED_IN_LATER)
        page = speaker.page
        await speaker.listen()
        await speaker.until_speaking()
        offer = page.locator('[data-banner="new-microphone"]')
        await page.evaluate(PLUG, False)
        await expect(offer).to_contain_text(SECOND)
        await offer.get_by_role("button", name="Stay with this one").click()
        await expect(offer).to_have_count(0)
        await page.evaluate(PLUG, True)
        await page.evaluate(PLUG, False)
        await offer.get_by_role("button", name="Use it").click()
        await page.wait_for_function(SPEAKS_INTO, arg=SECOND)
        await until_heard(ear, HERTZ)

        sheet = page.get_by_role("dialog")
        await open_check(speaker)
        await expect(sheet.get_by_label("Microphone")).to_have_value(str(await page.evaluate(DEVICE)))
        await sheet.get_by_label("Microphone").select_option(label=FIRST)
        await sheet.locator('[data-heard="true"]').wait_for()
        await speaker.press("done")
        await page.wait_for_function(SPEAKS_INTO, arg=FIRST)
        await until_heard(ear, HERTZ)

        await speaker.press("mute")
        await page.wait_for_function("window.spaces.client.muted")
        await page.evaluate(AS_THE_PAGE_WANTS)
        await open_check(speaker)
        await sheet.get_by_text("What the browser does to your sound").click()
        await sheet.get_by_label("Take noise away").uncheck()
        await sheet.locator('[data-heard="true"]').wait_for()
        await speaker.press("done")
        await page.wait_for_function(PROCESSED, arg=[True, False, True])
        assert await page.evaluate("window.spaces.client.muted"), "another sound unmutes nobody"
        assert speaker.tab.complaints == []
