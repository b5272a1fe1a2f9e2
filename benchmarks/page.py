"""How soon a listener can tap, and hears, on a phone: the page of a live Space in Chromium, its processor slowed down.

Every load is a navigation from an empty tab. *Interactive*: from the navigation until the Listen button is in the document
and open (from then on a tap is heard: the page says so at once, and does it as soon as it can, which *hasty* measures) and
the main thread is free: the end of the last task of more than 50 ms that began before or within three seconds after. *Sound*:
from a tap on it to the first sound that was decoded for playing. *Cold*: with an empty cache; *hasty*: cold, and tapped in
the moment in which the button is open; *again*: by somebody who has been there; *mobile*: cold, and over a network of 80 ms
and 10 Mbit/s as Chromium emulates it; *floor*: cold, a page of one small module that draws such a button and nothing else.
The slowing down is Chromium's own (`Emulation.setCPUThrottlingRate`) and concerns the page's processor time alone. The page
is asked by the protocol itself: Playwright's own ways to wait run a script of theirs in the page, on the same slowed
processor.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, CDPSession, async_playwright

from benchmarks.report import Grid, Number, Report
from spaces.demo.speech import read_speech
from tests.harness.api import Api
from tests.harness.chromium import FLAGS
from tests.harness.client import speaking
from tests.harness.needs import CHROMIUM
from tests.harness.server import serving

INTERACTIVE_SECONDS_MAX = 1.0
MOBILE = {"offline": False, "latency": 80, "downloadThroughput": 1_250_000, "uploadThroughput": 625_000}
PHONE = {"width": 390, "height": 844}
WATCH = """
(() => {
  let found;
  const seen = (window.__seen = { button: 0, tap: 0, tasks: [], there: new Promise((resolve) => (found = resolve)) });
  addEventListener("click", ({ timeStamp }) => (seen.tap ||= timeStamp), { capture: true });
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) seen.tasks.push([startTime, startTime + duration]);
  }).observe({ type: "longtask", buffered: true });
  const observer = new MutationObserver(() => {
    const button = document.querySelector('[data-action="listen"]:not([aria-disabled="true"])');
    if (!button) return;
    seen.button = performance.now();
    observer.disconnect();
    found(button);
  });
  observer.observe(document, { childList: true, subtree: true, attributeFilter: ["aria-disabled"] });
})();
"""
AT_ONCE = "window.__seen.there.then((button) => button.click());"
SEEN = """
(async () => {
  const WATCHED = 3000;
  await window.__seen.there;
  const { button, tasks } = window.__seen;
  await new Promise((resolve) => setTimeout(resolve, WATCHED - (performance.now() - button)));
  const busy = tasks.filter(([from]) => from < button + WATCHED).map(([, to]) => to);
  const scripts = performance.getEntriesByType("resource").filter(({ name }) => new URL(name).pathname.endsWith(".js"));
  return { interactive: Math.max(button, ...busy), button, modules: scripts.length,
    bytes: scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0) };
})()
"""
BARE_PAGE = (
    '<!doctype html><html lang="en"><title>Bare</title><body><script type="module" src="/bare.js"></script></body>'
)
BARE_SCRIPT = """
const button = document.createElement("button");
button.dataset.action = "listen";
button.textContent = "Listen";
button.onclick = () => performance.mark("spaces:sound");
document.body.append(button);
"""
HEARD = """
new Promise((resolve) =>
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntriesByName("spaces:sound")) resolve(startTime - window.__seen.tap);
  }).observe({ type: "mark", buffered: true }))
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Milliseconds; `bytes` of script, compressed."""

    interactive: float
    button: float
    modules: int
    bytes: int
    sound: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--loads", type=int, default=15, metavar="N", help="of each kind, default 15")
    parser.add_argument("--slowdown", type=float, default=4, metavar="TIMES", help="of the page's processor, default 4")


async def run(options: argparse.Namespace) -> Report:
    loads: dict[str, list[Load]] = {"floor": [], "cold": [], "hasty": [], "again": [], "mobile": []}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        async with aiohttp.ClientSession() as http, async_playwright() as playwright:
            api = Api(http, server.url)
            host = await api.creator("ada")
            space = await api.space(host)
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
            async with speaking(api, space, read_speech(), by=host), bare_page() as floor:
                url = f"{server.url}/s/{space}"
                await one_by_one(browser, url, options.slowdown)  # the server's first answer, the browser's start
                for _ in range(options.loads):
                    loads["floor"] += await one_by_one(browser, floor, options.slowdown, again=False)
                    cold, again = await one_by_one(browser, url, options.slowdown)
                    loads["cold"].append(cold)
                    loads["again"].append(again)
                    loads["hasty"] += await one_by_one(browser, url, options.slowdown, again=False, at_once=True)
                    loads["mobile"] += await one_by_one(browser, url, options.slowdown, again=False, network=MOBILE)
            await browser.close()
    return report(loads, options.slowdown)


@asynccontextmanager
async def bare_page() -> AsyncIterator[str]:
    """Where a page is that has a button like ours, which "sounds" at once, and nothing else."""
    app = web.Application()
    for path, kind, text in (("/", "text/html", BARE_PAGE), ("/bare.js", "text/javascript", BARE_SCRIPT)):

        async def answer(_: web.Request, text: str = text, kind: str = kind) -> web.Response:
            return web.Response(text=text, content_type=kind)

        app.router.add_get(path, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


async def one_by_one(
    browser: Browser,
    url: str,
    slowdown: float,
    *,
    again: bool = True,
    at_once: bool = False,
    network: dict[str, Any] | None = None,
) -> list[Load]:
    """A first load by a browser that has never been there, and if wanted a second by the same."""
    context = await browser.new_context(viewport={"width": PHONE["width"], "height": PHONE["height"]})
    try:
        await context.add_init_script(WATCH)
        if at_once:
            await context.add_init_script(AT_ONCE)
        return [await load(context, url, slowdown, network, tapped=at_once) for _ in range(2 if again else 1)]
    finally:
        await context.close()


async def load(
    context: BrowserContext, url: str, slowdown: float, network: dict[str, Any] | None, *, tapped: bool
) -> Load:
    page = await context.new_page()
    control = await context.new_cdp_session(page)
    await control.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    if network is not None:
        await control.send("Network.enable")
        await control.send("Network.emulateNetworkConditions", network)
    await page.goto(url, wait_until="commit")
    seen = await asked(control, SEEN)
    if not tapped:
        await page.locator('[data-action="listen"]').click()
    sound = float(await asked(control, HEARD))
    await page.close()
    return Load(seen["interactive"], seen["button"], seen["modules"], seen["bytes"], sound)


async def asked(control: CDPSession, expression: str) -> Any:
    """What a promise in the page comes to."""
    answer = await control.send(
        "Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True}
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"]["value"]


def report(loads: dict[str, list[Load]], slowdown: float) -> Report:
    made = Report("page", shown=False)
    rows: list[tuple[str | Number, ...]] = []
    for name, of in loads.items():
        interactive, sound = np.array([one.interactive for one in of]), np.array([one.sound for one in of])
        figures = {
            "interactive_p50_ms": float(np.median(interactive)), "interactive_max_ms": float(interactive.max()),
            "button_p50_ms": float(np.median([one.button for one in of])),
            "sound_p50_ms": float(np.median(sound)), "sound_max_ms": float(sound.max()),
            "modules": of[-1].modules, "script_bytes": of[-1].bytes,
        }  # fmt: skip
        made.figures |= {f"{name}_{figure}": value for figure, value in figures.items()}
        rows.append((name, *(round(value) for value in figures.values())))
    columns = (
        "", "interactive p50 ms", "worst", "button p50 ms", "tap to sound p50 ms", "worst", "modules", "bytes of script"
    )  # fmt: skip
    made.grids.append(Grid(f"{len(loads['cold'])} loads each, processor slowed {slowdown:g} ×", columns, tuple(rows)))
    worst = max(one.interactive for one in loads["cold"]) / 1e3
    made.goal("interactive, cold, worst", worst, at_most=INTERACTIVE_SECONDS_MAX, unit="s")
    return made
