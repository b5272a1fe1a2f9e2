"""The UDP path of a live Space moves to another port, as when a NAT forgets: both ways the sound is back without a tap."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Playwright

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import listening, speaking
from tests.harness.measure import longest_gap_seconds, tone_track
from tests.harness.opus import Samples
from tests.harness.patience import until_heard
from tests.harness.relay import relaying
from tests.harness.server import Server
from tests.harness.signals import packed, tone, write_wav
from tests.harness.space_page import open_space, through
from tests.harness.stalls import watching_stalls

pytestmark = pytest.mark.needs("chromium")

HERTZ, OTHER_HERTZ = 700, 1600
TIMES = 2
BACK_SECONDS_MAX = 2.0
HEARD_SECONDS = 4.0


def gap_seconds(heard: Samples, hertz: float) -> float:
    track = tone_track(heard, hertz)
    usual = float(np.median(track))
    assert usual > -40
    assert track[-50:].min() > usual - 15, "it is back, and stays"
    return longest_gap_seconds(track < usual - 15)


async def test_a_listener_hears_again(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with (
        speaking(api, space, packed(tone(HERTZ, 1.0)), by=host),
        relaying((server.address, server.udp_port)) as relay,
        chromium(playwright) as browser,
        watching_stalls() as stalls,
    ):
        page = await open_space(browser, server.url, space, script=through(relay, server))
        await page.listen()
        await until_heard(page.tab, HERTZ)
        gaps = []
        for turn in range(TIMES):
            await asyncio.sleep(1 + 0.7 * turn)  # anywhere between two of the browser's checks
            await relay.rebind()
            gaps.append(gap_seconds(await page.tab.heard(HEARD_SECONDS), HERTZ))
        assert page.tab.complaints == []
    print("without sound: " + ", ".join(f"{gap:.2f} s" for gap in gaps))
    assert max(gaps) > 0.1, "it goes through the relay"
    assert max(gaps) <= BACK_SECONDS_MAX + stalls.seconds()


async def test_a_speaker_is_heard_and_hears_again(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host, guest = await api.creator(handle), await api.creator(f"{handle}guest")
    space = await api.space(host)
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": f"@{guest.handle}"})
    async with (
        relaying((server.address, server.udp_port)) as relay,
        speaking(api, space, packed(tone(OTHER_HERTZ, 1.0)), by=guest),
        listening(api, space) as audience,
        chromium(playwright, write_wav(tmp_path / "host.wav", tone(HERTZ, 2.0, amplitude=0.2))) as browser,
        watching_stalls() as stalls,
    ):
        page = await open_space(browser, server.url, space, host, script=through(relay, server))
        await page.listen()
        await page.until_speaking()
        await until_heard(page.tab, OTHER_HERTZ)
        await until_heard(audience, HERTZ)
        heard, said = [], []
        for turn in range(TIMES):
            await asyncio.sleep(1 + 0.7 * turn)
            await relay.rebind()
            hers, theirs = await asyncio.gather(page.tab.heard(HEARD_SECONDS), audience.heard(HEARD_SECONDS))
            heard.append(gap_seconds(hers, OTHER_HERTZ))
            said.append(gap_seconds(theirs, HERTZ))
        assert page.tab.complaints == []
    print("she does not hear: " + ", ".join(f"{gap:.2f} s" for gap in heard))
    print("she is not heard: " + ", ".join(f"{gap:.2f} s" for gap in said))
    assert max(*heard, *said) <= BACK_SECONDS_MAX + stalls.seconds()
