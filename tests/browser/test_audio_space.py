"""`<audio-space>` in another site's page, cross-site, with third-party cookies blocked: one line of HTML, and sound."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Playwright, expect

from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.chromium import Chromium, Tab, chromium
from tests.harness.client import listening, speaking
from tests.harness.other_site import OtherSite, other_site
from tests.harness.patience import until_heard, until_silent
from tests.harness.server import Server, serving
from tests.harness.signals import packed, tone, write_wav

pytestmark = pytest.mark.needs("chromium")

HOST_HERTZ, GUEST_HERTZ = 700, 1600
COOKIE = "document.cookie = 'mine=1; SameSite=None; Secure', document.cookie"
NO_THIRD_PARTY_COOKIES = ("--test-third-party-cookie-phaseout",)


class Stand(NamedTuple):
    api: Api
    site: OtherSite
    browser: Chromium
    host: Person

    def line(self, attributes: str) -> str:
        """What the other site's author writes."""
        script = f'<script type="module" src="{self.api.url}/web/audio_space.js"></script>'
        return f"{script}<audio-space {attributes}></audio-space>"

    async def open(self, body: str, script: str = "", *, strict: bool = False) -> Tab:
        self.site.body, self.site.script = body, script
        return await self.browser.open(f"{self.site.origin}/", strict=strict)


class Around(NamedTuple):
    """What all tests here share."""

    server: Server
    site: OtherSite
    browser: Chromium


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def around(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Around]:
    folder = tmp_path_factory.mktemp("other-site")
    microphone = write_wav(folder / "guest.wav", tone(GUEST_HERTZ, 2.0, amplitude=0.2))
    async with other_site() as site:
        with serving(folder, settings={"allowed_origins": site.origin}) as server:
            site.server = server.url
            async with chromium(playwright, microphone, more_flags=NO_THIRD_PARTY_COOKIES, whole=True) as browser:
                yield Around(server, site, browser)


@pytest_asyncio.fixture(loop_scope="session")
async def stand(around: Around, http: aiohttp.ClientSession, handle: str) -> AsyncIterator[Stand]:
    server, site, browser = around
    site.language = "en"
    api, before = Api(http, server.url), len(server.log_complaints())
    try:
        yield Stand(api, site, browser, await api.creator(handle))
    finally:
        await browser.close_pages()
    assert server.log_complaints()[before:] == []


async def until_listening(page: Page) -> None:
    await expect(page.locator("audio-space")).to_have_attribute("state", "listening")
    await expect(page.locator("audio-space")).to_have_attribute("sound-after", re.compile(r"^[0-9]+$"))


async def test_one_line_is_heard_by_keyboard_under_a_strict_policy_and_without_a_cookie(stand: Stand) -> None:
    space = await stand.api.space(stand.host)
    async with speaking(stand.api, space, packed(tone(HOST_HERTZ, 1.0)), by=stand.host):
        tab = await stand.open(stand.line(f'space="{space}"'), strict=True)
        button = tab.page.get_by_role("button", name="Listen")
        await expect(button).to_be_visible()
        while not await button.evaluate("button => button.matches(':focus')"):
            await tab.page.keyboard.press("Tab")
        await tab.page.keyboard.press("Enter")
        await until_listening(tab.page)
        levels = await until_heard(tab, HOST_HERTZ)
        after = await tab.page.locator("audio-space").get_attribute("sound-after")
        print(f"heard at {levels[0]:.1f} dBFS, first sound {after} ms after the key")
        await expect(tab.page.locator("audio-space .person[data-speaking]")).to_have_count(1)
        stop = tab.page.get_by_role("button", name="Stop listening")
        await expect(stop).to_be_focused()  # the keyboard stays at the controls
        await tab.page.keyboard.press("Enter")
        await expect(tab.page.locator("audio-space")).to_have_attribute("state", "joined")
        await until_silent(tab, HOST_HERTZ)
        assert not np.any(await tab.heard(0.5))
        assert await tab.page.context.cookies() == []
        assert [c for c in tab.complaints if "blob:" not in c] == [], "our own ear asks for a worklet, and may not"


async def test_what_is_in_a_frame_of_these_browsers_has_no_cookie(stand: Stand) -> None:
    """The other tests here show nothing unless third-party cookies are blocked: so they are, of a frame's site, but not of its
    own page."""
    tab = await stand.browser.open(f"{stand.site.origin}/framing")
    (frame,) = [frame for frame in tab.page.frames if frame.url.endswith("/framed")]
    assert await frame.evaluate("document.hasStorageAccess()") is False
    assert await frame.evaluate(COOKIE) == ""
    alone = await stand.browser.open(frame.url)
    assert await alone.page.evaluate(COOKIE) == "mine=1"


async def test_who_is_told_by_a_callback_and_who_may_not_in_sees_the_way(stand: Stand) -> None:
    api, host = stand.api, stand.host
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    fan = person(f"{host.handle}fan")
    await api.subscribe(fan, host, tier)
    async with speaking(api, space, packed(tone(HOST_HERTZ, 1.0)), by=host):
        tab = await stand.open(stand.line(f'space="{space}"'))
        await expect(tab.page.get_by_role("link", name="How to get in")).to_have_attribute(
            "href", f"{api.url}/s/{space}"
        )
        await expect(tab.page.get_by_role("button", name="Listen")).to_have_count(0)
        script = f"document.querySelector('audio-space').token = async () => '{fan.token}';"
        tab = await stand.open(stand.line(f'space="{space}"') + '<script type="module" src="/own.js"></script>', script)
        await tab.page.get_by_role("button", name="Listen").click()
        await until_listening(tab.page)
        await until_heard(tab, HOST_HERTZ)
        assert tab.complaints == []


async def test_from_there_one_asks_to_speak_is_accepted_and_heard_mutes_and_leaves(stand: Stand) -> None:
    api, host = stand.api, stand.host
    space = await api.space(host)
    guest = person(f"{host.handle}guest")
    async with (
        speaking(api, space, packed(tone(HOST_HERTZ, 1.0)), by=host),
        listening(api, space) as audience,
    ):
        tab = await stand.open(stand.line(f'space="{space}" token="{guest.token}"'))
        await tab.page.get_by_role("button", name="Listen").click()
        await tab.page.get_by_role("button", name="Ask to speak").click()
        await expect(tab.page.get_by_role("button", name="Withdraw")).to_be_visible()
        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": f"@{guest.handle}"})
        await expect(tab.page.get_by_role("button", name="Mute")).to_be_visible()
        levels = await until_heard(audience, HOST_HERTZ, GUEST_HERTZ)
        print(f"the audience hears host and guest at {levels.round(1)} dBFS")
        await tab.page.get_by_role("button", name="Mute").click()
        await expect(tab.page.get_by_role("button", name="Unmute")).to_be_visible()
        await until_silent(audience, GUEST_HERTZ)
        await tab.page.get_by_role("button", name="Step down").click()
        await expect(tab.page.get_by_role("button", name="Ask to speak")).to_be_visible()
        await until_heard(tab, HOST_HERTZ)
        assert tab.complaints == []


async def test_every_state_of_it_is_accessible_and_speaks_the_pages_language(stand: Stand) -> None:
    api, host = stand.api, stand.host
    stand.site.language = "fr"
    bob, eve = await api.creator("bob"), await api.creator("eve")  # Spaces of other titles
    live = await api.space(host)
    planned = await api.space(bob, live=False)
    locked = await api.space(eve, access={"policy": "subscribers", "tier": await api.tier(eve)})
    tab = await stand.open("".join(stand.line(f'space="{one}"') for one in (live, planned, locked, "gone")))
    await expect(tab.page.get_by_role("button", name="Écouter")).to_be_visible()
    await expect(tab.page.get_by_role("link", name="Comment entrer")).to_be_visible()
    await expect(tab.page.get_by_text("Cela n’a pas encore commencé.")).to_be_visible()
    await expect(tab.page.get_by_role("button", name="Réessayer")).to_be_visible()
    await tab.page.get_by_role("button", name="Écouter").click()
    await expect(tab.page.locator("audio-space").first).to_have_attribute("state", "listening")
    await tab.page.evaluate(Axe().axe_script)
    for scheme in ("light", "dark"):
        await tab.page.evaluate("scheme => { document.documentElement.style.colorScheme = scheme; }", scheme)
        found = (await tab.page.evaluate("axe.run()"))["violations"]
        assert [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]] == []
