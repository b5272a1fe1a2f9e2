"""Debian's Chromium with a fake microphone, and an ear in every page."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shlex
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, async_playwright, expect

from tests.harness.eventually import PATIENCE_SECONDS
from tests.harness.needs import CHROMIUM, CHROMIUM_SHELL
from tests.harness.netns import Namespace
from tests.harness.opus import RATE, Samples

EAR = (Path(__file__).parent / "ear.js").read_text()

PATIENCE_MILLISECONDS = 90_000
"""For a page to come up, and for what a test waits for without saying how long: a machine may be busy."""

expect.set_options(timeout=30_000)

DRAWN_WIDTH = """image => new Promise((loaded, failed) => {
  const until = performance.now() + 60_000;
  image.onload = loaded;
  image.onerror = () => {
    if (performance.now() > until) failed(new Error(`${image.src} is no picture`));
    else setTimeout(() => { image.src = image.src; }, 1_000); // a server that is busy says so, and draws it later
  };
  if (image.complete) (image.naturalWidth ? image.onload : image.onerror)();
}).then(() => createImageBitmap(image)).then((bitmap) => bitmap.width)"""
"""In pixels, of an `img` once it is there and decoded. (`decode()` needs a window that is painted, which a browser without
one may not have.)"""

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


_everybodys: Browser | None = None


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

    async def heard(self, seconds: float, since: int | None = None) -> Samples:
        """What is played for a while, from now on or from that sample on."""
        start = await self.position() if since is None else since
        deadline = asyncio.get_running_loop().time() + seconds + PATIENCE_SECONDS
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
        self._contexts: list[BrowserContext] = []

    async def open(
        self, url: str, *, strict: bool = False, script: str = "", language: str = "en-US", phone: bool = False
    ) -> Tab:
        """A page of a profile of its own. `strict` keeps the page's content security policy, which bars the better ear;
        `script` runs before any of the page's own; `language` is the browser's; a `phone` is small and touched."""
        context = await self._browser.new_context(
            viewport={"width": 390, "height": 760} if phone else {"width": 900, "height": 900},
            is_mobile=phone,
            has_touch=phone,
            bypass_csp=not strict,
            locale=language,
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        await context.add_init_script(EAR)
        if script:
            await context.add_init_script(script)
        page = await context.new_page()
        tab = Tab(page)
        await page.goto(url)
        return tab

    async def close_pages(self) -> None:
        while self._contexts:
            await self._contexts.pop().close()


@contextlib.asynccontextmanager
async def chromium(
    playwright: Playwright,
    microphone: Path | None = None,
    *,
    more_flags: Sequence[str] = (),
    host: Namespace | None = None,
    trusted: str = "",
    whole: bool = False,
) -> AsyncIterator[Chromium]:
    """`host`: where it runs, if not here; `trusted`: an http origin that it takes for a secure one; `whole`: the browser that
    people have, with its own windows around the page. Who asks for nothing of all that shares a process with whoever came
    before; the pages are his own."""
    if microphone is None and host is None and not more_flags and not trusted and not whole:
        ours = Chromium(await _everybodys_browser(playwright))
        try:
            yield ours
        finally:
            await ours.close_pages()
        return
    flags = [*FLAGS, *more_flags]
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}")
    if trusted:
        flags.append(f"--unsafely-treat-insecure-origin-as-secure={trusted}")
    with tempfile.TemporaryDirectory() as folder:
        program = CHROMIUM if whole else CHROMIUM_SHELL
        if host is not None:
            program = _started_at(host, program, Path(folder))
        browser = await playwright.chromium.launch(executable_path=program, headless=True, args=flags)
        try:
            yield Chromium(browser)
        finally:
            await browser.close()


async def _everybodys_browser(playwright: Playwright) -> Browser:
    """Lives as long as the driver."""
    global _everybodys
    if _everybodys is None or not _everybodys.is_connected():
        _everybodys = await playwright.chromium.launch(executable_path=CHROMIUM_SHELL, args=FLAGS)
    return _everybodys


def _started_at(host: Namespace, program: str, folder: Path) -> str:
    """A program in Chromium's place. It is driven by a pipe, which leads over there too."""
    script = folder / "chromium"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(host.command(program))} "$@"\n')
    script.chmod(0o755)
    return str(script)


@contextlib.asynccontextmanager
async def playwright_running() -> AsyncIterator[Playwright]:
    async with async_playwright() as playwright:
        yield playwright
