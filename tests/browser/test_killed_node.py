"""A node is killed while two people's browsers are in a live Space; it is started again, and both go on without a tap."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Playwright

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.patience import until_heard
from tests.harness.restart import kill_and_start_again
from tests.harness.server import serving
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import open_space

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.alone]

HERTZ = 700
WRITE_DOWN = """() => {
  window.told = new Set();
  const look = () => document.querySelectorAll(".status, .toast").forEach((one) => window.told.add(one.textContent));
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
"""What the page says."""
BACK_SECONDS_MAX = 5.0
"""Both, from the moment when the node that was started again is ready."""


async def test_host_and_listener_are_back_with_sound(playwright: Playwright, tmp_path: Path) -> None:
    microphone = write_wav(tmp_path / "host.wav", tone(HERTZ, 2.0, amplitude=0.2))
    with serving(tmp_path) as server:
        async with (
            aiohttp.ClientSession() as http,
            chromium(playwright, microphone) as hers,
            chromium(playwright) as his,
        ):
            api = Api(http, server.url)
            host = await api.creator("ada")
            space = await api.space(host)
            ada = await open_space(hers, server.url, space, host)
            await ada.listen()
            await ada.until_speaking()
            listener = await open_space(his, server.url, space)
            await listener.listen()
            await until_heard(listener.tab, HERTZ)
            await listener.page.evaluate(WRITE_DOWN)
            again = await asyncio.to_thread(kill_and_start_again, server)
            started = asyncio.get_running_loop().time()
            try:
                await listener.until_state("listening")
                await ada.until_state("listening")
                await until_heard(listener.tab, HERTZ)
                seconds = asyncio.get_running_loop().time() - started
                print(f"heard {seconds:.1f} s after the restart")
                assert seconds <= BACK_SECONDS_MAX
                await ada.until_role("host")
                await ada.until_speaking()
                await listener.until_role("listener")
                told = " ".join(await listener.page.evaluate("[...window.told]"))
                assert "Reconnecting… the sound comes back by itself." in told
                assert "Connected again" in told
                assert (await api.ok("GET", f"/v1/spaces/{space}"))["state"] == "live"
            finally:
                again.stop()
