"""Rights that end while people are inside: they are out within a second, told why, and stay out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from spaces.demo.speech import read_speech
from spaces.node import Node
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered, hearing
from tests.harness.client import listening, speaking
from tests.harness.database import without_table
from tests.harness.node import running

pytestmark = pytest.mark.thorough


async def members_only(api: Api) -> tuple[str, str, str]:
    """A subscribers' Space of ada, its tier, and the subscription of grace."""
    host = await api.creator("ada")
    tier = await api.tier(host)
    subscription = await api.subscribe(person("grace"), host, tier)
    return await api.space(host, access={"policy": "subscribers", "tier": tier}), tier, subscription


async def test_a_cancelled_subscription_ends_the_sound_and_says_why(api: Api) -> None:
    space, _, subscription = await members_only(api)
    host, fan = person("ada"), person("grace")
    async with (
        speaking(api, space, read_speech(), by=host),
        entered(api, space, fan) as (channel, _),
        hearing(channel) as media,
        listening(api, space, by=fan, client="phone") as phone,
    ):
        await phone.hear_first()
        await api.ok("POST", f"/v1/subscriptions/{subscription}/cancel", by=host, json={"at": "now"})
        evicted = await channel.event("evicted")
        assert (evicted["problem"]["status"], evicted["problem"]["code"]) == (402, "lapsed")
        assert evicted["problem"]["offers"]
        assert await channel.until_closed() == 4402
        async with asyncio.timeout(2):
            await media.link.closed.wait()
            await phone.link.closed.wait()
    reply = await api.offer(f"/v1/spaces/{space}/whep", "v=0", by=fan)
    assert (reply.status, reply.code) == (402, "lapsed")


async def test_a_right_ends_by_its_date_without_any_event(api: Api) -> None:
    host, fan = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    await api.ok("GET", "/v1/me", by=fan)
    ends_at = datetime.now(UTC) + timedelta(seconds=1.5)
    comp = {"account": "@grace", "tier": tier, "ends_at": ends_at.isoformat()}
    await api.ok("POST", f"/v1/creators/{host.handle}/comps", by=host, json=comp)
    async with entered(api, space, fan) as (channel, _):
        evicted = await channel.event("evicted")
        assert evicted["problem"]["code"] == "lapsed"
        assert datetime.now(UTC) >= ends_at


async def test_a_comp_that_is_taken_back_ends_at_once_and_a_renewed_right_does_not(api: Api) -> None:
    host, fan = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    await api.ok("GET", "/v1/me", by=fan)
    body = {"account": "@grace", "tier": tier}
    first = await api.ok("POST", "/v1/creators/ada/comps", by=host, json=body)
    second = await api.ok("POST", "/v1/creators/ada/comps", by=host, json=body)
    async with entered(api, space, fan) as (channel, _):
        await api.ok("DELETE", f"/v1/creators/ada/comps/{first['id']}", by=host)
        await asyncio.sleep(0.5)
        await channel.ok("listen")
        await api.ok("DELETE", f"/v1/creators/ada/comps/{second['id']}", by=host)
        await channel.event("evicted")


async def test_who_leaves_the_stage_needs_a_right_of_his_own(api: Api) -> None:
    space, _, _ = await members_only(api)
    host, guest = person("ada"), person("bob")
    await api.to_stage(space, host, guest)
    async with entered(api, space, guest) as (channel, welcome):
        assert welcome["you"]["role"] == "speaker"
        await api.ok("DELETE", f"/v1/spaces/{space}/speakers/@bob", by=host)
        assert (await channel.event("evicted"))["problem"]["code"] == "no_subscription"
        assert await channel.until_closed() == 4402


async def test_a_changed_way_in_is_asked_of_everybody_inside(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with entered(api, space) as (stranger, _), entered(api, space, person("bob")) as (bob, _):
        await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"access": {"policy": "members"}})
        assert (await stranger.event("evicted"))["problem"]["code"] == "not_signed_in"
        assert await stranger.until_closed() == 4401
        await bob.ok("leave")


async def test_without_the_database_paid_seats_end_with_their_lease(tmp_path: Path) -> None:
    async with running(tmp_path, seat_lease_seconds=1.2) as node, aiohttp.ClientSession() as http:
        api = Api(http, node.url)
        space, _, _ = await members_only(api)
        free = await api.space(person("ada"))
        async with entered(api, space, person("grace")) as (paid, _), entered(api, free) as (open_to_all, _):
            async with without_table(node.config.sqlalchemy_url, "outbox"):
                assert (await paid.event("evicted"))["problem"]["code"] == "rights_unknown"
                assert await paid.until_closed() == 4503
                await open_to_all.ok("leave")
                assert (await api.request("GET", "/readyz")).status == 503
                assert (await api.request("GET", "/healthz")).status == 200
            async with asyncio.timeout(5):
                await ready(api)


async def ready(api: Api) -> None:
    for _ in range(100):
        if (await api.request("GET", "/readyz")).status == 200:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not ready again")


async def test_a_place_on_stage_is_worth_nothing_to_who_is_kept_out(api: Api, node: Node) -> None:
    """A blocked co-host would otherwise bring his friends in without paying."""
    space, _, _ = await members_only(api)
    host, friend = person("ada"), person("eve")
    await api.ok("GET", "/v1/me", by=friend)
    for guest in (person("bob"), person("carol")):
        await api.ok("GET", "/v1/me", by=guest)
        body = {"account": f"@{guest.handle}", "role": "cohost"}
        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json=body)
    ada, bob, carol = [await node.access.find_account(ref, integration=None) for ref in ("@ada", "@bob", "@carol")]
    assert ada is not None
    assert bob is not None
    assert carol is not None
    await node.access.ban(ada, bob, creator=ada.id)
    await node.access.suspend(carol)
    for by, code in (("bob", "blocked"), ("carol", "suspended")):
        speakers = f"/v1/spaces/{space}/speakers"
        brought = await api.request("POST", speakers, by=person(by), json={"account": "@eve"})
        assert (brought.status, brought.code) == (403, code)
        renamed = await api.request("PATCH", f"/v1/spaces/{space}", by=person(by), json={"title": "Mine"})
        assert (renamed.status, renamed.code) == (403, code)
    await node.access.suspend(ada)
    ended = await api.request("POST", f"/v1/spaces/{space}/end", by=host)
    made = await api.request("POST", "/v1/spaces", by=host, json={"title": "A", "access": {"policy": "open"}})
    assert [(reply.status, reply.code) for reply in (ended, made)] == [(403, "suspended")] * 2
