"""Debian's Chromium with a fake microphone, and an ear in every page."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, ConsoleMessage, Page, Playwright, async_playwright

from tests.harness.needs import CHROMIUM
from tests.harness.opus import RATE, Samples

EAR = (Path(__file__).parent / "ear.js").read_text()

FLAGS = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


class Tab:
    """A page that is listened to."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        """Uncaught exceptions and console errors (a blocked script among them)."""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._on_console)

    async def position(self) -> int:
        """Samples recorded so far: the recorder runs from the page's first moment."""
        return int(await self.page.evaluate("window.__ear.position()"))

    async def recorded(self, start: int = 0) -> Samples:
        """Everything played since sample `start`."""
        encoded = await self.page.evaluate("start => window.__ear.take(start)", start)
        return np.frombuffer(base64.b64decode(encoded), "<i2").astype(np.float32) / np.float32(32768)

    async def heard(self, seconds: float) -> Samples:
        """What is played from now on, for a while."""
        start = await self.position()
        deadline = asyncio.get_running_loop().time() + seconds + 10
        while await self.position() < start + seconds * RATE:
            assert asyncio.get_running_loop().time() < deadline, "the page's recorder stands still"
            await asyncio.sleep(0.1)
        return (await self.recorded(start))[: round(seconds * RATE)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")


class Chromium:
    """One browser process; its microphone plays one WAV file in a loop."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    async def open(self, url: str, *, strict: bool = False, script: str = "") -> Tab:
        """A page of a profile of its own. `strict` keeps the page's content security policy, which bars the better ear;
        `script` runs before any of the page's own."""
        context = await self._browser.new_context(viewport={"width": 900, "height": 900}, bypass_csp=not strict)
        await context.add_init_script(EAR)
        if script:
            await context.add_init_script(script)
        page = await context.new_page()
        tab = Tab(page)
        await page.goto(url)
        return tab


@contextlib.asynccontextmanager
async def chromium(playwright: Playwright, microphone: Path | None = None) -> AsyncIterator[Chromium]:
    flags = list(FLAGS)
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}")
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
    try:
        yield Chromium(browser)
    finally:
        await browser.close()


@contextlib.asynccontextmanager
async def playwright_running() -> AsyncIterator[Playwright]:
    async with async_playwright() as playwright:
        yield playwright
