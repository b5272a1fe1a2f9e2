"""What hosts open from the menu of a Space: short sounds that all hear, tickets, invited people, and how speakers are heard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.chromium import chromium
from tests.harness.client import listening
from tests.harness.patience import until_heard
from tests.harness.server import Server
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import SpacePage, open_space

pytestmark = pytest.mark.needs("chromium")

HERTZ = 1_000


async def open_sheet(page: SpacePage, item: str) -> None:
    await page.press("room")
    await page.page.get_by_role("menuitem", name=item, exact=True).click()
    await page.page.get_by_role("dialog").wait_for()


async def test_a_sound_is_brought_heard_by_all_and_deleted(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    gong = write_wav(tmp_path / "Gong.wav", tone(HERTZ, 15.0, amplitude=0.3))
    async with chromium(playwright) as browser, listening(api, space) as ear:
        page = await open_space(browser, server.url, space, host, strict=True)
        await page.until_state("joined")
        await open_sheet(page, "Short sounds")
        sheet = page.page.get_by_role("dialog")
        await sheet.get_by_label("Sound file").set_input_files(gong)
        await sheet.get_by_role("button", name="Add it").click()
        await sheet.get_by_role("button", name="Play: Gong").click()
        await until_heard(ear, HERTZ)
        await expect(sheet).to_contain_text("Everybody hears it now")
        await sheet.get_by_role("button", name="Stop: Gong").click()
        await expect(sheet.get_by_role("button", name="Play: Gong")).to_be_visible()
        not_sound = tmp_path / "text.wav"
        not_sound.write_text("no sound at all")
        await sheet.get_by_label("Sound file").set_input_files(not_sound)
        await sheet.get_by_role("button", name="Add it").click()
        await expect(sheet.get_by_role("alert")).to_contain_text("cannot be played")
        await sheet.get_by_role("button", name="Delete: Gong").click()
        await page.page.get_by_role("dialog").last.get_by_role("button", name="Delete").click()
        await expect(sheet.first).to_contain_text("You have none yet")


async def test_tickets_and_invited_people_are_looked_after_in_the_space(
    server: Server, api: Api, handle: str, playwright: Playwright
) -> None:
    host, fan, guest = await api.creator(handle), person(f"{handle}fan"), person(f"{handle}guest")
    await api.ok("GET", "/v1/me", by=guest)
    body = {"title": "An evening", "access": [{"policy": "ticketed"}, {"policy": "invite"}]}
    space = str((await api.ok("POST", "/v1/spaces", by=host, json=body))["id"])
    async with chromium(playwright) as browser:
        page = await open_space(browser, server.url, space, host, strict=True)
        await page.until_state("joined")
        await open_sheet(page, "Tickets")
        sheet = page.page.get_by_role("dialog")
        await sheet.get_by_label("Price of a ticket").fill("5")
        await sheet.get_by_label("How many tickets").fill("20")
        await sheet.get_by_role("button", name="Save").click()
        await expect(sheet).to_contain_text("0 of 20 are sold")
        bought = await api.ok("POST", f"/v1/spaces/{space}/tickets", by=fan)
        await api.ok("POST", bought["checkout_url"], json={"outcome": "succeed"})
        await page.page.keyboard.press("Escape")
        await open_sheet(page, "Tickets")
        await sheet.get_by_role("button", name=f"Pay {fan.handle.title()}’s ticket back").click()
        await page.page.get_by_role("dialog").last.get_by_role("button", name="Pay back").click()
        await expect(sheet.first).to_contain_text("paid back")
        await page.page.keyboard.press("Escape")
        await open_sheet(page, "Invited people")
        await sheet.get_by_label("Handle").fill(guest.handle)
        await sheet.get_by_role("button", name="Invite").click()
        await expect(sheet.locator(".person-row")).to_contain_text(guest.handle.title())
        assert (await api.ok("GET", f"/v1/spaces/{space}", by=guest))["you"]["admitted"]
        await sheet.get_by_role("button", name=f"Take {guest.handle.title()}’s invitation back").click()
        await expect(sheet).to_contain_text("Nobody is invited yet")
        assert not (await api.ok("GET", f"/v1/spaces/{space}", by=guest))["you"]["admitted"]


async def test_hosts_read_how_well_each_speaker_is_heard(
    server: Server, api: Api, handle: str, playwright: Playwright, tmp_path: Path
) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    voice = write_wav(tmp_path / "voice.wav", tone(HERTZ, 1.0, amplitude=0.3))
    async with chromium(playwright, voice) as browser:
        page = await open_space(browser, server.url, space, host)
        await page.listen()
        await page.until_speaking()
        await open_sheet(page, "How well speakers are heard")
        sheet = page.page.get_by_role("dialog")
        await expect(sheet.locator('[data-health="good"]')).to_contain_text("Is heard well.")
        await expect(sheet).to_contain_text("0% lost")
