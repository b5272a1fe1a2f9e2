"""The page in every view and state, one after the other, by real acts on a real server: for whoever looks at it.

Each scene leaves a page as somebody sees it. The story is one evening: a Space is planned, gone live, moderated and ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType

from playwright.async_api import Page, expect

from tests.harness import scenes_coming, scenes_creator, scenes_french, scenes_money, scenes_operator, scenes_stage
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.chromium import Chromium, Tab
from tests.harness.server import REPOSITORY, Server
from tests.harness.space_page import SpacePage, open_space

PARTS = (
    "around", "coming", "creator", "money", "door", "planned", "live", "stage", "talk", "french", "over", "operator",
)  # fmt: skip
ELSEWHERE = {
    "coming": scenes_coming,
    "creator": scenes_creator,
    "money": scenes_money,
    "stage": scenes_stage,
    "french": scenes_french,
    "operator": scenes_operator,
}
"""Parts that are modules of their own."""
NAMES = ("joan", "mary", "katherine", "dorothy", "radia")


@dataclass(frozen=True, slots=True)
class Scene:
    """A view in a state."""

    name: str
    page: Page


class Evening:
    def __init__(self, browser: Chromium, server: Server, api: Api, handle: str) -> None:
        """`handle`: of the creator, and the beginning of all others; nobody has it yet."""
        self.browser = browser
        self.server = server
        self.api = api
        self.handle = handle

    def person(self, name: str) -> Person:
        return person(f"{name}.{self.handle}"[:30])

    async def scenes(self, parts: Sequence[str] = ()) -> AsyncIterator[Scene]:
        """`parts`: of PARTS; none: all."""
        self.host = await self.api.creator(self.handle)
        self.tier = await self.api.tier(self.host)
        for part in PARTS:
            if not parts or part in parts:
                scenes = self._of(ELSEWHERE[part]) if part in ELSEWHERE else getattr(self, f"_{part}")()
                async for scene in scenes:
                    yield scene

    async def _of(self, part: ModuleType) -> AsyncIterator[Scene]:
        async for name, page in part.scenes(self):
            yield Scene(name, page)

    async def space(self, title: str, **more: object) -> str:
        body = {"title": title, "access": {"policy": "open"}, "topics": ["music", "evening talk"], **more}
        return str((await self.api.ok("POST", "/v1/spaces", by=self.host, json=body))["id"])

    async def start(self, space: str) -> None:
        await self.api.ok("POST", f"/v1/spaces/{space}/start", by=self.host)

    async def open(self, path: str, by: Person | None = None) -> Tab:
        return await self.opened(f"{self.api.url}{path}" + (f"#token={by.token}" if by else ""))

    async def opened(self, url: str, language: str = "en-US") -> Tab:
        """A view that the page itself has drawn; of a Space the server draws one before."""
        tab = await self.browser.open(url, language=language)
        if "/s/" in url:
            await SpacePage(tab).until_drawn()
        await tab.page.locator("h1").first.wait_for()
        return tab

    async def appoint(self, one: Person) -> None:
        """Make an account an operator, as the server's owner does."""
        environment = {**os.environ, "SPACES_DATA": str(self.server.data)}
        command = [sys.executable, "-m", "spaces", "admin", "appoint", f"@{one.handle}"]
        process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, env=environment)
        assert await process.wait() == 0

    # --- around the Spaces

    async def _around(self) -> AsyncIterator[Scene]:
        soon = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
        await self.space("Songs from the kitchen, and where they come from", scheduled_start=soon)
        await self.start(await self.space("An open evening: bring your questions"))
        fan = self.person("fan")
        await self.api.subscribe(fan, self.host, self.tier)
        for name, path, by in (
            ("front", "/", None),
            ("front-signed-in", "/", fan),
            ("creator", f"/@{self.handle}", None),
            ("creator-follower", f"/@{self.handle}", fan),
            ("sign-in", "/sign-in", None),
            ("account", "/account", fan),
            ("studio", "/studio", self.host),
            ("not-found", "/nowhere", None),
        ):
            tab = await self.open(path, by)
            yield Scene(name, tab.page)
            await tab.page.context.close()

    # --- shut doors

    async def _door(self) -> AsyncIterator[Scene]:
        space = await self.space(
            "For those who make this possible", access={"policy": "subscribers", "tier": self.tier}
        )
        await self.start(space)
        for name, by in (("door-signed-out", None), ("door-offer", self.person("stranger"))):
            page = (await open_space(self.browser, self.api.url, space, by)).page
            await page.locator(".locked").wait_for()
            yield Scene(name, page)
            await page.context.close()
        link = (await self.api.ok("POST", f"/v1/spaces/{space}/guest-links", by=self.host))["url"]
        tab = await self.browser.open(link)
        await tab.page.get_by_label("Your name").wait_for()
        yield Scene("guest-door", tab.page)
        await tab.page.get_by_label("Your name").fill("Grace")
        await tab.page.get_by_role("button", name="Come in as a guest").click()
        await tab.page.locator('[data-action="listen"]').wait_for()
        yield Scene("guest-inside", tab.page)
        late = await self.browser.open(link)
        await late.page.get_by_label("Your name").fill("Late")
        await late.page.get_by_role("button", name="Come in as a guest").click()
        await late.page.locator('[data-view="worthless"]').wait_for()
        yield Scene("guest-link-used", late.page)
        await close(tab.page, late.page)

    # --- before the start

    async def _planned(self) -> AsyncIterator[Scene]:
        soon = (datetime.now(UTC) + timedelta(minutes=20)).isoformat()
        space = await self.space("How we recorded it", scheduled_start=soon, language="en")
        listener = await open_space(self.browser, self.api.url, space)
        await listener.page.locator('[data-action="listen"]').wait_for()
        yield Scene("planned", listener.page)
        await listener.press("listen")
        await listener.page.locator('[aria-disabled="true"][data-action="listen"]').wait_for()
        yield Scene("planned-waiting", listener.page)
        host = await open_space(self.browser, self.api.url, space, self.host)
        await host.until_state("joined")
        yield Scene("planned-host", host.page)
        await host.press("green-room")
        await host.page.locator('[data-heard="true"]').wait_for()
        yield Scene("sound-check", host.page)
        await host.press("done")
        await host.until_speaking()
        yield Scene("green-room", host.page)
        deaf = await open_space(self.browser, self.api.url, space, self.host, script=NO_MICROPHONE)
        await deaf.press("green-room")
        await deaf.page.locator("[data-notice]").wait_for()
        yield Scene("sound-check-denied", deaf.page)
        await close(listener.page, host.page, deaf.page)

    # --- live

    async def _live(self) -> AsyncIterator[Scene]:
        space = await self.space("Late night questions, and a long title that needs two lines on a phone")
        await self.start(space)
        host = await open_space(self.browser, self.api.url, space, self.host)
        await host.listen()
        await host.until_speaking()
        bob, troll = self.person("bob"), self.person("troll")
        listener = await open_space(self.browser, self.api.url, space, bob)
        await listener.page.locator('[data-action="listen"]').wait_for()
        yield Scene("live-before-the-tap", listener.page)
        await listener.listen()
        yield Scene("live-listening", listener.page)
        await listener.press("ask")
        await listener.page.locator('[data-action="withdraw"]').wait_for()
        yield Scene("live-asked", listener.page)
        await host.page.locator(".request").wait_for()
        yield Scene("host-request", host.page)
        async with entered(self.api, space, troll):
            async for scene in self._sheets(host):
                yield scene
        await self._crowd(space)
        await host.press("accept")
        await listener.until_role("speaker")
        await listener.until_speaking()
        yield Scene("live-speaking", listener.page)
        await self.api.ok("POST", f"/v1/spaces/{space}/mutes", by=self.host, json={"account": f"@{bob.handle}"})
        await listener.page.locator('[data-banner="muted"]').wait_for()
        await host.page.locator(".person.muted").first.wait_for()
        yield Scene("live-muted-by-a-host", listener.page)
        yield Scene("host-full-stage", host.page)
        await self.api.ok("POST", f"/v1/spaces/{space}/lock", by=self.host)
        await listener.page.locator(".locked-mark").wait_for()
        yield Scene("live-locked", listener.page)
        late = await open_space(self.browser, self.api.url, space, self.person("late"))
        await late.page.locator('[data-code="locked"]').wait_for()
        yield Scene("door-locked", late.page)
        await late.page.context.close()
        async for scene in self._put_out(space):
            yield scene
        await close(host.page)
        await listener.page.locator('[data-banner="closing"]').wait_for(timeout=30_000)
        yield Scene("live-closing", listener.page)
        await close(listener.page)

    async def _sheets(self, host: SpacePage) -> AsyncIterator[Scene]:
        """What a host opens."""
        page = host.page
        await host.press("room")
        await page.get_by_role("menu").wait_for()
        yield Scene("room-menu", page)
        for item, name in (
            ("People", "people"),
            ("Invite by a guest link", "guest-links"),
            ("Requests, chat, captions, access", "settings"),
            ("Blocked people", "blocks"),
            ("Report this Space", "report"),
            ("Microphone and sound check", "microphone"),
        ):
            if await page.get_by_role("menu").count() == 0:
                await host.press("room")
            await page.get_by_role("menuitem", name=item, exact=True).click()
            dialog = page.locator("dialog[open]")
            await dialog.wait_for()
            if name == "people":
                await dialog.locator(".person-row").nth(2).wait_for()
                yield Scene(name, page)
                await dialog.locator(".person-more").first.click()
                await page.get_by_role("menu").wait_for()
                yield Scene("person-menu", page)
                await page.keyboard.press("Escape")
            if name == "guest-links":
                await page.get_by_role("button", name="Make a link").click()
                await page.locator("#guest-url").wait_for()
            if name == "microphone":
                await page.locator('[data-heard="true"]').wait_for()
            if name != "people":
                yield Scene(name, page)
            await page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)
        await host.press("end")
        await page.locator("dialog[open]").wait_for()
        yield Scene("end-sure", page)
        await page.keyboard.press("Escape")

    async def _crowd(self, space: str) -> None:
        for name in NAMES:
            await self.api.to_stage(space, self.host, self.person(name))
        body = {"account": f"@{self.person(NAMES[0]).handle}", "role": "cohost"}
        await self.api.ok("POST", f"/v1/spaces/{space}/speakers", by=self.host, json=body)

    async def _put_out(self, space: str) -> AsyncIterator[Scene]:
        """Invited, removed, blocked."""
        await self.api.ok("DELETE", f"/v1/spaces/{space}/lock", by=self.host)
        eve = self.person("eve")
        page = await open_space(self.browser, self.api.url, space, eve)
        await page.listen()
        invitation = {"account": f"@{eve.handle}"}
        await self.api.ok("POST", f"/v1/spaces/{space}/stage-invitations", by=self.host, json=invitation)
        await page.page.locator('[data-banner="invitation"]').wait_for()
        yield Scene("live-invited", page.page)
        await self.api.ok("PATCH", f"/v1/spaces/{space}", by=self.host, json={"asking": "nobody"})
        await page.press("invitation-decline")
        await page.page.locator('[data-banner="invitation"]').wait_for(state="detached")
        yield Scene("live-no-requests", page.page)
        for path, code in (("removals", "removed"), ("blocks", "blocked")):
            await self.api.ok("POST", f"/v1/spaces/{space}/{path}", by=self.host, json=invitation)
            await page.page.locator(f'[data-code="{code}"]').wait_for()
            yield Scene(f"put-out-{code}", page.page)
            if code == "removed":
                await page.listen()
        await close(page.page)

    # --- around the talk

    async def _talk(self) -> AsyncIterator[Scene]:
        space = await self.space("How rooms remember their people")
        await self.start(space)
        pins = [
            {"url": "https://example.org/notes/of/tonight", "title": "Notes of tonight"},
            {"url": "https://example.com/"},
        ]
        await self.api.ok("PUT", f"/v1/spaces/{space}/pins", by=self.host, json={"pins": pins})
        reader, host = self.person("reader"), await open_space(self.browser, self.api.url, space, self.host)
        await host.listen()
        listener = await open_space(self.browser, self.api.url, space, reader)
        await listener.listen()
        await listener.press("captions")
        await listener.page.locator(".captions").wait_for()
        for page in (listener.page, host.page):
            await page.locator("#chat-text").fill(CHAT[page is host.page])
            await page.get_by_role("button", name="Send").click()
            await page.locator(".chat-line", has_text=CHAT[page is host.page]).wait_for()
        async with entered(self.api, space, self.host, client="captioner") as (captioner, _):
            await captioner.ok("caption", text="We were talking about rooms.", final=True)
            await listener.page.locator(".caption").wait_for()
            yield Scene("talk-listener", listener.page)
        yield Scene("talk-host", host.page)
        await host.page.locator(".chat-line").first.get_by_role("button").click()
        await host.page.get_by_role("menu").wait_for()
        yield Scene("talk-line-menu", host.page)
        await host.page.keyboard.press("Escape")
        await host.press("pins-sheet")
        await host.page.locator("dialog[open]").wait_for()
        yield Scene("talk-pins", host.page)
        await host.page.keyboard.press("Escape")
        await self.api.ok("PATCH", f"/v1/spaces/{space}", by=self.host, json={"chat": "off"})
        await listener.page.locator(".chat", has_text="switched the chat off").wait_for()
        yield Scene("talk-off", listener.page)
        await close(listener.page, host.page)

    # --- over

    async def _over(self) -> AsyncIterator[Scene]:
        space = await self.space("Good night, everybody")
        await self.start(space)
        listener = await open_space(self.browser, self.api.url, space)
        await listener.listen()
        await self.api.ok("POST", f"/v1/spaces/{space}/end", by=self.host)
        page = listener.page
        await page.locator('[data-view="ended"]').wait_for()
        yield Scene("ended", page)
        cancelled = await self.space("It rained")
        await self.api.ok("POST", f"/v1/spaces/{cancelled}/cancel", by=self.host)
        await page.goto(f"{self.api.url}/s/{cancelled}")
        await page.locator('[data-view="cancelled"]').wait_for()
        yield Scene("cancelled", page)
        await close(page)


CHAT = (
    "שלום לכולם, how is everybody?",
    "A longer line, to see how it wraps when somebody has a lot to say about what was just said on the stage.",
)

NO_MICROPHONE = """
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
"""


async def close(*pages: Page) -> None:
    await asyncio.gather(*(page.context.close() for page in pages))
