"""Over HTTP, several at once: nobody gets at others' payments, tickets and gifts, and of what is limited nobody has more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from access.database import make_engine, reading
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api, Reply

pytestmark = pytest.mark.thorough


async def crowd(api: Api, count: int) -> list[Person]:
    people = [person(f"fan-{number}") for number in range(count)]
    await asyncio.gather(*(api.ok("GET", "/v1/me", by=one) for one in people))
    return people


async def pay(api: Api, begun: dict[str, Any], outcome: str = "succeed") -> Reply:
    return await api.request("POST", begun["checkout_url"], json={"outcome": outcome})


def statuses(replies: list[Reply]) -> list[int]:
    return sorted(reply.status for reply in replies)


async def test_a_payment_is_paid_back_by_its_own_creator_alone(api: Api, node: Node) -> None:
    ada, mallory = await api.creator("ada"), await api.creator("mallory")
    [fan] = await crowd(api, 1)
    await api.subscribe(fan, ada, await api.tier(ada))
    [payment] = (await api.ok("GET", "/v1/me/payments", by=fan))["payments"]
    for by, house, code in (
        (mallory, "mallory", "unknown_payment"),
        (mallory, "ada", "not_creator"),
        (fan, "ada", "not_creator"),
        (fan, "mallory", "not_creator"),
    ):
        reply = await api.request("POST", f"/v1/creators/{house}/payments/{payment['id']}/refund", by=by)
        assert reply.code == code
    parts = await asyncio.gather(
        *(
            api.request("POST", f"/v1/creators/ada/payments/{payment['id']}/refund", by=ada, json={"amount_minor": 200})
            for _ in range(6)
        )
    )
    assert statuses(parts) == [200, 200, 422, 422, 422, 422], "of 499"
    [payment] = (await api.ok("GET", "/v1/me/payments", by=fan))["payments"]
    assert payment["refunded_minor"] == 400
    assert await node.access.books.check() == []


async def test_a_ticket_is_its_holders_and_goes_one_way(api: Api, node: Node) -> None:
    ada = await api.creator("ada")
    space = await api.space(ada, access={"policy": "ticketed"})
    await api.ok(
        "PUT", f"/v1/spaces/{space}/ticket-offer", by=ada,
        json={"amount_minor": 500, "currency": "USD", "quantity": 1},
    )  # fmt: skip
    people = await crowd(api, 5)
    asked = await asyncio.gather(*(api.request("POST", f"/v1/spaces/{space}/tickets", by=one) for one in people))
    assert statuses(asked) == [201, 409, 409, 409, 409]
    number, begun = next((n, reply.body) for n, reply in enumerate(asked) if reply.status == 201)
    holder, others = people[number], [one for one in people if one is not people[number]]
    assert statuses(await asyncio.gather(*(pay(api, begun) for _ in range(4)))) == [200] * 4
    path = f"/v1/tickets/{begun['id']}"
    for act, body in (("cancel", None), ("refund", None), ("transfer", {"account": f"@{others[0].handle}"})):
        assert (await api.request("POST", f"{path}/{act}", by=others[0], json=body)).code == "unknown_ticket"
    assert (await api.request("POST", f"{path}/refund", by=holder)).code == "unknown_ticket"
    given = await asyncio.gather(
        *(api.request("POST", f"{path}/transfer", by=holder, json={"account": f"@{o.handle}"}) for o in others)
    )
    assert statuses(given) == [200, 404, 404, 404]
    new = others[next(n for n, reply in enumerate(given) if reply.status == 200)]
    assert (await api.request("POST", f"{path}/cancel", by=holder)).code == "bad_state"
    for one in people:
        admitted = await api.request("POST", f"/v1/spaces/{space}/admissions", by=one)
        assert (admitted.status // 100 == 2) == (one is new)
    assert len((await api.ok("GET", "/v1/creators/ada/payments", by=ada))["payments"]) == 1
    assert await node.access.books.check() == []


async def test_a_gift_is_had_once_and_its_link_is_not_guessed(api: Api, node: Node) -> None:
    ada = await api.creator("ada")
    tier = await api.tier(ada)
    giver, *people = await crowd(api, 5)
    codes = []
    for _ in range(2):
        begun = await api.ok("POST", "/v1/creators/ada/gifts", by=giver, json={"tier": tier})
        assert (await api.request("POST", f"/v1/gifts/{begun['id']}/link", by=giver)).code == "bad_state"
        await pay(api, begun)
        assert (await api.request("POST", f"/v1/gifts/{begun['id']}/link", by=people[0])).code == "unknown_gift"
        codes.append(str((await api.ok("POST", f"/v1/gifts/{begun['id']}/link", by=giver))["code"]))
    (first, secret), (second, other) = [code.split(".") for code in codes]
    for wrong in (f"{first}.{other}", f"{second}.{secret}", f"{first}.", secret, f"0{codes[0]}", codes[0] + "A"):
        assert (await api.request("POST", "/v1/gift-links/redemption", by=people[0], json={"code": wrong})).code in (
            "unknown_code",
            "bad_field",
        )
    had = await asyncio.gather(
        *(api.request("POST", "/v1/gift-links/redemption", by=one, json={"code": codes[0]}) for one in people)
    )
    assert statuses(had) == [200, 409, 409, 409]
    assert (await api.request("POST", f"/v1/gifts/{first}/refund", by=giver)).code == "gift_redeemed"
    back = await asyncio.gather(
        api.request("POST", f"/v1/gifts/{second}/refund", by=giver),
        api.request("POST", "/v1/gift-links/redemption", by=giver, json={"code": codes[1]}),
        api.request("POST", f"/v1/gifts/{second}/refund", by=people[0]),
    )
    assert statuses(list(back))[0] == 200, "paid back or had, and not both"
    [gift] = [one for one in (await api.ok("GET", "/v1/me/gifts", by=giver))["gifts"] if one["id"] == second]
    assert (gift["state"] == "refunded") == (back[0].status == 200)
    assert (gift["state"] == "redeemed") == (back[1].status == 200)
    assert await node.access.books.check() == []


async def test_a_coupon_is_had_as_often_as_it_may(api: Api, node: Node) -> None:
    ada = await api.creator("ada")
    tiers = [await api.tier(ada, level=level) for level in (1, 2)]
    coupon = {"code": "spring", "percent_off": 100, "duration": "forever", "redemptions_max": 2}
    await api.ok("POST", "/v1/creators/ada/coupons", by=ada, json=coupon)
    people = await crowd(api, 6)
    asked = await asyncio.gather(
        *(
            api.request("POST", "/v1/creators/ada/subscriptions", by=one, json={"tier": tier, "coupon": "Spring"})
            for one in people
            for tier in tiers
        )
    )
    await asyncio.gather(
        *(pay(api, reply.body) for reply in asked if reply.status == 201 and reply.body["checkout_url"])
    )
    rows = await node_rows(node, "SELECT coupon, status FROM subscriptions WHERE status NOT LIKE 'incomplete%'")
    assert len(rows) == 2
    assert all(row.coupon is not None for row in rows)
    assert await node_rows(node, "SELECT id FROM payments") == [], "all of it off"
    assert await node.access.books.check() == []


async def node_rows(node: Node, query: str) -> list[Any]:
    engine = make_engine(node.config.database_url)
    async with reading(engine) as connection:
        rows = list((await connection.execute(text(query))).all())
    await engine.dispose()
    return rows
