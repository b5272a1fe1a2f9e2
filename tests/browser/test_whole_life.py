"""Two real browsers go through one whole life of a Space by its page alone; who hears whom is measured at each step."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.chromium import Tab, chromium
from tests.harness.client import RtcClient, listening
from tests.harness.measure import steady_tone_levels
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import SpacePage, open_space

pytestmark = pytest.mark.needs("chromium")

ADA, BOB = 700, 1_250
"""Hertz: what each one's microphone says."""
HEARD_DBFS, SILENT_DBFS = -30.0, -60.0
ABSENT_DECIBELS = 30.0
"""Below the voice that is heard; a player that stumbles smears a tone a little."""
WITHIN_SECONDS = 30.0

Ear = Tab | RtcClient


async def levels(ear: Ear, seconds: float) -> dict[int, float]:
    return dict(zip((ADA, BOB), steady_tone_levels(await ear.heard(seconds), [ADA, BOB]), strict=True))


async def hears(ear: Ear, *voices: int, step: str) -> None:
    """These, and no other, for a second, within a while."""

    def so(found: dict[int, float]) -> bool:
        most = max(SILENT_DBFS, *(found[hertz] - ABSENT_DECIBELS for hertz in voices)) if voices else SILENT_DBFS
        return all(level > HEARD_DBFS if hertz in voices else level < most for hertz, level in found.items())

    deadline, in_a_row = asyncio.get_running_loop().time() + WITHIN_SECONDS, 0
    while in_a_row < 2:
        found = await levels(ear, 0.5)
        in_a_row = in_a_row + 1 if so(found) else 0
        assert in_a_row or asyncio.get_running_loop().time() < deadline, f"{step}: {found}"
    print(f"{step}: " + ", ".join(f"{hertz} Hz {level:.0f} dBFS" for hertz, level in found.items()))


@contextlib.asynccontextmanager
async def two_browsers(
    server: Server, playwright: Playwright, folder: Path, host: Person
) -> AsyncIterator[tuple[Tab, SpacePage]]:
    """Ada's studio, and the Space that she plans there as Bob sees it."""
    voices = [write_wav(folder / f"{hertz}.wav", tone(hertz, 2.0, amplitude=0.2)) for hertz in (ADA, BOB)]
    async with chromium(playwright, voices[0]) as hers, chromium(playwright, voices[1]) as his:
        studio = await hers.open(f"{server.url}/studio#token={host.token}")
        spaces = studio.page.get_by_role("region", name="Spaces")
        await spaces.get_by_label("Title").fill("One whole life")
        soon = datetime.now().astimezone() + timedelta(minutes=20)
        await spaces.get_by_label("When").fill(soon.strftime("%Y-%m-%dT%H:%M"))
        await spaces.get_by_role("button", name="Create the Space").click()
        await studio.page.wait_for_url("**/s/*")
        space = studio.page.url.rpartition("/")[2]
        yield studio, await open_space(his, server.url, space, person(f"{host.handle}bob"))


async def reminded(api: Api, by: Person) -> bool:
    """Told that what one wanted to be reminded of begins: it waits to be seen, or a page of theirs has shown it."""
    waiting = (await api.ok("GET", "/v1/me/reminders", by=by))["notices"]
    if any(notice["kind"] == "begins" for notice in waiting):
        return True
    notices = (await api.ok("GET", "/v1/me/export", by=by))["tables"].get("reminder_notices", [])
    return any(notice["kind"] == "begins" and notice["seen_at"] for notice in notices)


async def choose(page: SpacePage, opener: str, item: str) -> None:
    """By the keyboard: the menu opens on its first item, the letter leads to another, Enter takes it."""
    await page.page.get_by_role("button", name=opener, exact=True).first.focus()
    await page.page.keyboard.press("Enter")
    wanted = page.page.get_by_role("menuitem", name=item, exact=True)
    await wanted.wait_for()
    for _ in range(12):
        if await wanted.evaluate("item => item === document.activeElement"):
            break
        await page.page.keyboard.press("ArrowDown")
    await page.page.keyboard.press("Enter")


@pytest.mark.timeout(420)
async def test_a_space_from_its_plan_to_its_end(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    async with two_browsers(server, playwright, tmp_path, host) as (studio, bob):
        ada = SpacePage(studio)
        space = ada.page.url.rpartition("/")[2]
        bob_name = f"{handle}bob".title()

        bobs = person(f"{handle}bob")
        await bob.press("remind")
        await expect(bob.page.get_by_role("button", name="You will be reminded")).to_be_visible()
        assert not await reminded(api, bobs)

        # The green room: Ada hears herself, and nobody else hears her.
        await bob.press("listen")
        await expect(bob.page.locator(".dock")).to_contain_text("as soon as the Space does")
        await ada.press("green-room")
        await ada.page.locator('[data-heard="true"]').wait_for()
        await ada.press("record")
        await hears(ada.tab, ADA, step="sound check: Ada hears herself")
        await ada.page.locator('[data-action="record"]:not([aria-disabled])').wait_for()
        await ada.press("done")
        await ada.until_speaking()
        await expect(ada.page.locator(".status")).to_contain_text("Only the stage hears you")
        await hears(bob.tab, step="green room: Bob hears nothing")

        # Live: what Bob waited for begins by itself.
        await ada.press("start")
        await bob.until_state("listening")
        await hears(bob.tab, ADA, step="live: Bob hears Ada")
        ring = bob.page.locator(".person[data-speaking]")
        await expect(ring).to_contain_text(handle.title())
        await expect(ring).to_have_attribute("style", re.compile(r"--loud: (0\.[1-9]|1)"))
        async with asyncio.timeout(WITHIN_SECONDS):
            while not await reminded(api, bobs):  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.2)
        async with listening(api, space) as crowd:
            await hears(crowd, ADA, step="live: the audience hears Ada")

            await bob.press("ask")
            await ada.page.get_by_role("button", name=f"Accept {bob_name}’s request").click()
            await bob.until_role("speaker")
            await bob.until_speaking()
            await hears(ada.tab, BOB, step="accepted: Ada hears Bob, not herself")
            await hears(bob.tab, ADA, step="accepted: Bob hears Ada, not himself")
            await hears(crowd, ADA, BOB, step="accepted: the audience hears both")

            await choose(ada, f"What to do with {bob_name}", "Mute")
            await expect(bob.page.locator('[data-banner="muted"]')).to_contain_text("A host muted you")
            await hears(ada.tab, step="muted: Ada hears nothing")
            await expect(ada.page.locator(".person.muted")).to_contain_text(bob_name)
            await expect(ada.page.locator(".person[data-speaking]")).to_contain_text(handle.title())
            await hears(crowd, ADA, step="muted: the audience hears Ada")
            await bob.page.keyboard.press("m")
            await hears(crowd, ADA, BOB, step="unmuted by himself: the audience hears both")
            await expect(bob.page.locator('[data-banner="muted"]')).to_have_count(0)

            await choose(ada, f"What to do with {bob_name}", "Bring down to the audience")
            await bob.until_role("listener")
            await hears(crowd, ADA, step="brought down: the audience hears Ada")
            await hears(ada.tab, step="brought down: Ada hears nothing")
            await hears(bob.tab, ADA, step="brought down: Bob hears Ada")

            # From the list of people back to the stage, as a co-host; then the Space is Bob's.
            await choose(ada, "More for this Space", "People")
            await choose(ada, f"What to do with {bob_name}", "Make co-host")
            await bob.press("invitation-accept")
            await bob.until_role("cohost")
            await ada.page.keyboard.press("Escape")
            await hears(crowd, ADA, step="co-host: no microphone is opened unasked")
            await bob.press("microphone")
            await hears(crowd, ADA, BOB, step="co-host: the audience hears both")
            await choose(ada, f"What to do with {bob_name}", "Hand the Space over")
            await ada.page.get_by_role("dialog").get_by_role("button", name="Hand the Space over").click()
            await bob.until_role("host")
            await ada.until_role("cohost")
            await hears(ada.tab, BOB, step="handed over: Ada hears Bob")
            await hears(bob.tab, ADA, step="handed over: Bob hears Ada")

            await bob.press("end")
            await bob.press("end-now")
            for page in (ada, bob):
                await page.page.locator('[data-view="ended"]').wait_for()
                await hears(page.tab, step="ended: silence")
        for page in (ada, bob):
            assert page.tab.complaints == []
    ended = await api.ok("GET", f"/v1/spaces/{space}")
    assert [(one["account"]["handle"], one["role"]) for one in ended["stage"]] == [
        (handle, "cohost"),
        (f"{handle}bob", "host"),
    ]
