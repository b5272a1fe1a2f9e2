"""Who listens is told by name to those who are in too, as far as the listeners have signed in."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from spaces.signaling import audience
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered, socket


async def seen(api: Api, space: str, by: Person, after: str = "0") -> tuple[list[str], int, int, str | None]:
    answer: Any = await api.ok("GET", f"/v1/spaces/{space}/audience?after={after}", by=by)
    handles = [account["handle"] for account in answer["accounts"]]
    return handles, answer["signed_in"], answer["anonymous"], answer["next"]


async def test_the_audience_is_listed_for_who_is_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    host, bob, cleo, dan = await api.creator("ada"), person("bob"), person("cleo"), person("dan")
    space = await api.space(host)
    async with contextlib.AsyncExitStack() as inside:
        for one in (bob, cleo, None, None):
            await inside.enter_async_context(entered(api, space, one))
        assert await seen(api, space, host) == (["bob", "cleo"], 2, 2, None), "the host need not be in"
        assert await seen(api, space, bob) == (["bob", "cleo"], 2, 2, None)
        outside = await api.request("GET", f"/v1/spaces/{space}/audience", by=dan)
        assert (outside.status, outside.code) == (409, "not_inside")
        assert (await api.request("GET", f"/v1/spaces/{space}/audience")).status == 401
        await api.to_stage(space, host, bob)
        assert (await seen(api, space, host))[0] == ["cleo"], "who is on stage does not listen"
        await api.ok("DELETE", f"/v1/spaces/{space}/speakers/@bob", by=host)
        monkeypatch.setattr(audience, "LISTED_MAX", 1)
        first, _, _, after = await seen(api, space, host)
        assert after is not None
        assert (first, (await seen(api, space, host, after))[0]) == (["bob"], ["cleo"])
        bad = await api.request("GET", f"/v1/spaces/{space}/audience?after=x", by=host)
        assert (bad.status, bad.code) == (404, "unknown_after")
    assert (await seen(api, space, host))[:3] == ([], 0, 0)


async def test_who_listens_anonymously_on_any_device_is_not_told_but_counted(api: Api) -> None:
    host, bob, eve = await api.creator("ada"), person("bob"), person("eve")
    space = await api.space(host)
    async with entered(api, space, bob), entered(api, space, eve) as (channel, _):
        async with socket(api, space) as phone:
            await phone.ok("hello", v=1, token=bob.token, client="phone", anonymous=True)
            assert await seen(api, space, host) == (["eve"], 1, 2, None)
            assert (await api.ok("GET", f"/v1/spaces/{space}"))["listeners"] == 3
            assert await phone.ok("audience") | {"re": 0} == await channel.ok("audience", after="0") | {"re": 0}
        assert (await channel.ok("audience", after="8" * 19))["audience"]["accounts"] == []


async def test_a_socket_tells_the_same_to_the_same(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with entered(api, space) as (nobody, _), entered(api, space, host) as (ada, _):
        assert await nobody.refused("audience") == (401, "not_signed_in")
        assert await ada.refused("audience", after="x") == (422, "bad_field")
        told = (await ada.ok("audience"))["audience"]
        assert (told["accounts"], told["signed_in"], told["anonymous"], told["next"]) == ([], 0, 1, None)
