"""Guests without an account: one link, one place on one stage, and nothing else anywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from access.database import make_engine
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered, socket
from tests.harness.node import served

pytestmark = pytest.mark.thorough


class House:
    """A host with a Space for subscribers, and links to its stage."""

    def __init__(self, api: Api, host: Person, space: str) -> None:
        self.api = api
        self.host = host
        self.space = space
        self.path = f"/v1/spaces/{space}"

    async def link(self) -> str:
        return str((await self.api.ok("POST", f"{self.path}/guest-links", by=self.host))["token"])

    async def tried(self, token: str, name: str = "Grace", by: Person | None = None) -> tuple[int, str]:
        """Status, and the code of a refusal."""
        reply = await self.api.request("POST", f"{self.path}/guests", by=by, json={"token": token, "name": name})
        return reply.status, "" if reply.status == 201 else reply.code

    async def guest(self, name: str = "Grace") -> Person:
        """Somebody whom a link has let in."""
        made = await self.api.ok("POST", f"{self.path}/guests", json={"token": await self.link(), "name": name})
        return Person(made["account"]["id"], made["token"])

    async def stage(self) -> list[tuple[str, str, bool]]:
        stage = (await self.api.ok("GET", self.path))["stage"]
        return [(one["account"]["name"], one["role"], one["account"].get("guest", False)) for one in stage]


@pytest.fixture
async def house(api: Api) -> House:
    host = await api.creator("ada")
    return House(api, host, await api.space(host, access={"policy": "subscribers", "tier": await api.tier(host)}))


async def edit(node: Node, statement: str) -> None:
    engine = make_engine(node.config.sqlalchemy_url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def count(node: Node, query: str) -> int:
    engine = make_engine(node.config.sqlalchemy_url)
    try:
        async with engine.connect() as connection:
            return int((await connection.execute(text(query))).scalar_one())
    finally:
        await engine.dispose()


async def test_a_guest_comes_to_the_stage_with_a_name_and_is_shown_as_a_guest(api: Api, house: House) -> None:
    guest = await house.guest("Grace Hopper")
    assert await house.stage() == [("Ada", "host", False), ("Grace Hopper", "speaker", True)]
    async with entered(api, house.space, guest) as (channel, welcome):
        assert (welcome["you"]["role"], welcome["you"]["account"]["id"]) == ("speaker", guest.handle)
        await channel.ok("mute", muted=True)
        await channel.ok("listen")
        assert (await channel.event("offer"))["sdp"]
    async with entered(api, house.space, guest) as (channel, welcome):
        assert welcome["you"]["role"] == "speaker", "and comes back, as others do"


async def test_a_link_lets_one_person_in_once_with_or_without_an_account(api: Api, house: House) -> None:
    token = await house.link()
    several = await asyncio.gather(*(house.tried(token, name) for name in ("Grace", "Joan", "Mary")))
    assert sorted(status for status, _ in several) == [201, 410, 410]
    assert len(await house.stage()) == 2
    assert await house.tried(token) == (410, "link_used")
    bob = person("bob")
    await api.ok("GET", "/v1/me", by=bob)
    assert await house.tried(await house.link(), by=bob) == (409, "signed_in")


async def test_what_is_no_good_link_or_no_name_lets_nobody_in_and_leaves_nothing(
    api: Api, node: Node, house: House
) -> None:
    token = await house.link()
    before = await count(node, "SELECT count(*) FROM accounts")
    other = House(api, house.host, await api.space(house.host))
    assert await house.tried("guessed") == (404, "unknown_link")
    assert await other.tried(token) == (404, "unknown_link")
    for name in ("", "   ", "x" * 41, "tab\there", "\u202eadA", "\u200b", "--", "two\nlines"):
        assert (await house.tried(token, name))[0] == 422, repr(name)
    assert await count(node, "SELECT count(*) FROM accounts") == before
    assert await house.tried(token, "Zoë O’Neill-李") == (201, "")


async def test_a_guest_has_no_rights_but_this_seat(api: Api, house: House) -> None:
    guest = await house.guest()
    for path in ("/v1/me", "/v1/me/sessions", f"{house.path}", f"{house.path}/guest-links", "/v1/me/export"):
        reply = await api.request("GET", path, token=guest.token)
        assert reply.status == 401, path
    for path in ("/v1/creators", f"{house.path}/admissions", f"{house.path}/start", "/v1/me/deletion"):
        reply = await api.request("POST", path, token=guest.token, json={"handle": "eve"})
        assert reply.status == 401, path
    open_space = await api.space(house.host)
    async with socket(api, open_space) as channel:
        assert await channel.refused("hello", v=1, token=guest.token) == (401, "token_guest")
    async with entered(api, house.space, guest) as (channel, _):
        for act in ("stage.mute", "space.end", "space.start"):
            assert (await channel.refused(act))[0] == 403
        assert (await channel.refused("space.lock", locked=True))[0] == 403
        assert (await channel.refused("stage.invite", account=guest.handle))[0] == 403
    for role in ("cohost", "host"):
        body = {"account": guest.handle, "role": role}
        reply = await api.request("POST", f"{house.path}/speakers", by=house.host, json=body)
        assert reply.status in (409, 422), "a guest is made no host"


async def test_who_is_brought_down_removed_or_blocked_is_no_guest_any_more(api: Api, house: House) -> None:
    down, removed, blocked = [await house.guest(name) for name in ("Down", "Removed", "Blocked")]
    async with entered(api, house.space, down) as (channel, _):
        await api.ok("DELETE", f"{house.path}/speakers/{down.handle}", by=house.host)
        assert (await channel.event("evicted"))["problem"]["code"] == "guest_over"
        assert await channel.until_closed() == 4403
    await api.ok("POST", f"{house.path}/removals", by=house.host, json={"account": removed.handle})
    await api.ok("POST", f"{house.path}/blocks", by=house.host, json={"account": blocked.handle})
    for guest, why in ((down, "guest_over"), (removed, "guest_over"), (blocked, "blocked")):
        async with socket(api, house.space) as channel:
            assert await channel.refused("hello", v=1, token=guest.token) == (403, why)
    await api.ok("POST", f"{house.path}/speakers", by=house.host, json={"account": down.handle})
    async with entered(api, house.space, down) as (channel, welcome):
        assert welcome["you"]["role"] == "speaker", "unless a host brings them back"
    assert await house.tried(await house.link(), "Another") == (201, "")


async def test_a_guest_goes_with_the_space_and_with_time(api: Api, node: Node, house: House) -> None:
    guest = await house.guest()
    await edit(node, "UPDATE accounts SET guest_until = created_at WHERE guest_space IS NOT NULL")
    async with socket(api, house.space) as channel:
        assert await channel.refused("hello", v=1, token=guest.token) == (401, "token_guest")
    late = await house.guest("Late")
    await api.ok("POST", f"{house.path}/end", by=house.host)
    async with socket(api, house.space) as channel:
        assert await channel.refused("hello", v=1, token=late.token) == (410, "ended")
    await edit(node, "UPDATE accounts SET guest_until = '2020-01-01 00:00:00.000000' WHERE guest_space IS NOT NULL")
    await node.access.sweep()
    assert await count(node, "SELECT count(*) FROM guest_passes") == 0
    named = "SELECT count(*) FROM accounts WHERE guest_space IS NOT NULL AND (name IS NOT NULL OR status = 'active')"
    assert await count(node, named) == 0


async def test_a_full_stage_leaves_the_link_good_and_no_account(tmp_path: Path) -> None:
    async with served(tmp_path, speakers_max=1) as api:
        host = await api.creator("ada")
        house = House(api, host, await api.space(host))
        await house.guest("First")
        token = await house.link()
        assert await house.tried(token) == (409, "stage_full")
        [first] = [
            one["account"]["id"] for one in (await api.ok("GET", house.path))["stage"] if one["role"] == "speaker"
        ]
        await api.ok("DELETE", f"{house.path}/speakers/{first}", by=host)
        assert await house.tried(token) == (201, "")


async def test_tries_are_counted_by_address(tmp_path: Path) -> None:
    async with served(tmp_path, sign_ins_per_minute_max=3) as api:
        host = await api.creator("ada")
        house = House(api, host, await api.space(host))
        tries: list[Any] = [await house.tried("guessed") for _ in range(4)]
        assert tries == [(404, "unknown_link")] * 3 + [(429, "too_many_sign_ins")]
