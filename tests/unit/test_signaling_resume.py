"""Back after a drop, with a cursor: all that was missed follows, or a snapshot is all there is; never what one may not see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spaces.signaling.ring import KEPT_MAX
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import Channel, entered
from tests.harness.node import served

pytestmark = [pytest.mark.sqlite, pytest.mark.thorough]


async def numbered(channel: Channel) -> list[dict[str, Any]]:
    """The numbered events that have come by now."""
    await channel.ok("leave")
    return [event for event in channel.events if "seq" in event]


async def retitle(api: Api, space: str, host: Person, *titles: str) -> None:
    for title in titles:
        await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"title": title})


async def test_what_was_missed_follows_once_and_in_order(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with entered(api, space) as (_, welcome):
        assert welcome["resumed"] is False
    await retitle(api, space, host, "a", "b", "c")
    async with entered(api, space, cursor=welcome["seq"]) as (back, reply):
        assert reply["resumed"] is True
        missed = await numbered(back)
        assert [event["space"]["title"] for event in missed] == ["a", "b", "c"]
        assert [event["seq"] for event in missed] == list(range(welcome["seq"] + 1, reply["seq"] + 1))
    async with entered(api, space, cursor=reply["seq"]) as (back, again):
        assert (again["resumed"], await numbered(back)) == (True, [])


async def test_a_cursor_that_is_none_of_ours_gets_the_snapshot_and_is_told_so(api: Api) -> None:
    host = await api.creator("ada")
    space, other = await api.space(host), await api.space(host)
    async with entered(api, other) as (_, elsewhere), entered(api, space) as (_, welcome):
        await retitle(api, space, host, "a")
        future, past = welcome["seq"] + 2, welcome["seq"] - KEPT_MAX - 2
        for cursor in (elsewhere["seq"], future, past, 0, 2**53 - 1):
            async with entered(api, space, cursor=cursor) as (back, reply):
                assert (reply["resumed"], reply["space"]["title"]) == (False, "a")
                assert await numbered(back) == []
    async with entered(api, space) as (channel, _):
        for nonsense in (-1, 2**53, "41", 1.5):
            await channel.refused("hello", v=1, cursor=nonsense)


async def test_more_than_the_ring_keeps_gets_the_snapshot(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with entered(api, space, host) as (ada, welcome):
        for number in range(KEPT_MAX // 2 + 1):
            await ada.ok("mute", muted=number % 2 == 0)
    async with entered(api, space, host, cursor=welcome["seq"]) as (ada, _):  # one socket may not say as much at once
        for number in range(KEPT_MAX // 2 + 1, KEPT_MAX + 1):
            await ada.ok("mute", muted=number % 2 == 0)
    for cursor, resumed in ((welcome["seq"], False), (welcome["seq"] + 1, True)):
        async with entered(api, space, cursor=cursor) as (back, reply):
            assert reply["resumed"] is resumed
            assert len(await numbered(back)) == (KEPT_MAX if resumed else 0)


async def test_a_cursor_of_before_the_server_was_started_again_gets_the_snapshot(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path / 'again.db'}"
    async with served(tmp_path, database_url=database) as first:
        host = await first.creator("ada")
        space = await first.space(host)
        async with entered(first, space) as (_, welcome):
            pass
        await retitle(first, space, host, "before")
    async with (
        served(tmp_path, database_url=database) as second,
        entered(second, space, cursor=welcome["seq"]) as (back, reply),
    ):
        assert (reply["resumed"], reply["space"]["title"]) == (False, "before")
        assert reply["seq"] > welcome["seq"] + 1
        assert await numbered(back) == []


async def test_who_was_lowered_meanwhile_is_not_told_what_is_for_hosts(api: Api) -> None:
    host, bob, eve = await api.creator("ada"), person("bob"), person("eve")
    space = await api.space(host)
    await api.to_stage(space, host, bob)
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@bob", "role": "cohost"})
    async with entered(api, space, eve) as (hand, _):
        async with entered(api, space, bob) as (_, welcome):
            assert welcome["hands"] == []
        await hand.ok("hand.raise")  # he might have seen that
        await api.ok("DELETE", f"/v1/spaces/{space}/speakers/@bob", by=host)
        await hand.ok("hand.lower")  # and not that
        async with entered(api, space, bob, cursor=welcome["seq"]) as (back, reply):
            assert (reply["resumed"], "hands" in reply) == (True, False)
            missed = await numbered(back)
            assert {event["type"] for event in missed} == {"role", "stage"}
            assert missed[0]["role"] == "listener"


async def test_who_was_raised_meanwhile_is_not_told_what_was_for_hosts_before(api: Api) -> None:
    host, bob, eve = await api.creator("ada"), person("bob"), person("eve")
    space = await api.space(host)
    await api.ok("GET", "/v1/me", by=bob)
    async with entered(api, space, eve) as (hand, _):
        async with entered(api, space, bob) as (_, welcome):
            pass
        await hand.ok("hand.raise")
        await hand.ok("hand.lower")
        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@bob", "role": "cohost"})
        async with entered(api, space, bob, cursor=welcome["seq"]) as (back, reply):
            assert (reply["resumed"], reply["hands"]) == (True, [])
            hands = [event["hands"] for event in await numbered(back) if event["type"] == "hands"]
            assert hands == [[]], "as they are now, not as they were"


async def test_a_cursor_opens_no_door(api: Api) -> None:
    host, bob = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with entered(api, space, bob) as (_, welcome):
        pass
    await api.ok("POST", f"/v1/spaces/{space}/blocks", by=host, json={"account": "@bob"})
    await retitle(api, space, host, "secret")
    async with api.http.ws_connect(f"{api.url}/v1/spaces/{space}/socket") as connected:
        channel = Channel(connected)
        fields = {"token": bob.token, "cursor": welcome["seq"]}
        assert await channel.refused("hello", v=1, **fields) == (403, "blocked")
        assert await channel.until_closed() == 4403
        assert channel.events == []
