"""Spaces for invited people: in while invited, told so at the door, and out within a second when it is taken back."""

from __future__ import annotations

import asyncio

from spaces.demo.speech import read_speech
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered, hearing, socket
from tests.harness.client import listening, speaking

REVOCATION_SECONDS_MAX = 1.0


async def for_invited(api: Api, *guests: Person, live: bool = True) -> tuple[Person, str]:
    host = await api.creator("ada")
    space = await api.space(host, access={"policy": "invite"}, live=live)
    for guest in guests:
        await api.ok("GET", "/v1/me", by=guest)
    return host, space


async def invite(api: Api, space: str, host: Person, guest: Person) -> None:
    await api.ok("POST", f"/v1/spaces/{space}/invitations", by=host, json={"account": f"@{guest.handle}"})


async def test_an_invitation_opens_the_door_and_nothing_else_does(api: Api) -> None:
    guest, other = person("grace"), person("eve")
    host, space = await for_invited(api, guest, other)
    for by, status, code in ((None, 401, "not_signed_in"), (guest, 403, "not_invited")):
        refused = await api.request("POST", f"/v1/spaces/{space}/admissions", by=by)
        assert (refused.status, refused.code) == (status, code)
    async with socket(api, space) as channel:
        assert await channel.refused("hello", v=1, token=guest.token) == (403, "not_invited")
    for _ in range(2):
        await invite(api, space, host, guest)
    async with entered(api, space, guest) as (channel, welcome):
        assert welcome["you"]["role"] == "listener"
    assert (await api.request("POST", f"/v1/spaces/{space}/admissions", by=other)).code == "not_invited"
    [listed] = (await api.ok("GET", f"/v1/spaces/{space}/invitations", by=host))["invitations"]
    assert (listed["account"]["handle"], listed["by"]["handle"]) == ("grace", "ada")
    assert [one["id"] for one in (await api.ok("GET", "/v1/me/invitations", by=guest))["spaces"]] == [space]
    assert (await api.ok("GET", "/v1/me/invitations", by=other))["spaces"] == []
    elsewhere = await api.space(host, access={"policy": "invite"})
    assert (await api.request("POST", f"/v1/spaces/{elsewhere}/admissions", by=guest)).code == "not_invited"


async def test_whoever_is_invited_no_more_is_out_within_a_second(api: Api) -> None:
    guest, other = person("grace"), person("eve")
    host, space = await for_invited(api, guest, other)
    for somebody in (guest, other):
        await invite(api, space, host, somebody)
    token = (await api.ok("POST", f"/v1/spaces/{space}/admissions", by=guest))["join_token"]
    async with (
        speaking(api, space, read_speech(), by=host),
        listening(api, space, by=other) as witness,
        entered(api, space, guest) as (channel, _),
        hearing(channel) as media,
        listening(api, space, by=guest, client="phone") as phone,
    ):
        await phone.hear_first()
        asked = asyncio.get_running_loop().time()
        await api.ok("DELETE", f"/v1/spaces/{space}/invitations/@grace", by=host)
        evicted = await channel.event("evicted")
        assert (evicted["problem"]["status"], evicted["problem"]["code"]) == (403, "not_invited")
        assert await channel.until_closed() == 4403
        async with asyncio.timeout(5):
            await media.link.closed.wait()
            await phone.link.closed.wait()
        assert phone.last_arrival is not None
        assert phone.last_arrival - asked <= REVOCATION_SECONDS_MAX
        assert not witness.link.closed.is_set()
    stale = await api.offer(f"/v1/spaces/{space}/whep", "v=0", token=token)
    assert (stale.status, stale.code) == (401, "token_revoked")
    await api.ok("DELETE", f"/v1/spaces/{space}/invitations/@grace", by=host)
    assert len((await api.ok("GET", f"/v1/spaces/{space}/invitations", by=host))["invitations"]) == 1


async def test_only_hosts_invite_and_see_who_is(api: Api, node: Node) -> None:
    guest, cohost = person("grace"), person("eve")
    host, space = await for_invited(api, guest, cohost)
    await invite(api, space, host, guest)
    path, body = f"/v1/spaces/{space}/invitations", {"account": "@grace"}
    for by in (guest, cohost):
        for method, where in (("POST", path), ("GET", path), ("DELETE", f"{path}/@grace")):
            refused = await api.request(method, where, by=by, json=body if method == "POST" else None)
            assert (refused.status, refused.code) == (403, "not_permitted")
    assert (await api.request("POST", path, json=body)).status == 401
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@eve", "role": "cohost"})
    await api.ok("POST", path, by=cohost, json=body)
    ada, eve, grace = [await node.access.find_account(ref, integration=None) for ref in ("@ada", "@eve", "@grace")]
    assert ada is not None
    assert eve is not None
    assert grace is not None
    await node.access.ban(ada, eve, creator=ada.id)
    assert (await api.request("POST", path, by=cohost, json=body)).code == "blocked"
    await node.access.ban(ada, grace, creator=ada.id, space=space)
    assert (await api.request("POST", f"/v1/spaces/{space}/admissions", by=guest)).code == "blocked"
    assert (await api.request("POST", path, by=host, json={"account": "@nobody"})).code == "unknown_account"
    await node.access.suspend(grace)
    assert (await api.request("POST", path, by=host, json=body)).code == "bad_account"
    assert (await api.request("GET", "/v1/spaces/nowhere/invitations", by=host)).status == 404


async def test_beside_a_tier_an_invitation_is_another_way_in(api: Api) -> None:
    host, guest = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    await api.ok("GET", "/v1/me", by=guest)
    space = await api.space(host, access=[{"policy": "invite"}, {"policy": "subscribers", "tier": tier}])  # type: ignore[arg-type]
    refused = await api.request("POST", f"/v1/spaces/{space}/admissions", by=guest)
    assert (refused.status, refused.code) == (402, "no_subscription")
    await invite(api, space, host, guest)
    await api.ok("POST", f"/v1/spaces/{space}/admissions", by=guest)
    await api.subscribe(guest, host, tier)
    async with entered(api, space, guest) as (channel, _):
        await api.ok("DELETE", f"/v1/spaces/{space}/invitations/@grace", by=host)
        await asyncio.sleep(0.5)
        await channel.ok("listen")


async def test_a_cancelled_space_invites_nobody(api: Api) -> None:
    guest = person("grace")
    host, space = await for_invited(api, guest, live=False)
    await invite(api, space, host, guest)
    await api.ok("POST", f"/v1/spaces/{space}/cancel", by=host)
    late = await api.request("POST", f"/v1/spaces/{space}/invitations", by=host, json={"account": "@grace"})
    assert (late.status, late.code) == (410, "cancelled")
    assert (await api.ok("GET", "/v1/me/invitations", by=guest))["spaces"] == []
