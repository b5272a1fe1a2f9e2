"""Things that happen while a decision or a change waits for the database."""

from __future__ import annotations

import asyncio
import contextlib

from spaces.node import Node
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.client import RtcClient
from tests.harness.database import without_table, writers_wait
from tests.harness.eventually import until


async def test_who_asked_before_the_way_in_was_narrowed_is_not_inside_after(api: Api, node: Node) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    stranger = RtcClient(api)
    try:
        async with writers_wait(node.config.sqlalchemy_url):
            members = {"access": {"policy": "members"}}
            narrowing = asyncio.create_task(api.request("PATCH", f"/v1/spaces/{space}", by=host, json=members))
            await asyncio.sleep(0.2)
            joining = asyncio.create_task(api.offer(f"/v1/spaces/{space}/whep", stranger.offer_text("recvonly")))
            await asyncio.sleep(0.2)
        assert (await narrowing).status == 200
        joined = await joining
        if joined.status == 201:  # PostgreSQL let the join go first: then the narrowing has put him out
            assert (await api.request("DELETE", joined.headers["Location"])).status == 404
        else:
            assert joined.status == 401
    finally:
        await stranger.close()


async def test_who_asked_before_he_was_blocked_is_not_inside_after(api: Api, node: Node) -> None:
    host, bob = await api.creator("ada"), person("bob")
    await api.ok("GET", "/v1/me", by=bob)
    space = await api.space(host)
    his = RtcClient(api)
    try:
        async with writers_wait(node.config.sqlalchemy_url):
            body = {"account": "@bob"}
            blocking = asyncio.create_task(api.request("POST", f"/v1/spaces/{space}/blocks", by=host, json=body))
            await asyncio.sleep(0.2)
            joining = asyncio.create_task(api.offer(f"/v1/spaces/{space}/whep", his.offer_text("recvonly"), by=bob))
            await asyncio.sleep(0.2)
        assert (await blocking).status == 204
        joined = await joining
        if joined.status == 201:  # PostgreSQL let the join go first: then the block has put him out
            assert (await api.request("DELETE", joined.headers["Location"])).status == 404
        else:
            assert (joined.status, joined.code) == (403, "blocked")
        live = node.rooms.get(space)
        assert live is not None
        assert not live.entries
    finally:
        await his.close()


async def test_a_speaker_who_goes_while_he_is_brought_on_stage_leaves_the_space_whole(api: Api, node: Node) -> None:
    host, fan = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with entered(api, space, host) as (channel, _), contextlib.AsyncExitStack() as his:
        await his.enter_async_context(entered(api, space, fan))
        live = node.rooms.get(space)
        assert live is not None
        async with writers_wait(node.config.sqlalchemy_url):
            body = {"account": "@bob"}
            bringing = asyncio.create_task(api.request("POST", f"/v1/spaces/{space}/speakers", by=host, json=body))
            await asyncio.sleep(0.2)
            await his.aclose()
            await until(lambda: len(live.entries) == 1)
        assert (await bringing).status == 200
        await channel.event("role", role="speaker")
    async with entered(api, space) as (_, welcome):
        assert [member["account"]["handle"] for member in welcome["space"]["stage"]] == ["ada", "bob"]


async def test_a_decision_that_the_database_failed_is_made_when_it_is_back(api: Api, node: Node) -> None:
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host, access={"policy": "subscribers", "tier": await api.tier(host)})
    await api.to_stage(space, host, guest)
    async with entered(api, space, guest) as (channel, welcome), entered(api, space, host) as (hosts, _):
        bob = welcome["you"]["account"]["id"]
        async with without_table(node.config.sqlalchemy_url, "bans"):
            assert (await hosts.refused("speaker.remove", account=bob))[0] == 503
        assert (await channel.event("evicted"))["problem"]["code"] == "no_subscription"
