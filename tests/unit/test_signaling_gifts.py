"""Gifts over HTTP with test money: bought, handed on as a link, redeemed once, inside; and out when the money goes back."""

from __future__ import annotations

from typing import Any

from tests.harness.accounts import Person, person
from tests.harness.api import Api, read_reply


async def gift_to_pay(api: Api, giver: Person, host: Person, tier: str, **options: Any) -> dict[str, Any]:
    body = {"tier": tier, "intervals": 3} | options
    return dict(await api.ok("POST", f"/v1/creators/{host.handle}/gifts", by=giver, json=body))


async def paid_gift(api: Api, giver: Person, host: Person, tier: str, **options: Any) -> str:
    begun = await gift_to_pay(api, giver, host, tier, **options)
    await api.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
    return str(begun["id"])


async def test_a_gift_goes_from_one_to_another_by_a_link(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers"})
    giver, fan, late = person("grace"), person("eve"), person("bob")
    begun = await gift_to_pay(api, giver, host, tier)
    assert (begun["state"], begun["amount_minor"], begun["months"]) == ("begun", 1_497, 3)
    assert (await api.request("POST", f"/v1/gifts/{begun['id']}/link", by=giver)).code == "bad_state"
    ref = begun["checkout_url"].rsplit("/", 1)[1]
    assert (await api.ok("GET", f"/v1/checkouts/{ref}"))["name"] == "A gift: Level 1, 3 months"
    assert (await api.ok("POST", f"/pay/{ref}", json={"outcome": "decline"}))["payment_state"] == "declined"
    assert (await api.ok("POST", f"/pay/{ref}", json={"outcome": "succeed"}))["state"] == "paid"
    assert (await api.request("POST", f"/v1/gifts/{begun['id']}/link", by=fan)).code == "unknown_gift"
    link = await api.ok("POST", f"/v1/gifts/{begun['id']}/link", by=giver)
    assert link["link"] == f"{api.url}/gift#{link['code']}"
    code = {"code": link["code"]}
    seen = await api.ok("POST", "/v1/gift-links/look", json=code)
    assert (seen["tier_name"], seen["giver"], seen["amount_minor"], seen["checkout_url"]) == (
        "Level 1",
        None,
        None,
        None,
    )
    assert (await api.request("POST", "/v1/gift-links/redemption", json=code)).status == 401
    assert (await api.request("POST", f"/v1/spaces/{space}/admissions", by=fan)).status == 402
    had = await api.ok("POST", "/v1/gift-links/redemption", by=fan, json=code)
    assert (had["state"], had["giver"]["handle"], had["amount_minor"]) == ("redeemed", "grace", None)
    await api.ok("POST", f"/v1/spaces/{space}/admissions", by=fan)
    for again in (fan, late):
        assert (await api.request("POST", "/v1/gift-links/redemption", by=again, json=code)).code == "gift_redeemed"
    assert (await api.request("POST", f"/v1/spaces/{space}/admissions", by=late)).status == 402
    assert [one["id"] for one in (await api.ok("GET", "/v1/me/gifts", by=fan))["gifts"]] == [begun["id"]]
    assert (await api.request("GET", "/v1/creators/ada/gifts", by=giver)).status == 403
    [sold] = (await api.ok("GET", "/v1/creators/ada/gifts", by=host))["gifts"]
    assert (sold["amount_minor"], sold["recipient"]["handle"]) == (1_497, "eve")
    payments = (await api.ok("GET", "/v1/me/payments", by=giver))["payments"]
    assert [(one["purchase"], one["gross_minor"]) for one in payments] == [(f"gift:{begun['id']}", 1_497)]
    assert (await api.request("POST", f"/v1/gifts/{begun['id']}/refund", by=giver)).code == "gift_redeemed"
    assert (await api.ok("POST", f"/v1/gifts/{begun['id']}/refund", by=host))["state"] == "refunded"
    assert (await api.request("POST", f"/v1/spaces/{space}/admissions", by=fan)).status == 402


async def test_a_gift_for_somebody_is_taken_without_a_link(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    giver, fan = person("grace"), person("eve")
    unknown = {"tier": tier, "recipient": "@eve"}
    assert (await api.request("POST", "/v1/creators/ada/gifts", by=giver, json=unknown)).code == "unknown_account"
    await api.ok("GET", "/v1/me", by=fan)
    gift = await paid_gift(api, giver, host, tier, recipient="@eve")
    [waiting] = (await api.ok("GET", "/v1/me/gifts", by=fan))["gifts"]
    assert (waiting["id"], waiting["state"], waiting["amount_minor"]) == (gift, "paid", None)
    assert (await api.request("POST", f"/v1/gifts/{gift}/redemption", by=giver)).code == "unknown_gift"
    assert (await api.ok("POST", f"/v1/gifts/{gift}/redemption", by=fan))["starts_at"] is not None


async def test_what_costs_money_is_done_once_however_often_it_is_sent(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    giver = person("grace")

    async def send(path: str, body: dict[str, Any] | None, key: str) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {giver.token}", "Idempotency-Key": key}
        async with api.http.post(api.url + path, headers=headers, json=body) as answer:
            reply = await read_reply(answer)
            return reply.status, reply.body

    first, second = [await send("/v1/creators/ada/gifts", {"tier": tier}, "buy-1") for _ in range(2)]
    assert (first[0], first) == (201, second)
    assert (await send("/v1/creators/ada/gifts", {"tier": tier, "intervals": 2}, "buy-1"))[0] == 422
    assert len((await api.ok("GET", "/v1/me/gifts", by=giver))["gifts"]) == 1
    await api.ok("POST", first[1]["checkout_url"], json={"outcome": "succeed"})
    code = {"code": (await api.ok("POST", f"/v1/gifts/{first[1]['id']}/link", by=giver))["code"]}
    once, again = [await send("/v1/gift-links/redemption", code, "redeem-1") for _ in range(2)]
    assert (once[0], once) == (200, again), "an answer that was lost is told again, and the gift is had once"
    assert (await send("/v1/gift-links/redemption", code, "redeem-2"))[1]["code"] == "gift_redeemed"


async def test_bad_requests_name_their_field(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    giver = person("grace")
    for changes, field in (({"intervals": 0}, "intervals"), ({"intervals": 37}, "intervals"), ({"tier": "99"}, "tier")):
        reply = await api.request("POST", "/v1/creators/ada/gifts", by=giver, json={"tier": tier} | changes)
        assert (reply.status // 100, reply.body["field"]) == (4, field)
    assert (await api.request("POST", "/v1/creators/ada/gifts", by=host, json={"tier": tier})).code == "own_tier"
    assert (await api.request("POST", "/v1/gifts/x/link", by=giver)).status == 404
    assert (await api.request("POST", "/v1/gift-links/look", json={"code": "1.nothing"})).code == "unknown_code"
    assert (await api.request("POST", "/v1/gift-links/look", json={"code": ""})).status == 422
    assert (await api.request("GET", "/gift")).status == 200
