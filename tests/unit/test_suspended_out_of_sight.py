"""What operators have suspended is shown nowhere, and says nothing to anybody by mail, until that is lifted. Over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.browser import Browser
from tests.harness.eventually import until, until_so
from tests.harness.node import running
from tests.harness.smtp import Mailbox, receiving_mail

pytestmark = pytest.mark.thorough

FAN = "fan@example.org"
START = (datetime.now(UTC) + timedelta(days=3)).isoformat()


@dataclass
class House:
    """Where operators, creators and a fan with an address are."""

    api: Api
    node: Node
    mailbox: Mailbox
    boss: Person
    fan: Browser

    async def creator(self, handle: str) -> Person:
        return await self.api.creator(handle)

    async def planned(self, host: Person, title: str, **more: Any) -> str:
        body = {"title": title, "access": {"policy": "open"}, "scheduled_start": START} | more
        return str((await self.api.ok("POST", "/v1/spaces", by=host, json=body))["id"])

    async def suspend(self, what: str) -> None:
        await self.api.ok("POST", f"/v1/{what}/suspension", by=self.boss, json={"reason": "spam"})

    async def lift(self, what: str) -> None:
        await self.api.ok("DELETE", f"/v1/{what}/suspension", by=self.boss)

    async def seen(self, handle: str, community: str, space: str) -> dict[str, bool]:
        """Where nobody in particular comes upon the Space."""
        api = self.api

        async def listed(path: str, key: str = "spaces") -> bool:
            return space in [one["id"] for one in (await api.ok("GET", path)).get(key, ())]

        async def answered(path: str) -> bool:
            status = await self.status(path)
            assert status in (200, 403), path
            return status == 200

        me = (await api.ok("GET", f"/v1/creators/{handle}"))["account"]["id"]
        feed = (await api.request("GET", f"/v1/creators/{handle}/calendar.ics")).body
        return {
            "list": await listed("/v1/spaces"),
            "search": await listed("/v1/spaces?q=evening"),
            "of the creator": await listed(f"/v1/creators/{handle}/spaces"),
            "creator's page": await listed(f"/v1/creators/{handle}"),
            "community": await listed(f"/v1/communities/{community}/spaces"),
            "/2 by id": await listed(f"/2/spaces?ids={space}", "data"),
            "/2 alone": "data" in await api.ok("GET", f"/2/spaces/{space}"),
            "/2 of creators": await listed(f"/2/spaces/by/creator_ids?user_ids={me}", "data"),
            "/2 search": await listed("/2/spaces/search?query=evening", "data"),
            "tags": "og:image" in (await api.request("GET", f"/s/{space}")).body,
            "picture": await answered(f"/s/{space}/card.png"),
            "calendar": await answered(f"/v1/spaces/{space}/calendar.ics"),
            "feed": f"/s/{space}" in [str(one["URL"]).rpartition(":")[2].lstrip("0123456789") for one in events(feed)],
            "reminders": await self._reminded(space),
        }

    async def status(self, path: str) -> int:
        async with self.api.http.get(f"{self.api.url}{path}") as answer:
            return answer.status

    async def _reminded(self, space: str) -> bool:
        mine = await self.fan.ok("GET", "/v1/me/reminders")
        return space in [one["space"]["id"] for one in mine["reminders"]]


def events(feed: str) -> list[Any]:
    return list(Calendar.from_ical(feed).walk("VEVENT"))


@asynccontextmanager
async def a_house(folder: Path) -> AsyncIterator[House]:
    async with (
        receiving_mail() as mailbox,
        running(folder, smtp_url=mailbox.url, mail_from="Live <no-reply@live.example>", test_clock=True) as node,
        Browser(node.url) as fan,
    ):
        api, boss = Api(fan.http, node.url), person("boss")
        await api.ok("GET", "/v1/me", by=boss)
        await node.access.people.appoint("@boss")
        await fan.sign_in(FAN, mailbox)
        yield House(api, node, mailbox, boss, fan)


@pytest.mark.thorough
async def test_neither_lists_nor_links_nor_calendars_show_it(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        api, ada = house.api, await house.creator("ada")
        group = await api.ok(
            "POST",
            "/v1/creators/ada/communities",
            by=ada,
            json={"name": "Fans", "joining": "open", "rules": "Be kind."},
        )
        access = [{"policy": "open"}, {"policy": "community", "community": group["id"]}]
        space, beside = [await house.planned(ada, f"An evening, {n}", access=access) for n in ("one", "two")]
        for one in (space, beside):
            await house.fan.ok("PUT", f"/v1/spaces/{one}/reminder")
        everywhere = await house.seen("ada", group["id"], space)
        assert set(everywhere.values()) == {True}, everywhere

        for what, both in ((f"spaces/{space}", False), ("creators/ada", True), ("accounts/@ada", True)):
            await house.suspend(what)
            seen = await house.seen("ada", group["id"], space)
            assert set(seen.values()) == {False}, (what, seen)
            seen = await house.seen("ada", group["id"], beside)
            assert set(seen.values()) == {not both}, (what, seen)
            [error] = (await api.ok("GET", f"/2/spaces/{space}"))["errors"]
            assert error["type"].endswith("/resource-unavailable")
            told = await house.status("/@ada/card.png"), "og:image" in (await api.request("GET", "/@ada")).body
            assert told == ((403, False) if both else (200, True)), what
            own = (await api.ok("GET", "/v1/creators/ada", by=ada))["spaces"]
            assert {one["id"] for one in own} == {space, beside}, "whoever hosts sees what he may cancel"
            await house.lift(what)
            assert await house.seen("ada", group["id"], space) == everywhere, what
        assert (await api.ok("GET", f"/v1/spaces/{space}"))["state"] == "scheduled"


@pytest.mark.parametrize("what", ["accounts/@ada", "creators/ada", "spaces/{space}"])
async def test_who_is_suspended_may_cancel_and_leave(tmp_path: Path, what: str) -> None:
    async with a_house(tmp_path) as house:
        api, ada = house.api, await house.creator("ada")
        space = await house.planned(ada, "An evening", access={"policy": "ticketed"})
        offer = {"amount_minor": 500, "currency": "USD", "quantity": 5}
        await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=ada, json=offer)
        sale = await house.fan.ok("POST", f"/v1/spaces/{space}/tickets")
        await house.fan.ok("POST", sale["checkout_url"], json={"outcome": "succeed"})
        await house.suspend(what.format(space=space))
        refused = await api.request("POST", f"/v1/spaces/{space}/start", by=ada)
        assert (refused.status, refused.code.endswith("suspended")) == (403, True)
        refused = await api.request("POST", f"/v1/spaces/{space}/cancel", by=person("eve"))
        assert (refused.status, refused.code) == (403, "not_permitted")
        assert (await api.ok("POST", f"/v1/spaces/{space}/cancel", by=ada))["state"] == "cancelled"

        async def paid_back() -> bool:
            [payment] = (await house.fan.ok("GET", "/v1/me/payments"))["payments"]
            return bool(payment["refunded_minor"] == payment["gross_minor"])

        await until_so(paid_back)


async def test_reminders_are_held_and_told_when_it_is_lifted(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        api, ada, bob = house.api, await house.creator("ada"), await house.creator("bob")
        space, other = await house.planned(ada, "An evening"), await house.planned(bob, "Another")
        for one in (space, other):
            await house.fan.ok("PUT", f"/v1/spaces/{one}/reminder")
        before = len(house.mailbox.to(FAN))

        async def told() -> list[str]:
            notices = (await house.fan.ok("GET", "/v1/me/reminders"))["notices"]
            return [one["space"]["id"] for one in notices]

        await house.suspend("creators/ada")
        await api.ok("POST", f"/v1/spaces/{space}/cancel", by=ada)
        refused = await house.fan.request("PUT", f"/v1/spaces/{space}/reminder")
        assert (refused.status, refused.code) == (403, "creator_suspended")
        await api.ok("POST", f"/v1/spaces/{other}/cancel", by=bob)
        await until(lambda: len(house.mailbox.to(FAN)) > before)
        assert [one.message["Subject"] for one in house.mailbox.to(FAN)[before:]] == ["Cancelled: Another"]
        assert await told() == [other]
        await house.lift("creators/ada")
        await until(lambda: len(house.mailbox.to(FAN)) > before + 1)
        assert house.mailbox.to(FAN)[-1].message["Subject"] == "Cancelled: An evening"
        assert sorted(await told()) == sorted([space, other])


async def test_newsletters_are_held_and_go_out_when_it_is_lifted_unless_they_are_stopped(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        api = house.api
        hosts = [await house.creator(handle) for handle in ("ada", "bob")]
        for host in hosts:
            price = {"amount_minor": 499, "currency": "USD"}
            body = {"name": "Readers", "level": 1, "price": price, "benefits": ["newsletter"]}
            tier = (await api.ok("POST", f"/v1/creators/{host.handle}/tiers", by=host, json=body))["id"]
            begun = await house.fan.ok("POST", f"/v1/creators/{host.handle}/subscriptions", json={"tier": tier})
            await house.fan.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
            await house.fan.ok("PUT", f"/v1/me/newsletters/{host.handle}", json={"source": "page"})

        async def send(host: Person, subject: str) -> str:
            path = f"/v1/creators/{host.handle}/newsletters"
            issue = await api.ok("POST", path, by=host, json={"subject": subject, "markdown": "Hello"})
            await api.ok("POST", f"{path}/{issue['id']}/send", by=host)
            return f"{path}/{issue['id']}"

        async def deliveries(issue: str, by: Person) -> dict[str, int]:
            return {k: n for k, n in (await api.ok("GET", issue, by=by))["deliveries"].items() if n}

        async def so(issue: str, by: Person, state: str) -> bool:
            return await deliveries(issue, by) == {state: 1}

        ada, bob = hosts
        house.mailbox.to_recipient[FAN] = "451 4.7.1 come back later"
        asked_before = len(house.mailbox.asked)
        issues = [await send(ada, subject) for subject in ("First", "Second")]
        asked = [await send(bob, "Asked again")]
        await until(lambda: len(house.mailbox.asked) == asked_before + 3)
        for issue, by in ((issues[0], ada), (issues[1], ada), (asked[0], bob)):
            await until_so(partial(so, issue, by, "queued"))
        house.mailbox.to_recipient.clear()
        await house.suspend("creators/ada")
        before = len(house.mailbox.to(FAN))
        await api.ok("POST", "/v1/test-clock", by=bob, json={"forward_seconds": 120})
        await send(bob, "Of another")
        await until(lambda: len(house.mailbox.to(FAN)) == before + 2)
        assert {one.message["Subject"] for one in house.mailbox.to(FAN)[before:]} == {"Asked again", "Of another"}
        assert [await deliveries(issue, ada) for issue in issues] == [{"queued": 1}] * 2
        path = "/v1/creators/ada/newsletters"
        draft = await api.ok("POST", path, by=ada, json={"subject": "Third", "markdown": "Hello"})
        refused = await api.request("POST", f"{path}/{draft['id']}/send", by=ada)
        assert (refused.status, refused.code) == (403, "creator_suspended")
        await api.ok("POST", f"{issues[1]}/stop", by=ada)
        await house.lift("creators/ada")
        await until(lambda: len(house.mailbox.to(FAN)) == before + 3)
        assert house.mailbox.to(FAN)[-1].message["Subject"] == "First"
        await until_so(partial(so, issues[0], ada, "sent"))
        assert await deliveries(issues[1], ada) == {"skipped": 1}
