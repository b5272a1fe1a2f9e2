"""What a listener's browser fetches of script until there is sound, as it comes over the wire."""

from __future__ import annotations

import asyncio
import re
from math import floor

import pytest
from playwright.async_api import Page, Playwright, Route, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import speaking
from tests.harness.eventually import until_so
from tests.harness.server import Server
from tests.harness.signals import packed, tone
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")

BYTES_MAX = 60_000
SCRIPTS = """
() => {
  const scripts = performance.getEntriesByType("resource").filter(({ name }) => new URL(name).pathname.endsWith(".js"));
  return Object.fromEntries(scripts.map((one) => [one.name, [one.encodedBodySize, one.decodedBodySize]]));
}
"""
SAME_AS_SENT = """
async () => {
  const sent = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const listen = sent.querySelector("[data-said]");  // what it waits for is over
  listen.removeAttribute("data-said");
  listen.removeAttribute("aria-disabled");
  return Object.fromEntries(["header", "main"].map((one) => {
    const [theirs, ours] = [sent, document].map((place) => place.querySelector(one));
    const [wanted, drawn] = [theirs, ours].map(({ childNodes }) => [...childNodes]);
    const same = wanted.length === drawn.length && wanted.every((child, n) => child.isEqualNode(drawn[n]));
    if (!same) console.error(theirs.innerHTML, ours.innerHTML);
    return [one, same];
  }));
}
"""
FIRST_SOUND = "performance.getEntriesByName('spaces:tap-to-sound').map(({ duration }) => duration)"


async def scripts(page: Page) -> dict[str, tuple[int, int]]:
    """Compressed and plain bytes, by address."""
    found: dict[str, tuple[int, int]] = await page.evaluate(SCRIPTS)
    return found


async def test_the_script_until_the_sound_is_small_compressed_and_fetched_once(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, packed(tone(700, 1.0)), by=host), chromium(playwright) as browser:
        page = await open_space(browser, server.url, space, strict=True)
        await page.page.locator('[data-action="listen"]').wait_for()
        at_the_door = await scripts(page.page)
        await page.listen()
        await page.page.locator("html[data-sound]").wait_for()
        with_sound = await scripts(page.page)
        (after,) = await page.page.evaluate(FIRST_SOUND)
        rounded = str(floor(after + 0.5))  # as JavaScript does
        assert await page.page.locator("html").get_attribute("data-sound-after") == rounded
    door, sound = (sum(packed for packed, _ in found.values()) for found in (at_the_door, with_sound))
    print(f"{len(at_the_door)} modules, {door} bytes until Listen")
    print(f"{len(with_sound)} modules, {sound} bytes until the sound, {after:.0f} ms later")
    assert 0 < door <= sound <= BYTES_MAX
    assert all(packed < plain for packed, plain in with_sound.values() if plain > 400), "as compressed as it can be"
    names = [address.rpartition("/")[2] for address in with_sound]
    assert len(names) == len(set(names)), "none under two addresses"


async def test_what_the_server_draws_is_what_the_page_draws(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"topics": ["Sound & more", "c++"]})
    await api.to_stage(space, host, person("jean-luc"))
    async with speaking(api, space, packed(tone(700, 1.0)), by=host), chromium(playwright) as browser:
        for language in ("en-US", "fr-CH"):
            tab = await browser.open(server.url, language=language)
            await tab.page.route(re.compile(r"/space_presence\.js"), lambda route: route.abort())  # levels, and no more
            await tab.page.goto(f"{server.url}/s/{space}")
            await tab.page.locator("html[data-state]").wait_for()  # drawn by the page

            async def same() -> bool:
                return bool(await tab.page.evaluate(SAME_AS_SENT) == {"header": True, "main": True})  # noqa: B023

            await until_so(same)


async def test_a_tap_before_the_page_is_here_is_answered_at_once_and_done_when_it_is(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    here = asyncio.Event()

    async def once_it_is_time(route: Route) -> None:
        await here.wait()
        await route.continue_()

    async with speaking(api, space, packed(tone(700, 1.0)), by=host), chromium(playwright) as browser:
        page = (await browser.open(server.url)).page
        await page.route(re.compile(r"/app\.js"), once_it_is_time)
        await page.goto(f"{server.url}/s/{space}", wait_until="commit")
        listen = page.locator('[data-action="listen"]')
        await listen.click()
        await expect(listen).to_have_text("Connecting…")
        await expect(page.locator(".status")).to_have_text("Connecting…")
        here.set()
        await page.locator("html[data-sound]").wait_for()


async def test_a_tap_that_cannot_be_done_yet_says_so_and_the_next_is_done(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    """The network goes away between the first view and what is fetched behind it."""
    host = await api.creator(handle)
    space = await api.space(host)
    behind = re.compile(r"/space_presence\.js")
    async with speaking(api, space, packed(tone(700, 1.0)), by=host), chromium(playwright) as browser:
        page = (await browser.open(server.url)).page
        await page.route(behind, lambda route: route.abort())
        await page.goto(f"{server.url}/s/{space}")
        listen = page.locator('[data-action="listen"]')
        await listen.click()
        await expect(page.get_by_text("The server does not answer")).to_be_visible()
        await page.unroute(behind)
        await listen.click()
        await page.locator("html[data-sound]").wait_for()
