"""Scenes of what is to come: found, planned, moved, reminded of, shared and called off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playwright.async_api import Page

from tests.harness.chromium import DRAWN_WIDTH

if TYPE_CHECKING:
    from tests.harness.scenes import Evening

FOLD, GAP = "2026-10-25T02:30", "2027-03-28T02:30"
"""By the clock of Paris."""


async def scenes(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    start = datetime.now(UTC) + timedelta(days=4)
    plan = {"scheduled_start": start.isoformat(), "time_zone": "Pacific/Auckland", "language": "en"}
    space = await evening.space("Where the long songs come from, and why nobody sings them any more", **plan)
    path, fan = f"/v1/spaces/{space}", evening.person("follower")
    await evening.api.ok("PUT", f"{path}/reminder", by=fan)
    later = {"scheduled_start": (start + timedelta(days=1)).isoformat()}
    await evening.api.ok("PATCH", path, by=evening.host, json=later)
    async for scene in _as_a_fan(evening, space):
        yield scene
    async for scene in _as_the_host(evening, space):
        yield scene
    await evening.api.ok("POST", f"{path}/cancel", by=evening.host)
    page = (await evening.open("/", fan)).page
    await page.locator(".notice-card").last.wait_for()
    yield "coming-told", page
    await page.goto(f"{evening.api.url}/s/{space}")
    await page.get_by_role("heading", name="This Space was cancelled").wait_for()
    yield "coming-cancelled", page
    await page.context.close()


async def _as_a_fan(evening: Evening, space: str) -> AsyncIterator[tuple[str, Page]]:
    page = (await evening.open(f"/s/{space}")).page
    await page.locator(".plan").wait_for()
    yield "coming-signed-out", page
    await page.goto(f"{evening.api.url}/?topic=music&q=song")
    await page.locator("#found-title").wait_for()
    yield "coming-found", page
    await page.get_by_role("searchbox").fill("nothing like that")
    await page.locator(".none").wait_for()
    yield "coming-not-found", page
    await page.context.close()
    page = (await evening.open(f"/s/{space}", evening.person("follower"))).page
    await page.get_by_role("button", name="You will be reminded").wait_for()
    yield "coming-reminded", page
    await page.get_by_role("button", name="Share").click()
    await page.locator("dialog img").evaluate(DRAWN_WIDTH)
    yield "coming-share", page
    await page.goto(f"{evening.api.url}/account")
    await page.get_by_role("region", name="Reminders").wait_for()
    yield "coming-account", page
    await page.context.close()


async def _as_the_host(evening: Evening, space: str) -> AsyncIterator[tuple[str, Page]]:
    page = (await evening.open(f"/s/{space}", evening.host)).page
    await page.get_by_role("button", name="Call it off").click()
    await page.locator("dialog[open]").wait_for()
    yield "coming-call-off", page
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("By the clock of").select_option("Europe/Paris")
    await dialog.get_by_label("When").fill(FOLD)
    await dialog.get_by_label("Which one?").wait_for()
    yield "coming-change-fold", page
    await dialog.get_by_role("button", name="Save").click()
    await dialog.get_by_role("alert").wait_for()
    yield "coming-change-refused", page
    await page.goto(f"{evening.api.url}/studio")
    await page.get_by_label("By the clock of").select_option("Europe/Paris")
    await page.get_by_label("When").fill(GAP)
    await page.get_by_text("jump over that time").wait_for()
    yield "coming-studio-gap", page
    await page.context.close()
