"""The socket: hello and what refuses it, events and cursors, requests and their permissions, how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.harness.accounts import mint, person
from tests.harness.api import Api
from tests.harness.channel import entered, hello, socket
from tests.harness.node import served

pytestmark = pytest.mark.sqlite


async def test_hello_is_answered_with_the_whole_truth(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with entered(api, space, host) as (_, reply):
        assert reply["you"]["account"] == {"id": "1", "handle": "ada", "sub": "sub-ada", "name": "Ada"}
        assert (reply["you"]["role"], reply["you"]["seat"], reply["you"]["muted"]) == ("host", "1/default", False)
        assert (reply["space"]["id"], reply["space"]["state"]) == (space, "live")
        assert reply["hands"] == []
    async with entered(api, space) as (_, reply):
        assert reply["you"]["account"] is None
        assert reply["you"]["role"] == "listener"
        assert "hands" not in reply
        assert reply["space"]["stage"][0]["account"]["sub"] is None


async def test_what_refuses_a_hello_closes_the_socket_with_its_status(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    free, paid = await api.space(host), await api.space(host, access={"policy": "subscribers", "tier": tier})
    over = await api.space(host)
    await api.ok("POST", f"/v1/spaces/{over}/end", by=host)
    bob = person("bob").token
    cases = [
        (free, {"token": mint("ada", lives_seconds=-10)}, "token_expired", 4401),
        (paid, {}, "not_signed_in", 4401),
        (paid, {"token": bob}, "no_subscription", 4402),
        ("nowhere", {}, "unknown_space", 4404),
        (over, {"token": bob}, "ended", 4410),
        (free, {"token": bob, "client": "no spaces"}, "bad_field", 4422),
        (free, {"token": bob, "client": "phone\n"}, "bad_field", 4422),
    ]
    for space, fields, code, close_code in cases:
        async with socket(api, space) as channel:
            status, got = await channel.refused("hello", v=1, **fields)
            assert (status, got) == (close_code - 4000, code)
            assert await channel.until_closed() == close_code


async def test_a_402_brings_the_offer(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host, access={"policy": "subscribers", "tier": await api.tier(host)})
    async with socket(api, space) as channel:
        reply = await channel.request("hello", v=1, token=person("bob").token)
        assert [offer["amount_minor"] for offer in reply["problem"]["offers"]] == [499]


@pytest.mark.parametrize(
    ("text", "close_code"),
    [
        ("not json", 4422),
        ('{"id": 1, "type": "listen"}', 4422),
        ('{"id": 1, "type": "hello", "v": 2}', 4422),
        ('{"id": 1, "type": "unheard of"}', 4422),
        ('{"id": "one", "type": "hello", "v": 1}', 4422),
        ("[]", 4422),
        ('{"id": 1, "type": "hello", "v": 1, "more": ' + "[" * 30_000, 4422),
        ('{"id": ' + "[" * 30_000, 4422),
    ],
)
async def test_a_first_message_that_is_no_hello_is_refused(api: Api, text: str, close_code: int) -> None:
    async with socket(api, await api.space(await api.creator("ada"))) as channel:
        await channel.socket.send_str(text)
        refusal = await channel.read()
        assert refusal is not None
        assert (refusal["type"], refusal["problem"]["status"]) == ("error", 422)
        assert await channel.until_closed() == close_code


async def test_silence_binary_and_giants_close_it(tmp_path: Path) -> None:
    async with served(tmp_path, hello_seconds_max=0.2) as api:
        space = await api.space(await api.creator("ada"))
        async with socket(api, space) as channel:
            assert await channel.until_closed() == 4408
        async with entered(api, space) as (channel, _):
            await channel.socket.send_bytes(b"\x00")
            assert await channel.until_closed() == 1003
        async with entered(api, space) as (channel, _):
            await channel.socket.send_str('{"id": 2, "type": "' + "x" * 70_000 + '"}')
            assert await channel.until_closed() == 1009


async def test_nonsense_is_answered_and_the_socket_stays(api: Api) -> None:
    async with entered(api, await api.space(await api.creator("ada"))) as (channel, _):
        for text in ("{", "[]", '{"id": 7}', '{"id": 7, "type": "mute"}', '{"id": 7, "type": "nothing"}'):
            await channel.socket.send_str(text)
            reply = await channel.read()
            assert reply is not None
            assert (reply["type"], reply["problem"]["status"]) == ("error", 422)
            assert reply["re"] in (None, 7)
        assert await channel.refused("hello", v=1) == (409, "hello_twice")
        await channel.ok("leave")


async def test_origins_are_checked(tmp_path: Path) -> None:
    async with served(tmp_path, allowed_origins=("https://friend.example",)) as api:
        space = await api.space(await api.creator("ada"))
        for origin in (api.url, "https://friend.example", None):
            async with socket(api, space, headers={"Origin": origin} if origin else {}) as channel:
                await hello(channel)
        for origin in ("https://evil.example", "null", "http://[", ""):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with socket(api, space, headers={"Origin": origin}):
                    pass
            assert refused.value.status == 403


async def test_sockets_of_one_address_are_limited(tmp_path: Path) -> None:
    async with served(tmp_path, sockets_per_address_max=1) as api:
        space = await api.space(await api.creator("ada"))
        async with entered(api, space):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with socket(api, space):
                    pass
            assert refused.value.status == 429
            assert refused.value.headers is not None
            assert int(refused.value.headers["Retry-After"]) > 0
        for _ in range(50):
            async with api.http.get(f"{api.url}/metrics") as metrics:
                if "spaces_sockets 0.0" in await metrics.text():
                    break
            await asyncio.sleep(0.02)
        async with entered(api, space):
            pass


async def test_a_hand_stays_up_while_its_owner_s_socket_comes_back(api: Api) -> None:
    """Also where no media was connected yet: two sockets in a row may break before it is."""
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with entered(api, space, host) as (ada, _):
        async with entered(api, space, guest) as (bob, _):
            await bob.ok("hand.raise")
            assert len((await ada.event("hands"))["hands"]) == 1
            transport = bob.socket._response.connection.transport  # type: ignore[union-attr]
            assert transport is not None
            transport.abort()
        async with entered(api, space, guest) as (bob, welcome):
            assert welcome["you"]["hand"] is True
            await bob.socket.close()
            assert (await ada.event("hands"))["hands"] == []


async def test_a_hand_goes_up_and_its_owner_to_the_stage(api: Api) -> None:
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with entered(api, space, host) as (ada, _), entered(api, space, guest) as (bob, welcome):
        me = welcome["you"]["account"]["id"]
        await bob.ok("hand.raise")
        assert (await bob.event("hand"))["raised"] is True
        assert [hand["account"]["handle"] for hand in (await ada.event("hands"))["hands"]] == ["bob"]
        await ada.ok("hand.accept", account=me)
        assert await bob.event("role", account=me) | {"seq": 0} == {
            "seq": 0, "type": "role", "account": me, "role": "speaker",
        }  # fmt: skip
        stage = (await bob.event("stage"))["stage"]
        assert [(m["account"]["handle"], m["role"], m["connected"]) for m in stage] == [
            ("ada", "host", False),
            ("bob", "speaker", False),
        ]
        assert (await bob.event("hand"))["raised"] is False
        assert (await ada.event("hands"))["hands"] == []
        await ada.ok("speaker.mute", account=me)
        assert (await bob.event("stage"))["stage"][1]["muted"] is True
        await bob.ok("mute", muted=False)
        await bob.ok("speaker.remove", account=me)
        assert (await ada.event("role", role="listener"))["account"] == me
    assert (await api.ok("GET", f"/v1/spaces/{space}"))["stage"][0]["account"]["handle"] == "ada"


async def test_what_one_may_not_do_is_refused_and_says_why(api: Api) -> None:
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with entered(api, space, guest) as (bob, _), entered(api, space) as (anonymous, _):
        assert await bob.refused("hand.accept", account="1") == (403, "not_permitted")
        assert await bob.refused("mute", muted=True) == (403, "not_permitted")
        assert await bob.refused("space.end") == (403, "not_permitted")
        assert await bob.refused("speaker.mute", account="1") == (403, "not_permitted")
        assert await anonymous.refused("hand.raise") == (401, "not_signed_in")
        assert await anonymous.refused("space.end") == (401, "not_signed_in")
        assert await anonymous.refused("speaker.remove", account="1") == (401, "not_signed_in")
        assert await bob.refused("hand.accept", account="x") == (422, "bad_field")
        assert await bob.refused("answer", session="x", sdp="v=0") == (404, "unknown_session")


async def test_the_start_is_told_and_the_end_closes(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host, live=False)
    async with entered(api, space, host) as (ada, _), entered(api, space) as (listener, welcome):
        assert welcome["space"]["state"] == "scheduled"
        assert await listener.refused("listen") == (409, "not_live")
        await ada.ok("space.start")
        assert (await listener.event("space"))["space"]["state"] == "live"
        await ada.ok("space.end")
        assert (await listener.event("space"))["space"]["state"] == "ended"
        await listener.event("ended")
        assert await listener.until_closed() == 4410
        assert await ada.until_closed() == 4410


async def test_what_was_missed_follows_a_cursor(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    async with entered(api, space) as (_, welcome):
        cursor = welcome["seq"]
        for number in range(3):
            await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"title": f"Title {number}"})
        async with entered(api, space, cursor=cursor) as (late, reply):
            assert reply["seq"] == cursor + 3
            assert [(await late.event("space"))["seq"] for _ in range(3)] == [cursor + 1, cursor + 2, cursor + 3]
        for stale in (cursor - 100, cursor + 4, 0):
            async with entered(api, space, cursor=stale) as (late, reply):
                assert reply["space"]["title"] == "Title 2"
                await late.ok("leave")
                assert [event for event in late.events if "seq" in event] == []


async def test_hands_are_for_hosts_also_among_what_was_missed(api: Api) -> None:
    host, guest = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with entered(api, space, guest) as (bob, welcome):
        await bob.ok("hand.raise")
        await bob.ok("leave")
        assert not [event for event in bob.events if event["type"] == "hands"]
        async with entered(api, space, cursor=welcome["seq"]) as (listener, _):
            await listener.ok("leave")
            assert not [event for event in listener.events if event["type"] == "hands"]
        async with entered(api, space, host, cursor=welcome["seq"]) as (ada, reply):
            assert len(reply["hands"]) == 1
            await ada.event("hands")


async def test_the_listeners_are_counted_aloud(api: Api) -> None:
    space = await api.space(await api.creator("ada"))
    async with entered(api, space) as (first, _):
        await first.event("count", listeners=1)
        async with entered(api, space):
            await first.event("count", listeners=2)
        await first.event("count", listeners=1)


async def test_a_newer_socket_takes_the_seat_and_says_so_to_the_older(api: Api) -> None:
    space, fan = await api.space(await api.creator("ada")), person("bob")
    async with entered(api, space, fan) as (old, _), entered(api, space, fan) as (new, _):
        assert (await old.event("evicted"))["problem"]["code"] == "replaced"
        assert await old.until_closed() == 4409
        await new.ok("leave")
