"""Every view and state of the page, narrow and wide, light and dark: axe-core finds nothing, and nothing sticks out, also of a
page that is turned for those who write from right to left."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Playwright

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.labels import nameless
from tests.harness.scenes import PARTS, Evening
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav

pytestmark = pytest.mark.needs("chromium")

AXE = Axe().axe_script
WIDTHS = NARROW, PHONE, WIDE = 320, 390, 1280
STANDARDS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"region": {"enabled": False}},  # an open menu is in the top layer, in no landmark; no rule of WCAG's
    "resultTypes": ["violations"],
    "preload": {
        "assets": ["media"]
    },  # else it fetches the style sheets again each time, for a rule that is not asked for
}
TURNED = "direction => { document.documentElement.dir = direction; }"
LOOKS: dict[int, Literal["light", "dark"]] = {NARROW: "light", WIDE: "dark"}
"""A look takes seconds: each width and each scheme is seen once, in full."""
WIDER_THAN_THE_WINDOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
TWICE = """() => {
  const keys = (one) => [...one.children].map((child) => child.dataset?.key).filter(Boolean);
  const again = (key, n, all) => all.indexOf(key) < n;
  return [...document.querySelectorAll("body, body *")].flatMap((one) => keys(one).filter(again));
}"""
"""Keys that two parts of one thing have: of these only one stays when it is drawn anew."""
BELOW_THE_DOCK = """() => {
  const dock = document.querySelector(".dock");
  if (!dock || document.querySelector("dialog[open], [role=menu]")) return [];
  const edge = Array.from({ length: 40 }, (_, n) => document.elementFromPoint((n + 0.5) * innerWidth / 40, innerHeight - 6));
  const seen = edge.filter((one) => one?.closest(".room") && !dock.contains(one));
  return seen.map((one) => one.className || one.tagName);
}"""
"""What of the talk is seen between the controls and the window's edge."""
LOOKED_AT = "options => axe.run(document.querySelector('[role=menu]') ?? document, options)"
"""An open menu lies over a part of the rest, wherever that is scrolled to: the rest was looked at before it opened."""


async def violations(page: Page) -> list[str]:
    found = (await page.evaluate(LOOKED_AT, STANDARDS))["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
async def test_nothing_is_against_wcag_and_nothing_sticks_out(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path, part: str
) -> None:
    seen, wrong = 0, []
    async with chromium(playwright, write_wav(tmp_path / "voice.wav", tone(500, 1.0))) as browser:
        async for scene in Evening(browser, server, api, handle).scenes([part]):
            if not await scene.page.evaluate("window.axe !== undefined"):  # the page of the scene before
                await scene.page.evaluate(AXE)
            await scene.page.emulate_media(reduced_motion="reduce")  # colours are compared when they are still
            for width in WIDTHS:
                await scene.page.set_viewport_size({"width": width, "height": 800})
                for direction in ("rtl", "ltr"):
                    await scene.page.evaluate(TURNED, direction)
                    if (excess := await scene.page.evaluate(WIDER_THAN_THE_WINDOW)) > 0:
                        wrong.append(f"{scene.name} at {width}, {direction}: {excess} px too wide")
                if (scheme := LOOKS.get(width)) is None:
                    continue
                await scene.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found = await violations(scene.page)
                wrong += [f"{scene.name} at {width}, {scheme}: {one}" for one in found]
                seen += 1
            wrong += [f"{scene.name}: below the dock: {one}" for one in await scene.page.evaluate(BELOW_THE_DOCK)]
            wrong += [f"{scene.name}: twice: {key}" for key in await scene.page.evaluate(TWICE)]
            wrong += [f"{scene.name}: without a name: {one}" for one in await nameless(scene.page)]
    print(f"{seen} looks")
    assert wrong == []
