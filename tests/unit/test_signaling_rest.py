"""REST: creators, tiers, subscriptions, Spaces; what bad fields, wrong states and strangers are answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.accounts import person
from tests.harness.api import Api


async def test_a_stranger_becomes_a_creator_with_a_tier_and_a_space(api: Api) -> None:
    host = person("ada")
    assert await api.ok("GET", "/v1/me", by=host) == {
        "account": {"id": "1", "handle": "ada", "sub": "sub-ada", "name": "Ada"}, "is_creator": False, "creator": None,
        "address": None, "is_operator": False,
    }  # fmt: skip
    await api.creator("ada")
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    profile = await api.ok("GET", "/v1/creators/ada")
    assert [t["id"] for t in profile["tiers"]] == [tier]
    assert profile["tiers"][0]["prices"] == [{"currency": "USD", "amount_minor": 499, "interval": "month"}]
    assert "space.join" in profile["tiers"][0]["benefits"]
    assert [s["id"] for s in profile["spaces"]] == [space]
    assert profile["you"] is None
    assert (await api.ok("GET", "/v1/me", by=host))["creator"] == "ada"


async def test_you_says_what_joining_would_be_refused_with(api: Api) -> None:
    host, fan = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    path = f"/v1/spaces/{await api.space(host, access={'policy': 'subscribers', 'tier': tier})}"
    anonymous = (await api.ok("GET", path))["you"]
    assert (anonymous["role"], anonymous["admitted"], anonymous["problem"]["status"]) == (None, False, 401)
    stranger = (await api.ok("GET", path, by=fan))["you"]
    assert (stranger["role"], stranger["problem"]["code"]) == (None, "no_subscription")
    assert stranger["problem"]["offers"][0]["tier"] == tier
    await api.subscribe(fan, host, tier)
    assert (await api.ok("GET", path, by=fan))["you"] == {"role": "listener", "admitted": True, "problem": None}
    assert (await api.ok("GET", path, by=host))["you"] == {"role": "host", "admitted": True, "problem": None}
    await api.ok("POST", f"{path}/end", by=host)
    assert (await api.ok("GET", path, by=fan))["you"]["problem"]["code"] == "ended"


async def test_any_of_several_policies_admits(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    access = [{"policy": "subscribers", "tier": tier}, {"policy": "members"}]
    made = await api.ok("POST", "/v1/spaces", by=host, json={"title": "Either", "access": access})
    assert made["access"] == [{"policy": "subscribers", "tier": tier}, {"policy": "members"}]
    assert (await api.ok("GET", f"/v1/spaces/{made['id']}", by=person("bob")))["you"]["admitted"]
    assert not (await api.ok("GET", f"/v1/spaces/{made['id']}"))["you"]["admitted"]


OPEN: dict[str, Any] = {"policy": "open"}


BAD_FIELDS: list[tuple[dict[str, Any], str, str]] = [
    ({"access": OPEN}, "bad_field", "title"),
    ({"title": "", "access": OPEN}, "bad_field", "title"),
    ({"title": "  ", "access": OPEN}, "bad_field", "title"),
    ({"title": "x" * 201, "access": OPEN}, "bad_field", "title"),
    ({"title": 7, "access": OPEN}, "bad_field", "title"),
    ({"title": "two\nlines", "access": OPEN}, "bad_field", "title"),
    ({"title": "ends\n", "access": OPEN}, "bad_field", "title"),
    ({"title": "a\x1b[31m", "access": OPEN}, "bad_field", "title"),
    ({"title": "A", "access": OPEN, "topics": ["\0"]}, "bad_field", "topics[0]"),
    ({"title": "A", "access": OPEN, "language": "en\n"}, "bad_field", "language"),
    ({"title": "A"}, "bad_field", "access"),
    ({"title": "A", "access": []}, "bad_field", "access"),
    ({"title": "A", "access": "open"}, "bad_field", "access"),
    ({"title": "A", "access": {"policy": "friends"}}, "unsupported_policy", "access.policy"),
    ({"title": "A", "access": [OPEN, {"policy": "friends"}]}, "unsupported_policy", "access[1].policy"),
    ({"title": "A", "access": {"policy": "community"}}, "bad_field", "access.community"),
    ({"title": "A", "access": {"policy": "open", "tier": "1"}}, "bad_field", "access.tier"),
    ({"title": "A", "access": {"policy": "subscribers", "tier": "99"}}, "unknown_tier", "access.tier"),
    ({"title": "A", "access": {"policy": "subscribers", "tier": "gold"}}, "bad_field", "access.tier"),
    ({"title": "A", "access": OPEN, "topics": ["a", "b", "c", "d"]}, "bad_field", "topics"),
    ({"title": "A", "access": OPEN, "language": "not a language"}, "bad_field", "language"),
    ({"title": "A", "access": OPEN, "time_zone": "Mars/Olympus"}, "bad_field", "time_zone"),
    ({"title": "A", "access": OPEN, "scheduled_start": "2020-01-01T00:00:00Z"}, "bad_field", "scheduled_start"),
    ({"title": "A", "access": OPEN, "scheduled_start": "2099-01-01T00:00:00"}, "bad_field", "scheduled_start"),
    (
        {"title": "A", "access": OPEN, "scheduled_start": "9999-12-31T23:59:59-12:00"},
        "too_far_ahead",
        "scheduled_start",
    ),
    ({"title": "A", "access": OPEN, "creator": "@nobody"}, "unknown_creator", "creator"),
]


async def test_a_bad_field_is_named(api: Api) -> None:
    host = await api.creator("ada")
    for body, code, field in BAD_FIELDS:
        reply = await api.request("POST", "/v1/spaces", by=host, json=body)
        assert (reply.status, reply.code, reply.body["field"]) == (422, code, field), body


async def test_bodies_that_are_no_json(api: Api) -> None:
    host = await api.creator("ada")
    not_json = await api.request("POST", "/v1/spaces", by=host, data=b"{", content_type="application/json")
    assert (not_json.status, not_json.code) == (422, "bad_json")
    deep = b'{"title": "A", "more": ' + b"[" * 30_000
    nested = await api.request("POST", "/v1/spaces", by=host, data=deep, content_type="application/json")
    assert (nested.status, nested.code) == (422, "bad_json")
    form = await api.request("POST", "/v1/spaces", by=host, data=b"title=A", content_type="text/plain")
    assert form.status == 415
    large = await api.request("POST", "/v1/spaces", by=host, data=b" " * 70_000, content_type="application/json")
    assert (large.status, large.code) == (413, "too_large")


async def test_only_a_creator_opens_spaces_and_only_his_own(api: Api) -> None:
    host, other = await api.creator("ada"), person("bob")
    body = {"title": "A", "access": OPEN}
    assert (await api.request("POST", "/v1/spaces", json=body)).code == "not_signed_in"
    refused = await api.request("POST", "/v1/spaces", by=other, json=body)
    assert (refused.status, refused.code) == (403, "not_creator")
    await api.creator("bob")
    assert (await api.request("POST", "/v1/spaces", by=other, json={**body, "creator": "@ada"})).status == 403
    for name in ("ada", "@ada", "1", "sub:sub-ada"):
        made = await api.ok("POST", "/v1/spaces", by=host, json={**body, "creator": name})
        assert made["creator"]["handle"] == "ada"


async def test_the_lifecycle_over_http(api: Api) -> None:
    host, other = await api.creator("ada"), person("bob")
    start = datetime.now(UTC) + timedelta(days=1)
    body = {
        "title": " A talk ", "access": OPEN, "topics": ["music"], "language": "en-GB",
        "scheduled_start": start.isoformat(), "time_zone": "Europe/Paris",
    }  # fmt: skip
    made = await api.ok("POST", "/v1/spaces", by=host, json=body)
    path = f"/v1/spaces/{made['id']}"
    assert (made["title"], made["state"], made["topics"], made["language"]) == (
        "A talk",
        "scheduled",
        ["music"],
        "en-GB",
    )
    assert datetime.fromisoformat(made["scheduled_start"]) == start
    assert (await api.request("PATCH", path, by=other, json={"title": "Mine"})).status == 403
    assert (await api.ok("PATCH", path, by=host, json={"title": "Ours"}))["title"] == "Ours"
    assert (await api.request("POST", f"{path}/end", by=host)).code == "wrong_state"
    assert (await api.ok("POST", f"{path}/start", by=host))["state"] == "live"
    assert (await api.request("POST", f"{path}/start", by=host)).status == 409
    assert (await api.request("POST", f"{path}/cancel", by=host)).status == 409
    assert (await api.request("POST", f"{path}/end", by=other)).status == 403
    ended = await api.ok("POST", f"{path}/end", by=host)
    assert ended["state"] == "ended"
    assert (await api.request("PATCH", path, by=host, json={"title": "Late"})).status == 410
    assert (await api.request("POST", f"{path}/end", by=host)).status == 409
    cancelled = await api.space(host, live=False)
    assert (await api.ok("POST", f"/v1/spaces/{cancelled}/cancel", by=host))["state"] == "cancelled"
    assert (await api.request("POST", f"/v1/spaces/{cancelled}/start", by=host)).status == 409


async def test_lists_show_what_is_live_and_what_is_to_come(api: Api) -> None:
    host = await api.creator("ada")
    live, later = await api.space(host), await api.space(host, live=False)
    over = await api.space(host)
    await api.ok("POST", f"/v1/spaces/{over}/end", by=host)

    async def ids(query: str) -> set[str]:
        return {space["id"] for space in (await api.ok("GET", f"/v1/spaces{query}"))["spaces"]}

    assert await ids("") == {live, later}
    assert await ids("?state=live") == {live}
    assert await ids("?state=scheduled") == {later}
    assert (await api.request("GET", "/v1/spaces?state=ended")).status == 422


@pytest.mark.parametrize("name", ["@bob", "2", "sub:sub-bob"])
async def test_a_speaker_is_named_in_three_ways(api: Api, name: str) -> None:
    host, guest = await api.creator("ada"), person("bob")
    await api.ok("GET", "/v1/me", by=guest)
    path = f"/v1/spaces/{await api.space(host)}/speakers"
    stage = (await api.ok("POST", path, by=host, json={"account": name}))["stage"]
    assert [(m["account"]["id"], m["role"]) for m in stage] == [("1", "host"), ("2", "speaker")]
    assert len((await api.ok("DELETE", f"{path}/{name}", by=host))["stage"]) == 1
    assert (await api.request("DELETE", f"{path}/{name}", by=host)).code == "not_on_stage"
    assert (await api.request("POST", path, by=host, json={"account": "@nobody"})).code == "unknown_account"
    assert (await api.request("POST", path, by=guest, json={"account": name})).status == 403


async def test_a_sub_is_shown_to_its_own_integration_only(api: Api) -> None:
    host = await api.creator("ada")
    path = f"/v1/spaces/{await api.space(host)}"
    assert (await api.ok("GET", path))["creator"]["sub"] is None
    assert (await api.ok("GET", path, by=person("bob")))["creator"]["sub"] == "sub-ada"


async def test_a_subscription_is_paid_shown_and_cancelled(api: Api) -> None:
    host, fan = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    made = await api.request("POST", "/v1/creators/ada/subscriptions", by=fan, json={"tier": tier})
    assert (made.status, made.body["status"]) == (201, "incomplete")
    checkout = made.body["checkout_url"]
    assert checkout.startswith(f"{api.url}/pay/")
    assert (await api.request("POST", checkout, json={"outcome": "maybe"})).body["field"] == "outcome"
    paid = await api.ok("POST", checkout, json={"outcome": "succeed"})
    assert (paid["status"], paid["test_money"]) == ("active", True)
    mine = (await api.ok("GET", "/v1/me/subscriptions", by=fan))["subscriptions"]
    assert [s["id"] for s in mine] == [made.body["id"]]
    theirs = (await api.ok("GET", "/v1/creators/ada/subscriptions", by=host))["subscriptions"]
    assert [(s["account"]["handle"], s["checkout_url"]) for s in theirs] == [("grace", None)]
    assert (await api.request("GET", "/v1/creators/ada/subscriptions", by=fan)).status == 403
    cancel = f"/v1/subscriptions/{made.body['id']}/cancel"
    assert (await api.request("POST", cancel, by=person("bob"))).status in (403, 404)
    assert (await api.request("POST", cancel, by=fan, json={"at": "now"})).status == 403
    assert (await api.ok("POST", cancel, by=fan, json={"at": "period_end"}))["cancel_at_period_end"] is True
    assert (await api.ok("GET", "/v1/creators/ada", by=fan))["you"]["tier"] == tier
    assert (await api.request("POST", "/v1/subscriptions/none/cancel", by=fan, json={})).status == 404


async def test_comps_are_given_listed_and_taken_back(api: Api) -> None:
    host, friend = await api.creator("ada"), person("bob")
    tier = await api.tier(host)
    await api.ok("GET", "/v1/me", by=friend)
    given = await api.ok("POST", "/v1/creators/ada/comps", by=host, json={"account": "@bob", "tier": int(tier)})
    assert given["account"]["handle"] == "bob"
    assert (await api.request("GET", "/v1/creators/ada/comps", by=friend)).status == 403
    assert len((await api.ok("GET", "/v1/creators/ada/comps", by=host))["comps"]) == 1
    assert (await api.ok("DELETE", f"/v1/creators/ada/comps/{given['id']}", by=host))["ended_at"] is not None
    assert (await api.request("POST", "/v1/creators/nobody/comps", by=host, json={})).status == 422
    assert (await api.request("GET", "/v1/creators/nobody")).code == "unknown_creator"
