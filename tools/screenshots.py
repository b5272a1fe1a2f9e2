"""Pictures of every view and state of the page, light and dark, on a phone and on a desk, and turned from right to left:

    python -m tools.screenshots DIR [PART…]

Starts a server of its own on a throw-away folder and drives Debian's Chromium.
Parts: around, coming, creator, money, door, planned, live, stage, talk, french, over, operator.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import aiohttp

from tests.harness.api import Api
from tests.harness.chromium import chromium, playwright_running
from tests.harness.scenes import PARTS, Evening, Scene
from tests.harness.server import serving
from tests.harness.signals import tone, write_wav

SIZES = {"narrow": (320, 640), "phone": (390, 844), "desk": (1280, 800)}
SCHEMES = ("light", "dark")


async def take(scene: Scene, folder: Path) -> None:
    for size, (width, height) in SIZES.items():
        await scene.page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            await scene.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
            await scene.page.screenshot(path=folder / f"{scene.name}.{size}.{scheme}.png", animations="disabled")
    await scene.page.set_viewport_size({"width": SIZES["phone"][0], "height": SIZES["phone"][1]})
    await scene.page.emulate_media(color_scheme="light")
    await scene.page.evaluate("document.documentElement.dir = 'rtl'")
    await scene.page.screenshot(path=folder / f"{scene.name}.phone.rtl.png", animations="disabled")
    await scene.page.evaluate("document.documentElement.dir = 'ltr'")
    await scene.page.set_viewport_size({"width": SIZES["desk"][0], "height": SIZES["desk"][1]})  # where scenes go on


async def run(folder: Path, parts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as data, serving(Path(data)) as server:
        voice = write_wav(Path(data) / "voice.wav", tone(500, 1.0))
        async with (
            aiohttp.ClientSession() as http,
            playwright_running() as playwright,
            chromium(playwright, voice) as browser,
        ):
            async for scene in Evening(browser, server, Api(http, server.url), "ada").scenes(parts):
                await take(scene, folder)
                print(scene.name, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.screenshots", description="Pictures of every view and state."
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all if left out")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(run(options.folder, options.parts))


if __name__ == "__main__":
    main()
