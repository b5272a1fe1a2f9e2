"""The page of a Space, as a person uses it: by its buttons."""

from __future__ import annotations

from playwright.async_api import expect

from tests.harness.accounts import Person
from tests.harness.chromium import Chromium, Tab
from tests.harness.relay import Relay
from tests.harness.server import Server

WAIT_MILLISECONDS = 30_000

THROUGH_THE_RELAY = """
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (description) {
  const sdp = description.sdp.replace(/^(a=candidate:.* udp \\d+ \\S+) SERVER /gim, "$1 RELAY ");
  return set.call(this, { type: description.type, sdp });
};
"""


def through(relay: Relay, server: Server) -> str:
    """The script of a page whose media go by the relay."""
    return THROUGH_THE_RELAY.replace("SERVER", str(server.udp_port)).replace("RELAY", str(relay.address[1]))


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

    async def until_drawn(self) -> None:
        """By the page itself; from then on nothing of it is put in another's place by a start that goes on."""
        await self.page.locator("html[data-state]").wait_for(state="attached")

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
    """The Space's page, drawn by its own modules (the first view comes from the server); signed in by a personal link."""
    fragment = f"#token={by.token}" if by else ""
    page = SpacePage(await browser.open(f"{url}/s/{space}{fragment}", strict=strict, script=script))
    await page.until_drawn()
    return page
