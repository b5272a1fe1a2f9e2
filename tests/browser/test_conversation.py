"""Two and three Chromium participants with fake microphones: each hears the others and not himself, the audience all."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from playwright.async_api import Playwright

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import listening
from tests.harness.measure import steady_tone_levels, tone_levels
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import SpacePage, open_space

pytestmark = pytest.mark.needs("chromium")

HERTZ = (600, 950, 1450)
AUDIBLE_DBFS = -30.0
ABSENT_DECIBELS = 40.0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("people", [2, 3])
async def test_each_hears_the_others_and_not_himself(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path, people: int
) -> None:
    host = await api.creator(handle)
    guests = [person(f"{handle}guest{n}") for n in range(1, people)]
    space = await api.space(host)
    async with contextlib.AsyncExitStack() as stack:
        pages: list[SpacePage] = []
        for hertz, someone in zip(HERTZ, [host, *guests], strict=False):
            microphone = write_wav(tmp_path / f"{hertz}.wav", tone(hertz, 2.0, amplitude=0.2))
            browser = await stack.enter_async_context(chromium(playwright, microphone))
            page = await open_space(browser, server.url, space, someone)
            await page.listen()
            if someone is host:
                await page.until_speaking()
                listener_page = await open_space(browser, server.url, space)
                await listener_page.listen()
            else:
                await page.press("ask")
                await pages[0].press("accept")
                await page.until_role("speaker")
                await page.until_speaking()
            pages.append(page)
        light = await stack.enter_async_context(listening(api, space))
        await asyncio.sleep(2)
        recordings = await asyncio.gather(
            *(page.tab.heard(3) for page in pages), listener_page.tab.heard(3), light.heard(3)
        )
    present = HERTZ[:people]
    for number, recording in enumerate(recordings):
        levels = steady_tone_levels(recording, present)
        print(number, levels.round(1))
        hears = [level for n, level in enumerate(levels) if n != number]
        assert min(hears) > AUDIBLE_DBFS
        if number < people:
            own = max(levels[number], tone_levels(recording, present)[number])
            assert min(hears) - own >= ABSENT_DECIBELS
    for page in pages:
        assert page.tab.complaints == []
