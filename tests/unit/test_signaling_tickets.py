"""Tickets over HTTP: offered, bought with test money, used, and paid back when the host cancels."""

from __future__ import annotations

import asyncio

from tests.harness.accounts import person
from tests.harness.api import Api

OFFER = {"amount_minor": 1_500, "currency": "USD", "quantity": 2}


async def test_a_ticket_is_bought_and_opens_its_space(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host, access={"policy": "ticketed"})
    fan, late, friend = person("grace"), person("eve"), person("bob")
    assert (await api.request("POST", f"/v1/spaces/{space}/tickets", by=fan)).code == "no_tickets"
    bad = await api.request("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=OFFER | {"quantity": 0})
    assert (bad.status, bad.body["field"]) == (422, "quantity")
    assert (await api.request("PUT", f"/v1/spaces/{space}/ticket-offer", by=fan, json=OFFER)).status == 403
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=OFFER | {"quantity": 1})
    refused = await api.request("POST", f"/v1/spaces/{space}/admissions", by=fan)
    assert (refused.status, refused.code) == (402, "ticket_required")
    assert refused.body["ticket"] == {"amount_minor": 1_500, "currency": "USD", "left": 1, "sale": "on_sale"}
    begun = await api.ok("POST", f"/v1/spaces/{space}/tickets", by=fan)
    ref = begun["checkout_url"].rsplit("/", 1)[1]
    assert (await api.ok("GET", f"/v1/checkouts/{ref}"))["name"] == "A talk of ada"
    assert (await api.request("POST", f"/v1/spaces/{space}/tickets", by=late)).code == "sold_out"
    assert (await api.ok("POST", f"/pay/{ref}", json={"outcome": "succeed"}))["state"] == "paid"
    await api.ok("POST", f"/v1/spaces/{space}/admissions", by=fan)
    mended = await api.request("PATCH", f"/v1/spaces/{space}", by=host, json={"access": {"policy": "members"}})
    assert (mended.status, mended.code) == (409, "tickets_sold")
    await api.ok("GET", "/v1/me", by=friend)
    moved = await api.ok("POST", f"/v1/tickets/{begun['id']}/transfer", by=fan, json={"account": "@bob"})
    assert moved["account"]["handle"] == "bob"
    assert (await api.request("POST", f"/v1/spaces/{space}/admissions", by=fan)).status == 403
    await api.ok("POST", f"/v1/spaces/{space}/admissions", by=friend)
    assert (await api.request("GET", f"/v1/spaces/{space}/tickets", by=fan)).status == 403
    assert [t["id"] for t in (await api.ok("GET", f"/v1/spaces/{space}/tickets", by=host))["tickets"]] == [begun["id"]]


async def test_a_cancelled_space_pays_its_buyers_back(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host, access={"policy": "ticketed"}, live=False)
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=OFFER)
    fans = [person("grace"), person("eve")]
    for fan in fans:
        begun = await api.ok("POST", f"/v1/spaces/{space}/tickets", by=fan)
        await api.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
    await api.ok("POST", f"/v1/spaces/{space}/cancel", by=host)

    async def paid_back() -> bool:
        mine = [(await api.ok("GET", "/v1/me/tickets", by=fan))["tickets"][0] for fan in fans]
        return all(one["state"] == "refunded" and one["refund_reason"] == "cancelled" for one in mine)

    async with asyncio.timeout(10):
        while not await paid_back():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.1)
    assert (await api.request("POST", f"/v1/spaces/{space}/tickets", by=person("bob"))).status == 410
