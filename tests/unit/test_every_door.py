"""After a right has ended every path into a Space is shut: join, rejoin, refresh, promotion; and a device more than an
account has seats for takes the place of another, which is told."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import access
import spaces
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import Channel, entered, hearing, hello, socket
from tests.harness.client import RtcClient, listening
from tests.harness.node import served

pytestmark = pytest.mark.thorough

DOORS = {"decide", "admit", "mint_join_token", "redeem_join_token"}


def test_nothing_but_the_door_asks_for_a_decision() -> None:
    """A path with a check of its own is how others were bypassed."""
    callers: dict[str, set[str]] = {}
    for package in (access, spaces):
        folder = Path(package.__path__[0])
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _called(node.func) in DOORS:
                    callers.setdefault(str(path.relative_to(folder.parent)), set()).add(_called(node.func))
    assert callers == {
        "access/admissions.py": {"decide"},
        "spaces/signaling/door.py": DOORS,
        "spaces/nodes.py": {"decide"},  # whom its own listeners' owner has left is put out; nobody is let in
    }


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


async def members_only(api: Api) -> tuple[Person, Person, str, str]:
    """Host, fan, the tier that he has as a gift, and a Space for it."""
    host, fan = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    await api.ok("GET", "/v1/me", by=fan)
    await api.ok("POST", "/v1/creators/ada/comps", by=host, json={"account": "@grace", "tier": tier})
    return host, fan, tier, await api.space(host, access={"policy": "subscribers", "tier": tier})


async def join_token(api: Api, space: str, by: Person) -> str:
    return str((await api.ok("POST", f"/v1/spaces/{space}/admissions", by=by))["join_token"])


async def end_right(api: Api, host: Person) -> None:
    [comp] = (await api.ok("GET", "/v1/creators/ada/comps", by=host))["comps"]
    await api.ok("DELETE", f"/v1/creators/ada/comps/{comp['id']}", by=host)


def offer(api: Api) -> str:
    return RtcClient(api).offer_text("recvonly")


@pytest.mark.parametrize("way", ["whep", "whip", "socket"])
async def test_a_join_token_from_before_opens_no_door(api: Api, way: str) -> None:
    host, fan, _, space = await members_only(api)
    token = await join_token(api, space, fan)
    await end_right(api, host)
    if way == "socket":
        async with socket(api, space) as channel:
            assert await channel.refused("hello", v=1, token=token) == (401, "token_revoked")
            assert await channel.until_closed() == 4401
        return
    reply = await api.offer(f"/v1/spaces/{space}/{way}", offer(api), token=token)
    assert (reply.status, reply.code) == (401, "token_revoked")


@pytest.mark.parametrize("way", ["whep", "socket"])
async def test_a_join_token_is_used_once(api: Api, way: str) -> None:
    _, fan, _, space = await members_only(api)
    token = await join_token(api, space, fan)
    if way == "whep":
        assert (await api.offer(f"/v1/spaces/{space}/whep", offer(api), token=token)).status == 201
    else:
        async with socket(api, space) as channel:
            await channel.ok("hello", v=1, token=token)
    async with socket(api, space) as channel:
        assert await channel.refused("hello", v=1, token=token) == (401, "token_used")
    reply = await api.offer(f"/v1/spaces/{space}/whep", offer(api), token=token)
    assert (reply.status, reply.code) == (401, "token_used")


async def test_whoever_is_put_out_comes_back_by_no_path(api: Api) -> None:
    host, fan, _, space = await members_only(api)
    async with (
        entered(api, space, fan, client="desk") as (channel, welcome),
        hearing(channel) as media,
        listening(api, space, by=fan, client="phone") as phone,
    ):
        await end_right(api, host)
        assert (await channel.event("evicted"))["problem"]["code"] == "lapsed"
        async with asyncio.timeout(5):
            await media.link.closed.wait()
            await phone.link.closed.wait()
    refresh = await api.request("POST", f"/v1/spaces/{space}/admissions", by=fan)
    assert (refresh.status, refresh.code) == (402, "lapsed")
    for client in ("desk", "new"):
        reply = await api.offer(f"/v1/spaces/{space}/whep?client={client}", offer(api), by=fan)
        assert (reply.status, reply.code) == (402, "lapsed")
        async with socket(api, space) as channel:
            fields = {"token": fan.token, "client": client, "cursor": welcome["seq"]}
            assert await channel.refused("hello", v=1, **fields) == (402, "lapsed")
    speaks = await api.offer(f"/v1/spaces/{space}/whip", RtcClient(api).offer_text("sendonly"), by=fan)
    assert (speaks.status, speaks.code) == (403, "not_on_stage")
    assert (await api.ok("GET", f"/v1/spaces/{space}", by=fan))["you"]["problem"]["code"] == "lapsed"


@asynccontextmanager
async def a_host_and_a_fan(api: Api) -> AsyncIterator[tuple[Channel, Channel, str, str]]:
    """Their sockets, the fan's id and the tier."""
    host, fan, tier, space = await members_only(api)
    async with entered(api, space, host) as (stage, _), entered(api, space, fan) as (audience, welcome):
        yield stage, audience, welcome["you"]["account"]["id"], tier


async def set_benefits(api: Api, tier: str, *names: str) -> None:
    await api.ok("PUT", f"/v1/tiers/{tier}/benefits", by=person("ada"), json={"benefits": list(names)})


async def test_asking_to_speak_is_a_benefit_of_the_tier(api: Api) -> None:
    async with a_host_and_a_fan(api) as (stage, audience, account, tier):
        await set_benefits(api, tier, "space.join")
        assert await audience.refused("hand.raise") == (403, "not_in_tier")
        await set_benefits(api, tier, "space.join", "space.speak")
        await audience.ok("hand.raise")
        await stage.ok("hand.accept", account=account)
        assert (await audience.event("role", account=account))["role"] == "speaker"


async def test_a_hand_that_went_up_in_time_is_worth_nothing_once_the_right_is_gone(api: Api) -> None:
    async with a_host_and_a_fan(api) as (stage, audience, account, tier):
        await audience.ok("hand.raise")
        await set_benefits(api, tier, "space.join")
        reply = await stage.request("hand.accept", account=account)
        assert (reply["problem"]["status"], reply["problem"]["code"]) == (409, "may_not_speak")
        assert "not_in_tier" in reply["problem"]["detail"]


async def test_nobody_who_is_kept_out_is_brought_on_stage(api: Api, node: Node) -> None:
    host, fan, _, space = await members_only(api)
    ada, grace = [await node.access.find_account(ref, integration=None) for ref in ("@ada", "@grace")]
    assert ada is not None
    assert grace is not None
    await node.access.ban(ada, grace, creator=ada.id)
    for role in ("speaker", "cohost"):
        body = {"account": f"@{fan.handle}", "role": role}
        reply = await api.request("POST", f"/v1/spaces/{space}/speakers", by=host, json=body)
        assert (reply.status, reply.code) == (409, "may_not_speak")
    assert [member["role"] for member in (await api.ok("GET", f"/v1/spaces/{space}"))["stage"]] == ["host"]


async def test_the_newest_device_takes_over_and_the_oldest_is_told(tmp_path: Path) -> None:
    async with served(tmp_path, seats_per_account_max=2) as api:
        host, fan = await api.creator("ada"), person("bob")
        space = await api.space(host)
        async with (
            entered(api, space, fan, client="desk") as (desk, _),
            hearing(desk) as media,
            listening(api, space, by=fan, client="phone") as phone,
            socket(api, space) as tv,
        ):
            await hello(tv, fan, client="tv")
            evicted = await desk.event("evicted")
            assert (evicted["problem"]["status"], evicted["problem"]["code"]) == (409, "displaced")
            assert await desk.until_closed() == 4409
            async with asyncio.timeout(5):
                await media.link.closed.wait()
            assert not phone.link.closed.is_set()
            assert (await api.ok("GET", f"/v1/spaces/{space}"))["listeners"] == 2
            assert (await api.offer(f"/v1/spaces/{space}/whep?client=desk", offer(api), by=fan)).status == 201
            async with asyncio.timeout(5):
                await phone.link.closed.wait()
