"""Chromium listens behind a network that loses a tenth of what is sent to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Playwright

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.patience import until_heard
from tests.harness.relay import Impairment, relaying
from tests.harness.server import Server
from tests.harness.signals import packed, tone
from tests.harness.space_page import SpacePage, open_space, through

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.alone]

RECEIVED = """
async () => {
  const stats = [...(await window.spaces.client.peer.pc.getStats()).values()];
  const audio = stats.filter((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.packetsReceived > 0);
  return audio.map((s) => Object.fromEntries(
    ["totalSamplesReceived", "concealedSamples", "packetsReceived", "packetsLost", "jitterBufferDelay",
      "jitterBufferEmittedCount", "codecId"].map((name) => [name, s[name]])));
}
"""
LOSS = 0.10
SETTLED_SECONDS, HEARD_SECONDS = 10.0, 14.0
CONCEALED_MAX = 0.02


async def received(page: SpacePage) -> dict[str, Any]:
    (stream,) = await page.page.evaluate(RECEIVED)
    return dict(stream)


async def test_a_tenth_lost_is_repaired(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with (
        speaking(api, space, packed(tone(440, 1.0)), by=host),
        relaying((server.address, server.udp_port)) as relay,
        chromium(playwright) as browser,
    ):
        page = await open_space(browser, server.url, space, script=through(relay, server))
        await page.listen()
        await until_heard(page.tab, 440)
        relay.down = Impairment(loss=LOSS)
        await asyncio.sleep(SETTLED_SECONDS)
        before = await received(page)
        await asyncio.sleep(HEARD_SECONDS)
        after = await received(page)
        assert page.tab.complaints == []
    of = {name: after[name] - before[name] for name in after if name != "codecId"}
    lost = of["packetsLost"] / (of["packetsLost"] + of["packetsReceived"])
    concealed = of["concealedSamples"] / of["totalSamplesReceived"]
    print(f"lost {lost:.1%}, concealed {concealed:.2%}: {of}")
    assert lost == pytest.approx(LOSS, abs=0.06), "it goes through the relay"
    assert concealed < CONCEALED_MAX
