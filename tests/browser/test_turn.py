"""Somebody whom no UDP reaches hears and is heard: Chromium, told to use relays only, by TCP through Debian's coturn."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Playwright

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import listening, speaking
from tests.harness.coturn import SECRET, coturn
from tests.harness.patience import until_heard
from tests.harness.server import serving
from tests.harness.signals import packed, tone, write_wav
from tests.harness.space_page import SpacePage, open_space

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.needs("coturn")]

RELAYS_ONLY = """
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) { super({ ...configuration, iceTransportPolicy: "relay" }); }
};
"""
PATH = """
async () => {
  const stats = [...(await window.spaces.client.peer.pc.getStats()).values()];
  const pair = stats.find((s) => s.type === "candidate-pair" && s.nominated && s.state === "succeeded");
  const local = pair && stats.find((s) => s.id === pair.localCandidateId);
  return local && { type: local.candidateType, relayProtocol: local.relayProtocol };
}
"""
HEARD, SPOKEN = 700, 1100


async def path(page: SpacePage) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while (found := await page.page.evaluate(PATH)) is None:  # noqa: ASYNC110 - asked for: statistics tell nobody
            await asyncio.sleep(0.1)
    return dict(found)


async def test_by_tcp_alone_one_hears_and_is_heard(playwright: Playwright, tmp_path: Path) -> None:
    microphone = write_wav(tmp_path / "tone.wav", tone(SPOKEN, 2.0, amplitude=0.2))
    with (
        coturn(tmp_path) as server_between,
        serving(tmp_path, settings={"turn_urls": server_between.tcp, "turn_secret": SECRET}) as server,
    ):
        async with aiohttp.ClientSession() as http, chromium(playwright, microphone) as browser:
            api = Api(http, server.url)
            host, other = await api.creator("ada"), await api.creator("bob")
            heard_space, spoken_space = await api.space(other), await api.space(host)
            async with speaking(api, heard_space, packed(tone(HEARD, 1.0)), by=other):
                page = await open_space(browser, server.url, heard_space, script=RELAYS_ONLY)
                await page.listen()
                assert await path(page) == {"type": "relay", "relayProtocol": "tcp"}
                await until_heard(page.tab, HEARD)
                assert page.tab.complaints == []
            page = await open_space(browser, server.url, spoken_space, host, script=RELAYS_ONLY)
            await page.listen()
            await page.until_speaking()
            assert await path(page) == {"type": "relay", "relayProtocol": "tcp"}
            async with listening(api, spoken_space) as listener:
                await until_heard(listener, SPOKEN)
            assert page.tab.complaints == []
        assert server.log_complaints() == []
