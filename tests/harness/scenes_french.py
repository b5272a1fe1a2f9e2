"""Scenes in French, where words are longer; and choosing the language."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playwright.async_api import Page

from tests.harness.space_page import SpacePage

if TYPE_CHECKING:
    from tests.harness.accounts import Person
    from tests.harness.scenes import Evening


async def scenes(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    async def french(path: str, by: Person | None = None) -> SpacePage:
        token = f"#token={by.token}" if by else ""
        return SpacePage(await evening.opened(f"{evening.api.url}{path}{token}", language="fr-FR"))

    soon = (datetime.now(UTC) + timedelta(hours=30)).isoformat()
    planned = await evening.space("Une soirée sur les salles", scheduled_start=soon, language="fr")
    live = await evening.space("Questions de fin de soirée")
    await evening.start(live)
    for name, path, by in (
        ("front", "/", None),
        ("creator", f"/@{evening.handle}", evening.person("reader")),
        ("account", "/account", evening.person("reader")),
        ("studio", "/studio", evening.host),
        ("studio-offers", "/studio?view=offers", evening.host),
        ("studio-payments", "/studio?view=payments", evening.host),
        ("studio-team", "/studio?view=team", evening.host),
        ("planned", f"/s/{planned}", evening.host),
        ("sign-in", "/sign-in", None),
    ):
        page = (await french(path, by)).page
        yield f"french-{name}", page
        await page.context.close()
    host = await french(f"/s/{live}", evening.host)
    await host.listen()
    await host.until_speaking()
    yield "french-host", host.page
    await host.press("room")
    await host.page.get_by_role("menu").wait_for()
    yield "french-room-menu", host.page
    await host.page.keyboard.press("Escape")
    await host.page.locator('[data-action="language"]').click()
    await host.page.get_by_role("menuitem", name="English").wait_for()
    yield "french-language", host.page
    await host.page.context.close()
