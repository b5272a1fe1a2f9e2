"""`spaces demo`, as a stranger finds it: the terminal names addresses, a browser opens them and hears the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import numpy as np
import pytest
from playwright.async_api import Playwright, expect

from spaces.demo.speech import SPEECH_FILE
from tests.harness.chromium import Tab, chromium
from tests.harness.eventually import until
from tests.harness.measure import correlations, first_sound_seconds
from tests.harness.opus import RATE, decode_file
from tests.harness.ports import free_tcp_port, free_udp_port
from tests.harness.server import REPOSITORY
from tests.harness.space_page import SpacePage

pytestmark = pytest.mark.needs("chromium")

START_SECONDS_MAX = 90.0
FIRST_SOUND_SECONDS_MAX = 1.0
CODE = re.compile(r"me@example\.org.*\b[2-9A-Z]{4}(?:-[2-9A-Z]{4}){2}\b")


@dataclass(frozen=True, slots=True)
class Addresses:
    open_space: str
    stranger: str
    alan: str
    grace: str
    host: str
    creator: str
    tickets: str
    sign_in: str
    later: list[str] = field(kw_only=True)
    """What the terminal shows after them."""


@contextlib.asynccontextmanager
async def demo() -> AsyncIterator[Addresses]:
    """Started with no settings but free ports; what it printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SPACES_")}
    environment |= {"SPACES_HTTP_PORT": str(free_tcp_port()), "SPACES_UDP_PORT": str(free_udp_port())}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spaces", "demo"),
        cwd=REPOSITORY,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    seen: list[str] = []
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while not seen or "Ctrl-C" not in seen[-1]:
                line = (await process.stdout.readline()).decode()
                assert line, "".join(seen)
                seen.append(line)
        found = re.findall(r"http://\S+", "".join(seen[next(n for n, line in enumerate(seen) if "press" in line) :]))
        later: list[str] = []
        drain = asyncio.create_task(_keep(process.stdout, later))
        yield Addresses(*found, later=later)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 15) in (0, 130, -signal.SIGINT)
        await drain
        assert "Traceback" not in "".join(later)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _keep(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode())


async def hears(tab: Tab) -> None:
    """Taps as a person does; first sound and likeness are judged."""
    page = SpacePage(tab)
    button = tab.page.locator('[data-action="listen"]')
    await button.wait_for()
    tap = await button.evaluate("button => { const at = window.__ear.position(); button.click(); return at; }")
    await page.until_state("listening")
    heard = (await tab.heard(11))[RATE:]
    first = first_sound_seconds(await tab.recorded(int(tap)))
    found = correlations(heard, decode_file(str(SPEECH_FILE)))
    print(f"first sound {first} s after the tap; median correlation {np.median(found):.3f} over {len(found)} windows")
    assert first is not None
    assert first <= FIRST_SOUND_SECONDS_MAX
    assert np.median(found) >= 0.9


@pytest.mark.timeout(300)
async def test_the_demo_is_heard_by_whoever_may(playwright: Playwright) -> None:
    async with demo() as addresses, chromium(playwright) as browser:
        for address in (addresses.open_space, addresses.grace):
            tab = await browser.open(address)
            await hears(tab)
            assert "token" not in tab.page.url, "the token does not stay in the address"
            assert tab.complaints == []
            await tab.page.close()
        for address in (addresses.stranger, addresses.alan):
            tab = await browser.open(address)
            await expect(tab.page.locator(".offer").first).to_contain_text("4.99")
            assert not np.any(await tab.heard(2)), "who has not paid hears nothing"
            await tab.page.close()
        tab = await browser.open(addresses.tickets)
        await expect(tab.page.get_by_role("button", name="Buy a ticket for $5.00")).to_be_visible()
        tab = await browser.open(addresses.creator)
        await expect(tab.page.locator("main")).to_contain_text("Gold")
        await expect(tab.page.locator("main")).to_contain_text("Open house")
        async with aiohttp.ClientSession() as http:
            asked = await http.post(
                addresses.sign_in.replace("/sign-in", "/v1/sign-in"), json={"address": "me@example.org"}
            )
            assert asked.status == 202
        await until(lambda: CODE.search("".join(addresses.later)))
