"""However many of them there are: a creator comes to see all of his payments, buyers and benefits, the newest first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from access import books, comps, follows, gift_rows, merch_codes, newsletters, ticket_service
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.money_life import forward
from tests.harness.node import served

pytestmark = pytest.mark.thorough

DAY = 86_400


async def all_pages(api: Api, path: str, what: str, by: Person, most: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = await api.ok("GET", path, by=by)
    while True:
        assert len(page[what]) <= most
        found += page[what]
        if page["next"] is None:
            return found
        assert len(page[what]) == most
        page = await api.ok("GET", f"{path}?before={page['next']}", by=by)


async def test_every_page_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (books, ticket_service, follows, comps):
        monkeypatch.setattr(module, "LISTED_MAX", 2)
    async with served(tmp_path, test_clock=True) as api:
        host, fans = await api.creator("ada"), [person(f"fan-{number}") for number in range(5)]
        tier = await api.tier(host)
        for fan in fans:
            await api.subscribe(fan, host, tier)
        space = await api.space(host, access={"policy": "ticketed"}, live=False)
        offer = {"amount_minor": 500, "currency": "USD", "quantity": 10}
        await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=offer)
        for fan in fans[:3]:
            bought = await api.ok("POST", f"/v1/spaces/{space}/tickets", by=fan)
            await api.ok("POST", bought["checkout_url"], json={"outcome": "succeed"})
        await forward(api, host, 8 * DAY)
        for amount in (10, 20, 30, 40):
            await api.ok("POST", "/v1/creators/ada/payouts", by=host, json={"currency": "USD", "amount_minor": amount})

        paid = await all_pages(api, "/v1/creators/ada/payments", "payments", host, 2)
        assert len(paid) == len({one["id"] for one in paid}) == 8
        assert [int(one["id"]) for one in paid] == sorted((int(one["id"]) for one in paid), reverse=True)
        assert paid[-1]["account"]["handle"] == "fan-0", "the oldest is last, and can be paid back"
        own = await all_pages(api, "/v1/me/payments", "payments", fans[0], 2)
        assert [one["purchase"].partition(":")[0] for one in own] == ["ticket", "subscription"]
        sent = await all_pages(api, "/v1/creators/ada/payouts", "payouts", host, 2)
        assert [one["amount_minor"] for one in sent] == [40, 30, 20, 10]
        sold = await all_pages(api, f"/v1/spaces/{space}/tickets", "tickets", host, 2)
        assert [one["account"]["handle"] for one in sold] == ["fan-2", "fan-1", "fan-0"]
        for _ in range(2):
            more = await api.space(host, access={"policy": "ticketed"}, live=False)
            await api.ok("PUT", f"/v1/spaces/{more}/ticket-offer", by=host, json=offer)
            await api.ok("POST", f"/v1/spaces/{more}/tickets", by=fans[0])
        mine = await all_pages(api, "/v1/me/tickets", "tickets", fans[0], 2)
        assert [one["state"] for one in mine] == ["reserved", "reserved", "paid"], "that of the first Space is last"
        assert mine[-1]["space"] == space
        assert await all_pages(api, "/v1/me/tickets", "tickets", fans[4], 2) == []
        await api.ok("GET", "/v1/me", by=person("never-paid"))
        begun = {"tier": tier}
        await api.ok("POST", "/v1/creators/ada/subscriptions", by=person("never-paid"), json=begun)
        followers = await all_pages(api, "/v1/creators/ada/subscriptions", "subscriptions", host, 2)
        assert [one["account"]["handle"] for one in followers] == [f"fan-{number}" for number in (4, 3, 2, 1, 0)]
        for fan in fans[:3]:
            body = {"account": f"@{fan.handle}", "tier": tier}
            await api.ok("POST", "/v1/creators/ada/comps", by=host, json=body)
        given = await all_pages(api, "/v1/creators/ada/comps", "comps", host, 2)
        assert [one["account"]["handle"] for one in given] == ["fan-2", "fan-1", "fan-0"]
        assert (await api.request("GET", "/v1/creators/ada/payments?before=x", by=host)).status == 404
        assert (await api.request("GET", "/v1/creators/ada/payments?before=1", by=fans[0])).code == "not_creator"


async def test_so_is_every_page_of_what_a_tier_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (gift_rows, merch_codes, newsletters):
        monkeypatch.setattr(module, "LISTED_MAX", 2)
    async with served(tmp_path) as api:
        host, fans = await api.creator("ada"), [person(f"fan-{number}") for number in range(3)]
        price = {"amount_minor": 499, "currency": "USD"}
        body = {"name": "Fans", "level": 1, "price": price, "benefits": ["merch.discount", "newsletter"]}
        tier = (await api.ok("POST", "/v1/creators/ada/tiers", by=host, json=body))["id"]
        await api.ok("PUT", f"/v1/creators/ada/tiers/{tier}/discount", by=host, json={"percent": 15})
        for fan in fans:
            begun = await api.ok("POST", "/v1/creators/ada/gifts", by=fan, json={"tier": tier, "intervals": 1})
            await api.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
            await api.subscribe(fan, host, tier)
            await api.ok("POST", "/v1/creators/ada/merch-codes", by=fan)
        for number in range(3):
            letter = {"subject": f"Letter {number}", "markdown": "Hello."}
            await api.ok("POST", "/v1/creators/ada/newsletters", by=host, json=letter)
        for path, what, whose in (("gifts", "gifts", "giver"), ("merch-codes", "codes", "account")):
            found = await all_pages(api, f"/v1/creators/ada/{path}", what, host, 2)
            assert [one[whose]["handle"] for one in found] == ["fan-2", "fan-1", "fan-0"]
        for _ in range(2):
            await api.ok("POST", "/v1/creators/ada/gifts", by=fans[0], json={"tier": tier, "intervals": 2})
        mine = await all_pages(api, "/v1/me/gifts", "gifts", fans[0], 2)
        assert [one["months"] for one in mine] == [2, 2, 1]
        assert len(await all_pages(api, "/v1/me/gifts", "gifts", fans[1], 2)) == 1, "nobody else's"
        written = await all_pages(api, "/v1/creators/ada/newsletters", "issues", host, 2)
        assert [one["subject"] for one in written] == ["Letter 2", "Letter 1", "Letter 0"]
