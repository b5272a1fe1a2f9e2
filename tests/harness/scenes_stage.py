"""Scenes of the stage: sounds, tickets, invited people, how all are heard; muted but talking; going elsewhere meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import Page, expect

from tests.harness.signals import tone, write_wav
from tests.harness.space_page import SpacePage, open_space

if TYPE_CHECKING:
    from tests.harness.scenes import Evening


async def scenes(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    api, host = evening.api, evening.host
    access = [{"policy": "invite"}, {"policy": "ticketed"}]
    space = await evening.space("An evening with everything", access=access)
    terms = {"amount_minor": 500, "currency": "USD", "quantity": 20}
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=terms)
    buyer = evening.person("buyer")
    ticket = await api.ok("POST", f"/v1/spaces/{space}/tickets", by=buyer)
    await api.ok("POST", ticket["checkout_url"], json={"outcome": "succeed"})
    await api.ok("GET", "/v1/me", by=evening.person("invited"))
    invited = {"account": f"@{evening.person('invited').handle}"}
    await api.ok("POST", f"/v1/spaces/{space}/invitations", by=host, json=invited)
    await evening.start(space)
    page = await open_space(evening.browser, api.url, space, host)
    await page.listen()
    await page.until_speaking()
    async for scene in _sheets(page):
        yield scene
    await page.press("mute")
    await page.page.locator('[data-notice="unheard"]').wait_for()
    yield "stage-unheard", page.page
    async for scene in _elsewhere(page):
        yield scene
    await page.page.context.close()


async def _sheets(page: SpacePage) -> AsyncIterator[tuple[str, Page]]:
    for item, name, ready in (
        ("Short sounds", "stingers", "form"),
        ("How well speakers are heard", "health", '[data-health="good"]'),
        ("Tickets", "tickets", "[data-key='rows-tickets']"),
        ("Invited people", "invited", ".person-row"),
        ("Keys", "keys", "kbd"),
        ("Microphone and sound check", "processing", ".processing"),
    ):
        await page.press("room")
        await page.page.get_by_role("menuitem", name=item, exact=True).click()
        dialog = page.page.locator("dialog[open]")
        await dialog.locator(ready).first.wait_for()
        if name == "stingers":
            await dialog.get_by_label("Sound file").set_input_files(
                {"name": "Gong.wav", "mimeType": "audio/wav", "buffer": sound()}
            )
            await dialog.get_by_role("button", name="Add it").click()
            await dialog.locator(".thing").first.wait_for()
        if name == "processing":
            await dialog.locator("summary").click()
        yield f"stage-{name}", page.page
        await page.page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)


def sound() -> bytes:
    """A short tone, as a WAV file."""
    with tempfile.TemporaryDirectory() as folder:
        return write_wav(Path(folder) / "sound.wav", tone(440, 0.6)).read_bytes()


async def _elsewhere(page: SpacePage) -> AsyncIterator[tuple[str, Page]]:
    await page.page.locator("a.brand").click()
    await page.page.locator(".mini").wait_for()
    await page.page.locator("#live-title").wait_for()
    yield "mini-front", page.page
    await page.page.locator("a.account").click()
    await page.page.get_by_role("heading", name="Your account").wait_for()
    # At the end of the page nothing is half behind the bar, which axe would take for small.
    await page.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    yield "mini-account", page.page
