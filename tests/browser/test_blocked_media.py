"""A network that lets no UDP through: the page says so in plain words, goes on trying, and sounds once it may."""

from __future__ import annotations

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.patience import until_heard
from tests.harness.relay import PERFECT, Impairment, relaying
from tests.harness.server import Server
from tests.harness.signals import packed, tone
from tests.harness.space_page import open_space, through

pytestmark = pytest.mark.needs("chromium")

HERTZ = 700
NOTHING = Impairment(loss=1.0)


async def test_it_is_told_and_the_sound_comes_once_the_network_lets_it(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with (
        speaking(api, space, packed(tone(HERTZ, 1.0)), by=host),
        relaying((server.address, server.udp_port), up=NOTHING) as relay,
        chromium(playwright) as browser,
    ):
        page = await open_space(browser, server.url, space, script=through(relay, server))
        await page.press("listen")
        status = page.page.locator(".status")
        await expect(status).to_contain_text("The sound does not get through")
        relay.up = PERFECT
        await page.until_state("listening")
        await expect(status).to_contain_text("You hear the Space live")
        await until_heard(page.tab, HERTZ)
        assert page.tab.complaints == []
