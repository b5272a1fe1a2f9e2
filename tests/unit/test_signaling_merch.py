"""Merchandise discounts over HTTP: a creator, a subscriber, and a shop with a key."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.harness.accounts import Person, person
from tests.harness.api import Api, Reply


async def a_shop(api: Api) -> tuple[Person, str, str]:
    """The creator, his tier with a discount, and the token of his shop."""
    host = await api.creator("ada")
    price = {"amount_minor": 499, "currency": "USD"}
    body = {"name": "Fans", "level": 1, "price": price, "benefits": ["merch.discount"]}
    tier = (await api.ok("POST", "/v1/creators/ada/tiers", by=host, json=body))["id"]
    offered = await api.ok("PUT", f"/v1/creators/ada/tiers/{tier}/discount", by=host, json={"percent": 15})
    assert offered == {"tier": tier, "percent": 15, "codes_per_month_max": 1}
    key = await api.ok("POST", "/v1/creators/ada/keys", by=host, json={"name": "Shop"})
    assert key["token"].startswith(key["id"])
    return host, tier, key["token"]


async def ask(api: Api, token: str | None, what: str, **body: Any) -> Reply:
    return await api.request("POST", f"/v1/merch/{what}", token=token, json=body)


async def test_from_the_subscription_to_the_till(api: Api) -> None:
    host, tier, shop = await a_shop(api)
    fan = person("grace")
    assert (await api.request("POST", "/v1/creators/ada/merch-codes", by=fan)).code == "no_subscription"
    subscription = await api.subscribe(fan, host, tier)
    code = await api.ok("POST", "/v1/creators/ada/merch-codes", by=fan)
    assert (code["percent"], code["good"]) == (15, True)
    seen = await ask(api, shop, "verify", code=code["code"].lower())
    assert seen.body == {
        "code": code["code"], "percent": 15, "state": "issued", "good": True, "redeemed_at": None,
    }  # fmt: skip
    async with api.http.get(
        f"{api.url}/v1/creators/ada/merch-codes.csv", headers={"Authorization": f"Bearer {host.token}"}
    ) as reply:
        assert reply.content_type == "text/csv"
        rows = list(csv.DictReader(io.StringIO(await reply.text())))
    assert [(row["code"], row["percent"]) for row in rows] == [(code["code"], "15")]
    await api.ok("POST", f"/v1/subscriptions/{subscription}/cancel", by=host, json={"at": "now"})
    assert (await ask(api, shop, "verify", code=code["code"])).body["good"] is False
    refused = await ask(api, shop, "redeem", code=code["code"], order="A-1")
    assert (refused.status, refused.code) == (409, "right_ended")
    await api.subscribe(fan, host, tier)
    for _ in range(2):
        assert (await ask(api, shop, "redeem", code=code["code"], order="A-1")).body["state"] == "redeemed"
    assert (await ask(api, shop, "redeem", code=code["code"], order="A-2")).code == "already_redeemed"
    (mine,) = (await api.ok("GET", "/v1/me/merch-codes", by=fan))["codes"]
    assert (mine["state"], mine["creator"]["handle"]) == ("redeemed", "ada")
    (sold,) = (await api.ok("GET", "/v1/creators/ada/merch-codes", by=host))["codes"]
    assert (sold["account"]["handle"], sold["order"]) == ("grace", "A-1")


async def test_nobody_else_asks_lists_or_offers(api: Api) -> None:
    host, tier, shop = await a_shop(api)
    for token in (None, "x", shop[:-2] + "AA", host.token):
        assert (await ask(api, token, "verify", code="x")).status == 401
        assert (await ask(api, token, "redeem", code="x", order="y")).status == 401
    assert (await api.request("GET", "/v1/me", token=shop)).status == 401, "a shop's key is nobody's account"
    for method, path, body in (
        ("PUT", f"tiers/{tier}/discount", {"percent": 5}), ("DELETE", f"tiers/{tier}/discount", None),
        ("GET", "merch-codes", None), ("GET", "merch-codes.csv", None), ("DELETE", "merch-codes/1", None),
        ("POST", "keys", {"name": "x"}), ("GET", "keys", None), ("DELETE", "keys/ck0", None),
    ):  # fmt: skip
        path = f"/v1/creators/ada/{path}"
        assert (await api.request(method, path, by=person("eve"), json=body)).status == 403, path
        assert (await api.request(method, path, json=body)).status == 401, path
    for key in (await api.ok("GET", "/v1/creators/ada/keys", by=host))["keys"]:
        assert key["token"] is None
        await api.ok("DELETE", f"/v1/creators/ada/keys/{key['id']}", by=host)
    assert (await ask(api, shop, "verify", code="x")).code == "key_revoked"


async def test_bad_bodies_are_refused_by_field(api: Api) -> None:
    host, tier, shop = await a_shop(api)
    discount = f"/v1/creators/ada/tiers/{tier}/discount"
    for changes, field in (
        ({"percent": 0}, "percent"), ({"percent": 101}, "percent"), ({"percent": 1.5}, "percent"), ({}, "percent"),
        ({"percent": 5, "codes_per_month_max": 0}, "codes_per_month_max"),
    ):  # fmt: skip
        reply = await api.request("PUT", discount, by=host, json=changes)
        assert (reply.status, reply.body["field"]) == (422, field), changes
    assert (await api.ok("GET", "/v1/creators/ada/discounts"))["discounts"][0]["percent"] == 15
    assert (await api.request("PUT", "/v1/creators/ada/tiers/999/discount", by=host, json={"percent": 5})).status == 404
    for body, expected in (
        ({"code": "x"}, (422, "order")), ({"order": "y"}, (422, "code")), ({"code": "x", "order": ""}, (422, "order")),
        ({"code": "x" * 65, "order": "y"}, (422, "code")), ({"code": "x", "order": "y"}, (404, "code")),
    ):  # fmt: skip
        reply = await ask(api, shop, "redeem", **body)
        assert (reply.status, reply.body["field"]) == expected, body
    assert (
        await api.request("POST", "/v1/creators/ada/keys", by=host, json={"name": "x", "scope": "all"})
    ).status == 422
