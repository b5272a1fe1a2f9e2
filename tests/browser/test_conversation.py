"""Two and three Chromium participants with fake microphones: each hears the others and not himself, the audience all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.async_api import Playwright

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import Tab, chromium
from tests.harness.client import RtcClient, listening
from tests.harness.eventually import PATIENCE_SECONDS
from tests.harness.measure import steady_tone_levels, tone_levels
from tests.harness.opus import Samples
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import SpacePage, open_space

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.alone]

HERTZ = (600, 950, 1450)
AUDIBLE_DBFS = -30.0
ABSENT_DECIBELS = 40.0


async def test_each_hears_the_others_and_not_himself(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    """Listened to when two of them speak, and again when the third has come."""
    host = await api.creator(handle)
    guests = [person(f"{handle}guest{n}") for n in (1, 2)]
    space = await api.space(host)
    async with contextlib.AsyncExitStack() as stack:
        pages: list[SpacePage] = []
        audience: list[Tab | RtcClient] = []
        for hertz, someone in zip(HERTZ, [host, *guests], strict=True):
            microphone = write_wav(tmp_path / f"{hertz}.wav", tone(hertz, 2.0, amplitude=0.2))
            browser = await stack.enter_async_context(chromium(playwright, microphone))
            page = await open_space(browser, server.url, space, someone)
            await page.listen()
            pages.append(page)
            if someone is host:
                await page.until_speaking()
                listener_page = await open_space(browser, server.url, space)
                await listener_page.listen()
                audience = [listener_page.tab, await stack.enter_async_context(listening(api, space))]
                continue
            await page.press("ask")
            await pages[0].press("accept")
            await page.until_role("speaker")
            await page.until_speaking()
            ears = [*(page.tab for page in pages), *audience]
            deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
            while wrong := judged(await asyncio.gather(*(ear.heard(2) for ear in ears)), len(pages)):
                assert asyncio.get_running_loop().time() < deadline, wrong
    for page in pages:
        assert page.tab.complaints == []


def judged(recordings: Sequence[Samples], people: int) -> list[str]:
    """What is wrong with what the speakers hear, each in his place, and then the audience."""
    present, wrong = HERTZ[:people], []
    for number, recording in enumerate(recordings):
        levels = steady_tone_levels(recording, present)
        print(people, number, levels.round(1))
        hears = [level for n, level in enumerate(levels) if n != number]
        if min(hears) <= AUDIBLE_DBFS:
            wrong.append(f"{number} of {people} does not hear all: {levels.round(1)}")
        elif number < people:
            own = max(levels[number], tone_levels(recording, present)[number])
            if min(hears) - own < ABSENT_DECIBELS:
                wrong.append(f"{number} of {people} hears himself: {levels.round(1)}, {own:.1f}")
    return wrong
