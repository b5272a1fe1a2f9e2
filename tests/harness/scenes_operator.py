"""Scenes of who runs the server: what is reported, found, suspended and paid back; and who may not see that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from playwright.async_api import Page

if TYPE_CHECKING:
    from tests.harness.scenes import Evening


async def scenes(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    api, host, boss, rude = evening.api, evening.host, evening.person("boss"), evening.person("rude")
    for one in (boss, rude):
        await api.ok("GET", "/v1/me", by=one)
    space = await evening.space("An evening that somebody spoils")
    await evening.start(space)
    page = (await evening.open("/operator", boss)).page
    await page.get_by_role("heading", name="For operators only").wait_for()
    yield "operator-not", page
    await evening.appoint(boss)
    for detail in ("He shouts at people, and does not stop when he is asked to.", ""):
        report = {"reason": "abuse", "detail": detail, "account": f"@{rude.handle}"}
        await api.ok(
            "POST", f"/v1/spaces/{space}/reports", by=host if detail else evening.person("witness"), json=report
        )
    await page.reload()
    reports = page.get_by_role("region", name="Reports")
    await reports.locator("li").first.wait_for()
    yield "operator", page
    await reports.get_by_role("button", name="Suspend: Account").first.click()
    await page.locator("dialog[open]").wait_for()
    yield "operator-suspend", page
    await page.get_by_role("dialog").get_by_label("Reason").fill("Shouting.")
    await page.get_by_role("dialog").get_by_role("button", name="Suspend", exact=True).click()
    suspended = page.get_by_role("region", name="Suspended")
    await suspended.locator("li").first.wait_for()
    await page.get_by_label("Account, creator or Space").fill(rude.handle)
    await page.get_by_role("button", name="Find", exact=True).click()
    await page.get_by_role("region", name="Find").locator("li").first.wait_for()
    await page.get_by_role("region", name="Find").scroll_into_view_if_needed()
    yield "operator-found", page
    tier = await api.tier(host, level=2, amount_minor=700)
    await api.subscribe(evening.person("cheated"), host, tier)
    [paid] = (await api.ok("GET", "/v1/me/payments", by=evening.person("cheated")))["payments"]
    back = page.get_by_role("region", name="Pay back a payment")
    await back.get_by_label("Number of the receipt").fill(paid["id"])
    await back.get_by_role("button", name="Find").click()
    await back.get_by_role("button", name="Pay back receipt").click()
    await page.locator("dialog[open]").wait_for()
    yield "operator-refund", page
    await page.get_by_label("Reason").fill("The evening was cut short.")
    await page.get_by_role("dialog").get_by_role("button", name="Pay back").click()
    await back.get_by_text("all of it has gone back").wait_for()
    await back.scroll_into_view_if_needed()
    yield "operator-paid-back", page
    await page.context.close()
