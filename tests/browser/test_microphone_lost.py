"""The microphone that somebody speaks into is unplugged: another takes its place, and nobody has to tap."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Playwright

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import listening
from tests.harness.patience import until_heard, until_silent
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")

HERTZ = 700
# A fake device cannot be pulled out. What a browser does then: the track stops, and says that it has ended.
UNPLUG = """
() => {
  const track = window.spaces.client.microphone;
  window.unplugged = track;
  track.stop();
  track.dispatchEvent(new Event("ended"));
}
"""
ANOTHER = "window.spaces.client.microphone && window.spaces.client.microphone !== window.unplugged"


async def test_a_speaker_goes_on_with_another_one_as_muted_as_he_was(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    microphone = write_wav(tmp_path / "host.wav", tone(HERTZ, 2.0, amplitude=0.2))
    async with listening(api, space) as audience, chromium(playwright, microphone) as browser:
        page = await open_space(browser, server.url, space, host)
        await page.listen()
        await page.until_speaking()
        await page.page.evaluate(UNPLUG)
        await page.page.wait_for_function(ANOTHER)
        await until_heard(audience, HERTZ)
        await page.press("mute")
        await page.page.wait_for_function("window.spaces.client.muted")
        await page.page.evaluate(UNPLUG)
        await page.page.wait_for_function(ANOTHER)
        await page.page.wait_for_function("window.spaces.client.microphone.enabled === false")
        await until_silent(audience, HERTZ)
        assert page.tab.complaints == []
