"""What one does from one's own place in a Space, over HTTP: ask to speak, mute oneself, react, write, caption. Others hear of
it on their sockets as if it had come over one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest

from spaces.node import Node
from spaces.pace import Pace
from spaces.signaling.messages import ClientMessage
from spaces.signaling.routes import API
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import Channel, entered
from tests.harness.client import RtcClient
from tests.harness.eventually import until_so
from tests.harness.node import running

pytestmark = [pytest.mark.thorough, pytest.mark.sqlite]

PATIENCE_SECONDS = 30.0
ADDRESSES = {
    "hand.raise": "PUT /hand", "hand.lower": "DELETE /hand",
    "hand.accept": "POST /hands/{account}/accept", "hand.decline": "POST /hands/{account}/decline",
    "speaker.remove": "DELETE /speakers/{account}", "speaker.mute": "POST /mutes", "stage.mute": "POST /mutes",
    "mute": "PUT /mute, DELETE /mute",
    "stage.invite": "POST /stage-invitations", "stage.uninvite": "DELETE /stage-invitations/{account}",
    "invitation.accept": "POST /stage-invitation/accept", "invitation.decline": "POST /stage-invitation/decline",
    "account.remove": "POST /removals", "account.block": "POST /blocks", "account.unblock": "DELETE /blocks/{account}",
    "space.lock": "POST /lock, DELETE /lock", "space.hand_over": "POST /host",
    "space.start": "POST /start", "space.end": "POST /end",
    "stinger.play": "POST /stingers/{stinger}/play", "stinger.stop": "POST /stingers/stop",
    "audience": "GET /audience", "report": "POST /reports",
    "react": "POST /reactions", "chat.write": "POST /chat", "chat.delete": "DELETE /chat/{line}",
    "chat.clear": "DELETE /chat/of/{account}", "pin.add": "POST /pins", "pin.remove": "DELETE /pins",
    "caption": "POST /captions",
    "listen": "POST /whep, POST /whip", "answer": "POST /whep, POST /whip",
}  # fmt: skip
"""Of all that a socket may be asked; `leave` is a DELETE of the session that WHIP or WHEP has given."""
ABOUT_THE_SOCKET = {"hello", "leave", "captions"}
"""What is asked of the connection itself: who it is of, its sound, and what it is to be told."""


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path, handshake_seconds_max=60.0, hello_seconds_max=60.0) as node:
        yield node


class Talk:
    """A live Space of ada's, in which a socket nobody signed in with is told everything; and somebody else with an account."""

    def __init__(self, api: Api, space: str, ear: Channel, ada: Person, bob: Person, number: str) -> None:
        self.api, self.space, self.ear = api, space, ear
        self.ada, self.bob = ada, bob
        self.number = number
        """Bob's."""

    async def ok(self, method: str, path: str, by: Person, json: Any = None) -> Any:
        return await self.api.ok(method, f"/v1/spaces/{self.space}{path}", by=by, json=json)

    async def refused(self, method: str, path: str, by: Person | None, json: Any = None) -> tuple[int, str]:
        reply = await self.api.request(method, f"/v1/spaces/{self.space}{path}", by=by, json=json)
        return reply.status, reply.code

    async def bad_field(self, method: str, path: str, by: Person, json: Any) -> str:
        reply = await self.api.request(method, f"/v1/spaces/{self.space}{path}", by=by, json=json)
        assert reply.status == 422, reply
        return str(reply.body["field"])


@pytest.fixture
async def talk(api: Api) -> AsyncIterator[Talk]:
    ada, bob = await api.creator("ada"), person("bob")
    number = (await api.ok("GET", "/v1/me", by=bob))["account"]["id"]
    space = await api.space(ada)
    async with entered(api, space) as (ear, _):
        ear.patience_seconds = PATIENCE_SECONDS
        yield Talk(api, space, ear, ada, bob, number)


def test_whatever_a_socket_may_be_asked_has_an_address() -> None:
    messages = {kind.__struct_config__.tag for kind in get_args(ClientMessage)}
    assert messages == ADDRESSES.keys() | ABOUT_THE_SOCKET
    served = {f"{route.method} {route.address.removeprefix('/v1/spaces/{space}')}" for route in API}
    assert {address for named in ADDRESSES.values() for address in named.split(", ")} <= served


async def test_one_asks_to_speak_and_is_answered(talk: Talk) -> None:
    ada, bob = talk.ada, talk.bob
    assert await talk.refused("PUT", "/hand", None) == (401, "not_signed_in")
    assert await talk.refused("PUT", "/hand", bob) == (409, "not_inside")
    assert await talk.ok("GET", "/hand", bob) == {"raised": False, "since": None}
    async with entered(talk.api, talk.space, bob) as (his, _), entered(talk.api, talk.space, ada) as (hers, _):
        his.patience_seconds = hers.patience_seconds = PATIENCE_SECONDS
        raised = await talk.ok("PUT", "/hand", bob)
        assert raised["raised"]
        assert await talk.ok("PUT", "/hand", bob) == await talk.ok("GET", "/hand", bob) == raised, "twice is once"
        await his.event("hand", raised=True)
        [asks] = (await hers.event("hands"))["hands"]
        assert asks == (await talk.ok("GET", "/hands", ada))["hands"][0]
        assert (asks["account"]["id"], asks["since"]) == (talk.number, raised["since"])
        for method, path in (("GET", "/hands"), ("POST", "/hands/@bob/accept"), ("POST", "/hands/@bob/decline")):
            assert await talk.refused(method, path, bob) == (403, "not_permitted")
        await talk.ok("POST", "/hands/@bob/decline", ada)
        await his.event("hand", raised=False)
        for answer in ("accept", "decline"):
            assert await talk.refused("POST", f"/hands/@bob/{answer}", ada) == (404, "no_hand")
            assert await talk.refused("POST", f"/hands/@nobody/{answer}", ada) == (404, "unknown_account")
        await talk.ok("PUT", "/hand", bob)
        for _ in range(2):
            await talk.ok("DELETE", "/hand", bob)
        assert (await talk.ok("GET", "/hands", ada))["hands"] == []
        await talk.ok("PUT", "/hand", bob)
        stage = (await talk.ok("POST", f"/hands/{talk.number}/accept", ada))["stage"]
        assert [(one["account"]["handle"], one["role"]) for one in stage] == [("ada", "host"), ("bob", "speaker")]
        await his.event("role", account=talk.number, role="speaker")
        assert await talk.refused("PUT", "/hand", bob) == (409, "on_stage")
        await talk.ok("DELETE", "/speakers/@bob", bob)
        await talk.ok("PATCH", "", ada, {"asking_seconds": 600})
        await talk.ok("PUT", "/hand", bob)
        await talk.ok("DELETE", "/hand", bob)
        slow = await talk.api.request("PUT", f"/v1/spaces/{talk.space}/hand", by=bob)
        assert (slow.status, slow.code, 0 < int(slow.headers["Retry-After"]) <= 600) == (429, "slow_mode", True)
        await talk.ok("PATCH", "", ada, {"asking_seconds": 0})
        await talk.ok("PUT", "/hand", bob)

    async def down() -> bool:
        return (await talk.ok("GET", "/hand", bob))["raised"] is False

    await until_so(down, PATIENCE_SECONDS)
    later = Talk(talk.api, await talk.api.space(ada, live=False), talk.ear, ada, bob, talk.number)
    async with entered(talk.api, later.space, bob):
        assert await later.refused("PUT", "/hand", bob) == (409, "not_live")
        assert await later.refused("DELETE", "/hand", bob) == (409, "not_live")


async def test_one_mutes_oneself_and_nobody_else_unmutes_one(talk: Talk) -> None:
    ada, bob = talk.ada, talk.bob
    assert await talk.refused("PUT", "/mute", bob) == (403, "not_permitted")
    await talk.api.to_stage(talk.space, ada, bob)

    def muted(space: Any) -> dict[str, bool]:
        return {one["account"]["handle"]: one["muted"] for one in space["stage"]}

    for _ in range(2):
        assert muted(await talk.ok("PUT", "/mute", bob)) == {"ada": False, "bob": True}
    while not muted(await talk.ear.event("stage")).get("bob"):
        pass
    assert muted(await talk.ok("DELETE", "/mute", ada)) == {"ada": False, "bob": True}
    assert muted(await talk.ok("DELETE", "/mute", bob)) == {"ada": False, "bob": False}
    await talk.ok("POST", "/mutes", ada, {"account": "@bob"})
    async with entered(talk.api, talk.space, bob) as (his, welcome):
        his.patience_seconds = PATIENCE_SECONDS
        assert welcome["you"]["muted"]
        assert muted(await talk.ok("DELETE", "/mute", bob)) == {"ada": False, "bob": False}
    await talk.ok("POST", "/end", ada)
    assert await talk.refused("PUT", "/mute", bob) == (410, "ended")


async def test_who_is_in_reacts_writes_and_captions_without_a_socket(talk: Talk, node: Node) -> None:
    ada, bob, ear = talk.ada, talk.bob, talk.ear
    said: dict[str, Any] = {
        "/reactions": {"reaction": "heart"}, "/chat": {"text": "hello"}, "/captions": {"text": "hello", "final": True},
    }  # fmt: skip
    for path, body in said.items():
        assert await talk.refused("POST", path, None, body) == (401, "not_signed_in")
        assert await talk.refused("POST", path, ada, body) == (409, "not_inside"), "the host has to be there too"
    assert await talk.refused("POST", "/captions", bob, said["/captions"]) == (403, "not_permitted")
    await ear.ok("captions", on=True)
    offer = RtcClient(talk.api).offer_text("recvonly")
    listening = await talk.api.offer(f"/v1/spaces/{talk.space}/whep", offer, by=bob)
    assert listening.status == 201

    await talk.ok("POST", "/reactions", bob, said["/reactions"])
    assert (await ear.event("reactions"))["counts"] == {"heart": 1}
    line = await talk.ok("POST", "/chat", bob, {"text": "  Hello,\n everybody "})
    assert (line["text"], line["account"]["handle"]) == ("Hello, everybody", "bob")
    assert (await ear.event("chat"))["line"] == line
    assert (await talk.ok("GET", "/chat", bob))["lines"] == [line]
    assert await talk.refused("POST", "/captions", bob, said["/captions"]) == (403, "not_permitted")
    await talk.api.to_stage(talk.space, ada, bob)
    await talk.ok("POST", "/captions", bob, {"text": "Good eve", "final": False})
    await talk.ok("POST", "/captions", bob, {"text": "Good evening."})
    told = [await ear.event("caption") for _ in range(2)]
    assert [(one["account"], one["text"], one["final"], one["source"]) for one in told] == [
        (talk.number, "Good eve", False, "speaker"),
        (talk.number, "Good evening.", True, "speaker"),
    ]
    await talk.ok("PUT", "/mute", bob)
    assert await talk.refused("POST", "/captions", bob, said["/captions"]) == (409, "muted")

    for path, field, body in (
        ("/reactions", "reaction", {"reaction": "skull"}),
        ("/reactions", "reaction", {}),
        ("/chat", "text", {"text": "x" * 501}),
        ("/chat", "text", {"text": "photo_\u202egpj.exe"}),
        ("/chat", "text", {"text": 7}),
        ("/captions", "text", {"text": "\x07"}),
        ("/captions", "final", {"text": "hello", "final": "yes"}),
    ):
        if path == "/captions":
            await talk.ok("DELETE", "/mute", bob)
        assert await talk.bad_field("POST", path, bob, body) == field, (path, body)
    too_large = {"text": "z" * 66_000}
    assert await talk.refused("POST", "/chat", bob, too_large) == (413, "too_large")

    live = node.rooms.get(talk.space)
    assert live is not None
    live.talk.reactions._pace = Pace(3_600.0, 2)
    for _ in range(2):
        await talk.ok("POST", "/reactions", bob, said["/reactions"])
    fast = await talk.api.request("POST", f"/v1/spaces/{talk.space}/reactions", by=bob, json=said["/reactions"])
    assert (fast.status, fast.code, int(fast.headers["Retry-After"]) > 3_000) == (429, "too_many_reactions", True)
    await talk.ok("DELETE", "/speakers/@bob", ada)
    await talk.ok("PATCH", "", ada, {"chat_seconds": 3_600})
    slow = await talk.api.request("POST", f"/v1/spaces/{talk.space}/chat", by=bob, json=said["/chat"])
    assert (slow.status, slow.code, int(slow.headers["Retry-After"]) > 3_000) == (429, "chat_slow_mode", True)
    await talk.ok("PATCH", "", ada, {"chat": "off"})
    assert await talk.refused("POST", "/chat", bob, said["/chat"]) == (403, "chat_off")

    await talk.ok("POST", "/removals", ada, {"account": "@bob"})
    for path in ("/reactions", "/chat"):
        assert await talk.refused("POST", path, bob, said[path]) == (409, "not_inside")
    await talk.ok("POST", "/end", ada)
    for path, body in said.items():
        assert await talk.refused("POST", path, ada, body) == (410, "ended")


async def test_two_hosts_pin_one_link_each(talk: Talk) -> None:
    ada, bob = talk.ada, talk.bob
    one, two, three = (f"https://example.org/{n}" for n in range(3))
    await talk.ok("POST", "/speakers", ada, {"account": "@bob", "role": "cohost"})
    await talk.ok("POST", "/pins", ada, {"url": one, "title": "Notes"})
    assert (await talk.ear.event("pins"))["pins"] == [{"url": one, "title": "Notes"}]
    await talk.ok("POST", "/pins", bob, {"url": two})
    await talk.ok("POST", "/pins", bob, {"url": three, "place": 0})
    shown = await talk.ok("POST", "/pins", ada, {"url": two, "title": "Slides", "place": 1})
    assert [(pin["url"], pin["title"]) for pin in shown["pins"]] == [(three, ""), (two, "Slides"), (one, "Notes")]
    async with aiohttp.ClientSession() as http:  # as a client escapes it in a query
        address = f"{talk.api.url}/v1/spaces/{talk.space}/pins"
        headers = {"Authorization": f"Bearer {ada.token}"}
        async with http.delete(address, params={"url": three}, headers=headers) as answer:
            assert answer.status == 204
    assert await talk.ok("GET", "/pins", bob) == {"pins": shown["pins"][1:]}
    assert await talk.refused("DELETE", f"/pins?url={three}", ada) == (404, "not_pinned")
    assert await talk.refused("DELETE", "/pins", ada) == (404, "not_pinned")
    for body, field in (({"url": "javascript:alert(1)"}, "url"), ({"url": one, "place": -1}, "place")):
        assert await talk.bad_field("POST", "/pins", ada, body) == field
    await talk.ok("DELETE", "/speakers/@bob", bob)
    assert await talk.refused("POST", "/pins", bob, {"url": three}) == (403, "not_permitted")
    assert await talk.refused("DELETE", f"/pins?url={one}", bob) == (403, "not_permitted")
    assert await talk.ok("GET", "/pins", bob) == {"pins": shown["pins"][1:]}
