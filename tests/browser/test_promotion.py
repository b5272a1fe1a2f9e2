"""From the audience to the stage and back: the same connection, and no gap in what is heard."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Playwright

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import listening, speaking
from tests.harness.measure import longest_gap_seconds, tone_levels, tone_track
from tests.harness.patience import until_heard, until_silent
from tests.harness.server import Server
from tests.harness.signals import packed, tone, write_wav
from tests.harness.space_page import open_space
from tests.harness.stalls import watching_stalls

pytestmark = pytest.mark.needs("chromium")

HOST_HERTZ, GUEST_HERTZ = 700, 1600
GAP_SECONDS_MAX = 0.1


async def test_promotion_and_demotion_without_a_gap(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    guest = person(f"{handle}guest")
    space = await api.space(host)
    microphone = write_wav(tmp_path / "guest.wav", tone(GUEST_HERTZ, 2.0, amplitude=0.2))
    async with (
        speaking(api, space, packed(tone(HOST_HERTZ, 1.0)), by=host),
        listening(api, space) as audience,
        chromium(playwright, microphone) as browser,
        watching_stalls() as stalls,
    ):
        page = await open_space(browser, server.url, space, guest)
        await page.listen()
        await until_heard(page.tab, HOST_HERTZ)
        transport = await page.ice_ufrag()
        start = await page.tab.position()
        for _ in range(2):
            await page.press("ask")
            await page.page.wait_for_function("window.spaces.client.handRaised")  # what a host answers
            await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": f"@{guest.handle}"})
            await page.until_role("speaker")
            await page.until_speaking()
            await until_heard(audience, GUEST_HERTZ)
            await asyncio.sleep(0.5)
            await api.ok("DELETE", f"/v1/spaces/{space}/speakers/@{guest.handle}", by=host)
            await page.until_role("listener")
            await until_silent(audience, GUEST_HERTZ)
            await asyncio.sleep(0.5)
        heard = await page.tab.recorded(start)
        assert await page.ice_ufrag() == transport, "the same connection"
        assert page.tab.complaints == []
    track = tone_track(heard, HOST_HERTZ)
    usual = float(np.median(track))
    gap = longest_gap_seconds(track < usual - 15)
    print(f"host's tone at {usual:.1f} dBFS, longest gap {gap * 1000:.0f} ms")
    assert usual > -30
    assert gap <= GAP_SECONDS_MAX + stalls.seconds()
    assert tone_levels(heard, [GUEST_HERTZ])[0] < usual - 40, "never himself"
