"""The page of a Space, as a person uses it: by its buttons."""

from __future__ import annotations

from playwright.async_api import expect

from tests.harness.accounts import Person
from tests.harness.chromium import Chromium, Tab

WAIT_MILLISECONDS = 15_000


class SpacePage:
    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.page = tab.page

    async def press(self, action: str) -> None:
        """The control that does `action` (its data-action), once it can be used."""
        await self.page.locator(f'[data-action="{action}"]:not([aria-disabled="true"])').first.click(
            timeout=WAIT_MILLISECONDS
        )

    async def listen(self) -> None:
        """Press Listen (on stage: Join the stage) and wait until the page says that it has sound's way open."""
        await self.press("listen")
        await self.until_state("listening")

    async def until_state(self, state: str) -> None:
        await expect(self.page.locator("html")).to_have_attribute("data-state", state, timeout=WAIT_MILLISECONDS)

    async def until_role(self, role: str) -> None:
        await expect(self.page.locator("html")).to_have_attribute("data-role", role, timeout=WAIT_MILLISECONDS)

    async def until_speaking(self) -> None:
        """The microphone is open."""
        await self.page.wait_for_function("window.spaces?.client?.speaking === true", timeout=WAIT_MILLISECONDS)

    async def ice_ufrag(self) -> str:
        """Names the transport: another one after ICE began anew."""
        return str(
            await self.page.evaluate(r"/a=ice-ufrag:(\S+)/.exec(window.spaces.client.peer.pc.localDescription.sdp)[1]")
        )


async def open_space(
    browser: Chromium, url: str, space: str, by: Person | None = None, *, strict: bool = False, script: str = ""
) -> SpacePage:
    """The Space's page; signed in by a personal link."""
    fragment = f"#token={by.token}" if by else ""
    return SpacePage(await browser.open(f"{url}/s/{space}{fragment}", strict=strict, script=script))
