"""Scenes of what creators do beside Spaces, and what their followers have of it: offers, letters, communities."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from playwright.async_api import Page

if TYPE_CHECKING:
    from tests.harness.scenes import Evening

LETTER = """# Good evening

This is what we do **next week**:

- an evening about rooms
- one about songs, with [notes](https://example.org/notes)

Come as you are.
"""
ABOUT = "I play the organ, and ask people about the rooms that they listen in.\n\nOn Thursdays, and when it rains."
RULES = "Be kind.\nNo advertising, please.\nWhat is said here stays here."
BENEFITS = ["space.join", "space.speak", "newsletter", "merch.discount", "community.member"]


async def scenes(evening: Evening) -> AsyncIterator[tuple[str, Page]]:
    api, host = evening.api, evening.host
    base = f"/v1/creators/{host.handle}"
    for title in ("The first evening, when nobody knew yet how it would be", "Rain"):
        over = await evening.space(title)
        await evening.start(over)
        await api.ok("POST", f"/v1/spaces/{over}/end", by=host)
    await api.ok("PATCH", base, by=host, json={"about": ABOUT})
    await api.ok("PUT", f"/v1/tiers/{evening.tier}/benefits", by=host, json={"benefits": BENEFITS})
    fan, member = evening.person("fan"), evening.person("member")
    await api.subscribe(evening.person("follower2"), host, evening.tier)
    async for scene in _studio(evening, base):
        yield scene
    community = await _found(evening, base)
    async for scene in _communities(evening, community):
        yield scene
    await api.subscribe(member, host, evening.tier)
    page = (await evening.open(f"/@{host.handle}", member)).page
    await page.get_by_role("button", name="Get my code").click()
    await page.locator(".merch-code").wait_for()
    yield "creator-member", page
    await page.get_by_role("region", name="What has been").scroll_into_view_if_needed()
    yield "creator-past", page
    await page.goto(f"{api.url}/account")
    await page.get_by_role("region", name="Codes for shops").wait_for()
    yield "account-benefits", page
    await page.context.close()
    async for scene in _doors(evening, community, fan):
        yield scene


async def _studio(evening: Evening, base: str) -> AsyncIterator[tuple[str, Page]]:
    api, host = evening.api, evening.host
    await api.ok("POST", f"{base}/coupons", by=host, json={"code": "evening", "percent_off": 20})
    comp = {"account": f"@{evening.person('follower2').handle}", "tier": evening.tier}
    await api.ok("POST", f"{base}/comps", by=host, json=comp)
    await api.ok("PUT", f"{base}/tiers/{evening.tier}/discount", by=host, json={"percent": 15})
    page = (await evening.open("/studio?view=offers", host)).page
    await page.get_by_role("region", name="Coupons").wait_for()
    yield "studio-offers", page
    await page.goto(f"{api.url}/studio?view=letters")
    await page.get_by_label("Subject").fill("What we do next week")
    await page.get_by_label("Text").fill(LETTER)
    await page.get_by_role("button", name="Save and look at it").click()
    await page.locator(".letter-paper").wait_for()
    yield "studio-letters", page
    await page.get_by_role("button", name="Send it").click()
    await page.locator("dialog[open]").wait_for()
    yield "studio-letter-sure", page
    await page.goto(f"{api.url}/studio?view=communities")
    await page.get_by_role("region", name="Your communities").wait_for()
    yield "studio-communities", page
    await page.goto(f"{api.url}/studio")
    await page.locator(".chart").first.scroll_into_view_if_needed()
    yield "studio-charts", page
    await page.get_by_role("button", name="What Level 1 gives").click()
    await page.locator("dialog[open]").wait_for()
    yield "studio-benefits", page
    await page.context.close()


async def _found(evening: Evening, base: str) -> str:
    body = {"name": "People who listen to rooms", "description": "Sound, walls, and us.", "rules": RULES}
    made: Any = await evening.api.ok(
        "POST", f"{base}/communities", by=evening.host, json={**body, "topics": ["rooms"], "joining": "request"}
    )
    return str(made["id"])


async def _communities(evening: Evening, community: str) -> AsyncIterator[tuple[str, Page]]:
    api, path = evening.api, f"/v1/communities/{community}"
    await evening.space("A members’ evening", access={"policy": "community", "community": community})
    page = (await evening.open(f"/c/{community}")).page
    await page.get_by_role("button", name="Ask to join").wait_for()
    yield "community-visitor", page
    await page.context.close()
    for name in ("member", "waiting"):
        await api.ok("POST", f"{path}/join", by=evening.person(name), json={"rules_version": 1})
    accepted = f"{path}/requests/@{evening.person('member').handle}"
    await api.ok("POST", accepted, by=evening.host, json={"accept": True})
    for name, by in (("member", evening.person("member")), ("admin", evening.host)):
        page = (await evening.open(f"/c/{community}", by)).page
        await page.get_by_role("region", name="Members", exact=True).wait_for()
        yield f"community-{name}", page
        if name == "admin":
            await page.locator(".person-more").first.click()
            await page.get_by_role("menu").wait_for()
            yield "community-person-menu", page
        await page.context.close()


async def _doors(evening: Evening, community: str, fan: Any) -> AsyncIterator[tuple[str, Page]]:
    space = await evening.space("For the community alone", access={"policy": "community", "community": community})
    await evening.start(space)
    page = (await evening.open(f"/s/{space}", fan)).page
    await page.locator(".locked").wait_for()
    yield "door-community", page
    await page.context.close()
