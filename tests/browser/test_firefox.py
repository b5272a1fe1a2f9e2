"""Firefox listens and speaks from another host (it does not pair with a server on loopback)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp
import pytest
import pytest_asyncio

from spaces.demo.speech import Speech
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.bidi import FirefoxPage, firefox_page
from tests.harness.client import listening, speaking
from tests.harness.firefox import SPOKEN_HERTZ
from tests.harness.netns import namespace
from tests.harness.patience import AUDIBLE_DBFS, Levels, until_heard, until_levels, until_silent, until_speech
from tests.harness.server import serving
from tests.harness.signals import packed, tone

pytestmark = [pytest.mark.needs("firefox", "netns")]

HOST_HERTZ = 700


class Afar(NamedTuple):
    """A Firefox on another host, which takes seconds to begin."""

    api: Api
    host: Person
    page: FirefoxPage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def afar(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Afar]:
    with namespace() as far, serving(tmp_path_factory.mktemp("afar"), address=far.server) as server:
        async with aiohttp.ClientSession() as http, firefox_page(far) as page:
            api = Api(http, server.url)
            yield Afar(api, await api.creator("ada"), page)
        assert server.log_complaints() == []


async def test_firefox_hears_the_speech(afar: Afar, speech: Speech) -> None:
    api, host, page = afar
    space = await api.space(host)
    async with speaking(api, space, speech, by=host):
        await page.open(f"{api.url}/s/{space}")
        await page.press("listen")
        # It plays into a null sink, whose clock stutters when the machine is busy: Firefox then skips or repeats by itself.
        await until_speech(page, 6)
        after = await page.evaluate("performance.getEntriesByName('spaces:tap-to-sound')[0].duration")
        print(f"first sound {after:.0f} ms after the tap")


async def test_firefox_asks_is_accepted_and_heard_mutes_steps_down_and_leaves(afar: Afar) -> None:
    api, host, page = afar
    guest = person("guest")
    space = await api.space(host)
    async with speaking(api, space, packed(tone(HOST_HERTZ, 1.0)), by=host), listening(api, space) as audience:
        await page.open(f"{api.url}/s/{space}#token={guest.token}")
        await page.press("listen")
        await page.until_state("listening")
        await page.press("ask")
        await page.until("window.spaces.client.handRaised")
        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": f"@{guest.handle}"})
        await page.until("document.documentElement.dataset.role === 'speaker'")
        await page.until("window.spaces.client.speaking")
        levels = await until_heard(audience, HOST_HERTZ, SPOKEN_HERTZ)
        heard = await until_levels(page, [HOST_HERTZ, SPOKEN_HERTZ], not_himself)
        print(f"the audience hears host and guest at {levels.round(1)} dBFS, he hears {heard.round(1)}")
        await page.press("mute")
        await page.until("window.spaces.client.muted")
        await until_silent(audience, SPOKEN_HERTZ)
        await page.press("step-down")
        await page.until("document.documentElement.dataset.role === 'listener'")
        await until_heard(page, HOST_HERTZ)
        await page.press("leave")
        await page.until_state("joined")


def not_himself(levels: Levels) -> bool:
    host, himself = levels
    return bool(host > AUDIBLE_DBFS and himself < host - 30)
