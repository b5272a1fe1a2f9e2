"""Communities over HTTP, and what membership opens and closes in a live Space."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from spaces.demo.speech import read_speech
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.client import listening, speaking

pytestmark = pytest.mark.thorough


async def a_community(api: Api, **changes: Any) -> tuple[Person, str]:
    host = await api.creator("ada")
    body = {"name": "Bakers", "rules": "Be kind."} | changes
    made = await api.ok("POST", "/v1/creators/ada/communities", by=host, json=body)
    return host, f"/v1/communities/{made['id']}"


async def joined(api: Api, community: str, handle: str) -> Person:
    fan = person(handle)
    await api.ok("POST", f"{community}/join", by=fan, json={"rules_version": 1})
    return fan


async def its_space(api: Api, host: Person, community: str, *others: dict[str, Any]) -> str:
    rule = {"policy": "community", "community": community.rsplit("/", 1)[1]}
    body = {"title": "Rye", "access": [rule, *others]}
    space = (await api.ok("POST", "/v1/spaces", by=host, json=body))["id"]
    await api.ok("POST", f"/v1/spaces/{space}/start", by=host)
    return str(space)


async def test_a_community_is_founded_found_joined_and_left(api: Api) -> None:
    host, community = await a_community(api, topics=["bread"], description="Of all grains")
    seen = await api.ok("GET", community)
    assert (seen["name"], seen["topics"], seen["rules"], seen["members"]) == ("Bakers", ["bread"], "Be kind.", 1)
    assert seen["you"]["way"] == {"id": seen["id"], "name": "Bakers", "step": "join", "rules_version": 1}
    fan = await joined(api, community, "grace")
    mine = await api.ok("GET", "/v1/me/communities", by=fan)
    assert [(c["id"], c["you"]["member"], c["you"]["role"]) for c in mine["communities"]] == [
        (seen["id"], True, "member")
    ]
    members = await api.ok("GET", f"{community}/members", by=fan)
    assert [(m["account"]["handle"], m["role"]) for m in members["members"]] == [("ada", "admin"), ("grace", "member")]
    assert members["after"] is None
    assert (await api.request("GET", f"{community}/members", by=person("eve"))).code == "not_member"
    assert (await api.request("GET", f"{community}/members", by=fan)).status == 200
    changed = await api.ok("PATCH", community, by=host, json={"joining": "invite"})
    assert changed["joining"] == "invite"
    left = await api.ok("POST", f"{community}/leave", by=fan)
    assert (left["you"]["state"], left["you"]["way"]["step"]) == ("left", "invitation")
    invited = await api.ok("POST", f"{community}/invitations", by=host, json={"account": "@grace"})
    assert invited["state"] == "invited"
    listed = await api.ok("GET", "/v1/creators/ada/communities", by=fan)
    assert listed["communities"][0]["you"]["way"]["step"] == "join"


async def test_its_space_names_the_way_in_and_lists_among_its_spaces(api: Api) -> None:
    host, community = await a_community(api)
    tier = await api.tier(host)
    space = await its_space(api, host, community, {"policy": "subscribers", "tier": tier})
    fan = person("grace")
    seen = await api.ok("GET", f"/v1/spaces/{space}", by=fan)
    assert seen["access"][0] == {"policy": "community", "community": community.rsplit("/", 1)[1]}
    problem = seen["you"]["problem"]
    assert (problem["status"], problem["communities"][0]["step"]) == (402, "join")
    assert problem["offers"][0]["tier"] == tier
    only = await its_space(api, host, community)
    refused = await api.request("POST", f"/v1/spaces/{only}/admissions", by=fan)
    assert (refused.status, refused.code) == (403, "not_member")
    await joined(api, community, "grace")
    assert (await api.ok("GET", f"/v1/spaces/{space}", by=fan))["you"]["admitted"]
    await api.ok("POST", f"/v1/spaces/{only}/admissions", by=fan)
    await api.subscribe(person("eve"), host, tier)
    assert (await api.ok("GET", f"/v1/spaces/{space}", by=person("eve")))["you"]["admitted"]
    await api.space(host)
    ours = await api.ok("GET", f"{community}/spaces", by=fan)
    assert {s["id"] for s in ours["spaces"]} == {space, only}


async def test_whoever_leaves_or_is_put_out_hears_no_more(api: Api) -> None:
    host, community = await a_community(api)
    space = await its_space(api, host, community)
    fans = [await joined(api, community, handle) for handle in ("leaver", "removed", "banned")]
    async with speaking(api, space, read_speech(), by=host):
        for fan in fans:
            async with entered(api, space, fan) as (channel, _), listening(api, space, by=fan, client="phone") as phone:
                await phone.hear_first()
                if fan.handle == "leaver":
                    await api.ok("POST", f"{community}/leave", by=fan)
                elif fan.handle == "removed":
                    await api.ok("DELETE", f"{community}/members/@removed", by=host)
                else:
                    await api.ok("POST", f"{community}/bans", by=host, json={"account": "@banned", "reason": "crumbs"})
                evicted = await channel.event("evicted")
                assert evicted["problem"]["code"] == ("blocked" if fan.handle == "banned" else "not_member")
                async with asyncio.timeout(2):
                    await phone.link.closed.wait()
    assert (await api.request("POST", f"{community}/join", by=fans[2], json={"rules_version": 1})).code == "blocked"
    await api.ok("DELETE", f"{community}/bans/@banned", by=host)
    await joined(api, community, "banned")


async def test_a_group_that_closes_puts_everybody_out(api: Api) -> None:
    host, community = await a_community(api)
    space = await its_space(api, host, community)
    fan = await joined(api, community, "grace")
    async with entered(api, space, fan) as (channel, _), entered(api, space, host) as (hosts, _):
        await api.ok("POST", f"{community}/close", by=host)
        assert (await channel.event("evicted"))["problem"]["code"] == "not_invited"
        await hosts.ok("listen")


async def test_a_tiers_group_lasts_as_long_as_the_subscription(api: Api) -> None:
    host = await api.creator("ada")
    price = {"amount_minor": 499, "currency": "USD"}
    body = {"name": "Inner", "level": 1, "price": price, "benefits": ["community.member"]}
    tier = (await api.ok("POST", "/v1/creators/ada/tiers", by=host, json=body))["id"]
    body = {"name": "Inner circle", "rules": "Be kind.", "joining": "tier", "tier": tier}
    made = await api.ok("POST", "/v1/creators/ada/communities", by=host, json=body)
    community, fan = f"/v1/communities/{made['id']}", person("grace")
    space = await its_space(api, host, community)
    refused = await api.request("POST", f"{community}/join", by=fan, json={"rules_version": 1})
    assert refused.code == "no_subscription"
    problem = (await api.ok("GET", f"/v1/spaces/{space}", by=fan))["you"]["problem"]
    assert (problem["status"], problem["code"], problem["offers"][0]["tier"]) == (402, "not_member", tier)
    subscription = await api.subscribe(fan, host, tier)
    await joined(api, community, "grace")
    async with entered(api, space, fan) as (channel, _):
        await api.ok("POST", f"/v1/subscriptions/{subscription}/cancel", by=host, json={"at": "now"})
        evicted = await channel.event("evicted")
    assert (evicted["problem"]["status"], evicted["problem"]["communities"][0]["step"]) == (402, "subscribe")


async def test_bad_bodies_are_refused_by_field(api: Api) -> None:
    host, community = await a_community(api)
    number = community.rsplit("/", 1)[1]
    await joined(api, community, "grace")
    for access, field in (
        ({"policy": "community"}, "access.community"),
        ({"policy": "community", "community": "999"}, "access.community"),
        ({"policy": "open", "community": number}, "access.community"),
        ([{"policy": "open"}, {"policy": "community", "community": "x"}], "access[1].community"),
        ({"policy": "invite", "community": number}, "access.community"),
        ({"policy": "acquaintances"}, "access.policy"),
    ):
        reply = await api.request("POST", "/v1/spaces", by=host, json={"title": "x", "access": access})
        assert (reply.status, reply.body.get("field")) == (422, field), (access, reply.body)
    for method, path, body, expected in (
        ("POST", "/v1/creators/ada/communities", {"name": "x"}, (422, "rules")),
        ("POST", "/v1/creators/ada/communities", {"name": "x", "rules": "r", "joining": "never"}, (422, "joining")),
        ("POST", f"{community}/join", {"rules_version": 0}, (422, "rules_version")),
        ("POST", f"{community}/join", {"rules_version": 7}, (409, "rules_version")),
        ("PATCH", f"{community}/members/@ada", {"role": "king"}, (422, "role")),
        ("POST", f"{community}/bans", {"account": "@nobody"}, (404, None)),
        ("POST", f"{community}/bans", {"account": "@ada"}, (409, None)),
        ("POST", f"{community}/bans", {"account": "@grace", "until": "2001-01-01T00:00:00Z"}, (422, "until")),
        ("GET", f"{community}/members?after=x", None, (422, "after")),
        ("GET", f"{community}/members?state=left", None, (422, "state")),
        ("GET", "/v1/communities/0", None, (404, None)),
        ("GET", "/v1/communities/x", None, (404, None)),
    ):
        reply = await api.request(method, path, by=host, json=body)
        assert (reply.status, reply.body.get("field")) == expected, (path, reply.body)
    assert (await api.request("POST", f"{community}/join", json={"rules_version": 1})).status == 401
