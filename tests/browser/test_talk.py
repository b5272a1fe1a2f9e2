"""Around the talk, by the page: people chat and tap, a host pins a link and deletes a line, captions come to who wants them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.chromium import chromium
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import open_space

pytestmark = pytest.mark.needs("chromium")

RECOGNITION = """
window.SpeechRecognition = class {
  start() {
    const results = (words, isFinal) => ({ resultIndex: 0, results: [Object.assign([{ transcript: words }], { isFinal })] });
    setTimeout(() => this.onresult(results("Good eve", false)), 50);
    setTimeout(() => this.onresult(results("Good evening, from a browser.", true)), 600);
  }
  stop() { this.onend(); }
  abort() {}
};
"""
"""As browsers have it whose maker understands speech: this one has nobody to ask."""


async def test_two_people_chat_tap_and_read(server: Server, api: Api, handle: str, playwright: Playwright) -> None:
    host, bob = await api.creator(handle), person(f"{handle}bob")
    space = await api.space(host)
    async with chromium(playwright) as browser:
        ada = await open_space(browser, server.url, space, host, strict=True)
        other = await open_space(browser, server.url, space, bob, strict=True)
        for page in (ada, other):
            await page.listen()
        await other.page.locator("#chat-text").fill("Hello\u202e from bob")
        await other.page.get_by_role("button", name="Send").click()
        line = ada.page.locator(".chat-line", has_text="Hello from bob")
        await expect(line).to_be_visible()

        await ada.page.locator('[data-reaction="clap"]').click()
        await expect(other.page.locator(".sky .float").first).to_be_attached()
        await other.page.emulate_media(reduced_motion="reduce")
        await ada.page.locator('[data-reaction="heart"]').click()
        await expect(other.page.locator('[data-reaction="heart"] .reaction-count')).to_have_text("+1")
        await expect(other.page.locator(".sky .float", has_text="❤️")).to_have_count(0)

        await ada.press("pins-sheet")
        await ada.page.get_by_label("Address").fill("javascript:alert(1)")
        await ada.page.locator("dialog").get_by_role("button", name="Pin a link").click()
        await ada.page.get_by_label("Address").fill("https://example.org/notes")
        await ada.page.get_by_label("What it is").fill("Notes")
        await ada.page.locator("dialog").get_by_role("button", name="Pin a link").click()
        link = other.page.get_by_role("link", name="Notes")
        await expect(link).to_have_attribute("href", "https://example.org/notes")
        await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
        await expect(other.page.locator(".pin")).to_have_count(1)
        await ada.page.keyboard.press("Escape")

        await other.press("captions")
        async with entered(api, space, host, client="captioner") as (captioner, _):
            await captioner.ok("caption", text="Good eve", final=False)
            await captioner.ok("caption", text="Good evening, everybody.", final=True)
            await expect(other.page.locator(".caption", has_text="Good evening, everybody.")).to_be_visible()
        await expect(ada.page.locator(".captions")).to_have_count(0)

        await line.get_by_role("button").click()
        await ada.page.get_by_role("menuitem", name="Delete", exact=True).click()
        await expect(other.page.locator(".chat-line")).to_have_count(0)
        await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"chat": "off"})
        await expect(other.page.locator(".talk")).to_contain_text("The hosts have switched the chat off.")
        for page in (ada, other):
            assert page.tab.complaints == []


async def test_what_a_speaker_says_is_written_along_once_he_agrees(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with chromium(playwright, write_wav(tmp_path / "voice.wav", tone(700, 1.0))) as browser:
        reader = await open_space(browser, server.url, space)
        await reader.listen()
        await reader.press("captions")
        ada = await open_space(browser, server.url, space, host, script=RECOGNITION)
        await ada.listen()
        await ada.until_speaking()
        for answer in ("Cancel", "Write along"):
            await expect(reader.page.locator(".caption")).to_have_count(0)
            await ada.press("room")
            await ada.page.get_by_role("menuitem", name="Caption what I say").click()
            await expect(ada.page.get_by_role("dialog")).to_contain_text("send your voice to their maker")
            await ada.page.get_by_role("dialog").get_by_role("button", name=answer).click()
        caption = reader.page.locator(".caption", has_text="Good evening, from a browser.")
        await expect(caption).to_contain_text(handle.title())
        await ada.press("room")
        await ada.page.get_by_role("menuitem", name="Stop captioning what I say").click()
        await expect(ada.page.locator("#toasts")).to_contain_text("not written along any more")
