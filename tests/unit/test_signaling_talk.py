"""Around the talk, through real sockets: who is told what of reactions, chat, links and captions, and what bad input gets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from access.database import make_engine
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import Channel, entered
from tests.harness.database import fresh_database_url
from tests.harness.eventually import until_so
from tests.harness.node import served

pytestmark = pytest.mark.thorough

People = tuple[Person, Person, Person]


@pytest.fixture
async def people(api: Api) -> People:
    """A host, and two whose accounts are there already."""
    host, bob, cleo = await api.creator("ada"), person("bob"), person("cleo")
    for one in (bob, cleo):
        await api.ok("GET", "/v1/me", by=one)
    return host, bob, cleo


async def code(api: Api, method: str, path: str, by: Person | None, json: Any = None) -> tuple[int, str]:
    reply = await api.request(method, path, by=by, json=json)
    return reply.status, reply.code


async def write(channel: Channel, line: str) -> str:
    """The line's id."""
    await channel.ok("chat.write", text=line)
    while (told := (await channel.event("chat"))["line"])["text"] != line:
        pass  # somebody else's
    return str(told["id"])


async def said(api: Api, space: str, by: Person | None) -> list[str]:
    """The chat as somebody who comes in is shown it."""
    async with entered(api, space, by, client="reader") as (_, welcome):
        return [line["text"] for line in welcome["chat"]]


# --- reactions


@pytest.mark.sqlite
async def test_reactions_are_told_as_counts_to_everybody(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with (
        entered(api, space, bob) as (one, _),
        entered(api, space, cleo) as (two, _),
        entered(api, space) as (ear, _),
    ):
        begun = asyncio.get_running_loop().time()
        for _ in range(6):
            await one.ok("react", reaction="heart")
            await two.ok("react", reaction="heart")
        await two.ok("react", reaction="clap")
        hearts = claps = told = 0
        while (hearts, claps) != (12, 1):
            event = await ear.event("reactions")
            assert event.keys() == {"type", "counts"}
            assert sum(event["counts"].values()) > 0
            hearts, claps = hearts + event["counts"].get("heart", 0), claps + event["counts"].get("clap", 0)
            told += 1
            assert hearts <= 12
            assert claps <= 1
        seconds = asyncio.get_running_loop().time() - begun
        assert told <= 1 + 5 * seconds, "five times a second, however many tap"
        assert await ear.refused("react", reaction="heart") == (401, "not_signed_in")
        assert await one.refused("react", reaction="skull") == (422, "bad_field")


@pytest.mark.sqlite
async def test_who_taps_faster_than_a_thumb_is_told_to_wait(api: Api, people: People) -> None:
    host, bob, _ = people
    space = await api.space(host)
    async with entered(api, space, bob) as (channel, _):
        replies = [await channel.request("react", reaction="fire") for _ in range(60)]
        refused = [reply["problem"] for reply in replies if reply["type"] == "error"]
        assert {(problem["status"], problem["code"]) for problem in refused} == {(429, "too_many_reactions")}
        assert refused[0]["retry_after"] == 1
        assert len(refused) < 51, "a burst passes"


@pytest.mark.sqlite
async def test_ten_thousand_reactions_at_once_end_their_own_socket_and_nothing_else(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    tap = json.dumps({"id": 7, "type": "react", "reaction": "wow"})
    async with entered(api, space, cleo) as (other, _), entered(api, space, bob) as (flood, _):
        with contextlib.suppress(ConnectionError):
            for _ in range(10_000):
                await flood.socket.send_str(tap)
        assert await flood.until_closed() == 4429
        counts = [event["counts"]["wow"] for event in flood.events if event["type"] == "reactions"]
        await write(other, "still here")
        async with entered(api, space, bob) as (again, _):
            await again.ok("chat.write", text="and so is bob")
        assert sum(counts) <= 60, "what passed the pace of one person"


# --- the chat


async def test_a_line_is_told_to_everybody_and_kept_for_those_who_come_later(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with entered(api, space, bob) as (one, welcome), entered(api, space) as (ear, _):
        assert welcome["chat"] == []
        assert welcome["space"]["chat"] == "everyone"
        await one.ok("chat.write", text="  Hello\tthere,\n everybody ")
        told = await ear.event("chat")
        line = told["line"]["id"]
        assert told["seq"] > welcome["seq"]
        assert (told["line"]["id"], told["line"]["text"]) == (line, "Hello there, everybody")
        assert (told["line"]["account"]["handle"], told["line"]["account"]["sub"]) == ("bob", None)
        assert await ear.refused("chat.write", text="hi") == (401, "not_signed_in")
        async with entered(api, space, cleo, cursor=welcome["seq"]) as (late, welcome):
            assert [(line["text"], line["account"]["handle"]) for line in welcome["chat"]] == [
                ("Hello there, everybody", "bob")
            ]
            assert (await late.event("chat"))["line"]["id"] == line
    shown = await api.ok("GET", f"/v1/spaces/{space}/chat")
    assert [line["text"] for line in shown["lines"]] == ["Hello there, everybody"]
    assert shown["before"] is None


async def test_a_deleted_line_is_gone_for_everybody_and_from_what_a_cursor_brings_back(
    api: Api, people: People
) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with (
        entered(api, space, host) as (ada, _),
        entered(api, space, bob) as (one, welcome),
        entered(api, space, cleo) as (two, _),
    ):
        mine, hers = await write(one, "I regret this"), await write(two, "so do I")
        assert await two.refused("chat.delete", line=mine) == (403, "not_permitted")
        assert await two.refused("chat.delete", line="99") == (403, "not_permitted")
        assert await ada.refused("chat.delete", line="99") == (404, "unknown_line")
        await one.ok("chat.delete", line=mine)
        assert (await two.event("chat.deleted"))["line"] == mine
        await ada.ok("chat.delete", line=hers)
        assert (await one.event("chat.deleted", line=hers))["seq"] > 0
        assert await ada.refused("chat.delete", line=hers) == (404, "unknown_line")
        async with entered(api, space, cursor=welcome["seq"]) as (late, now):
            assert now["chat"] == []
            told = [await late.event("chat.deleted") for _ in range(4)]
            assert [(event["line"], event["seq"]) for event in told] == [
                (line, welcome["seq"] + place) for place, line in enumerate((mine, hers, mine, hers), 1)
            ]
            assert not [event for event in late.events if event["type"] == "chat"]
    assert (await api.ok("GET", f"/v1/spaces/{space}/chat"))["lines"] == []
    trail = (await api.ok("GET", "/v1/me/export", by=cleo))["tables"]["audit_log"]
    [noted] = [row["body"] for row in trail if row["action"] == "chat.deleted"]
    assert "so do I" not in json.dumps(noted)


async def test_a_host_deletes_everything_that_somebody_wrote(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with entered(api, space, bob) as (one, _), entered(api, space, cleo) as (two, _):
        for line in ("buy", "buy now"):
            await write(one, line)
        await write(two, "no")
        me = (await api.ok("GET", "/v1/me", by=bob))["account"]["id"]
        assert await two.refused("chat.clear", account=me) == (403, "not_permitted")
        await api.ok("DELETE", f"/v1/spaces/{space}/chat/of/@bob", by=host)
        assert (await two.event("chat.cleared"))["account"] == me
        assert await said(api, space, cleo) == ["no"]
        [line] = (await api.ok("GET", f"/v1/spaces/{space}/chat", by=cleo))["lines"]
        await api.ok("DELETE", f"/v1/spaces/{space}/chat/{line['id']}", by=cleo)
        assert await code(api, "DELETE", f"/v1/spaces/{space}/chat/{line['id']}", host) == (404, "unknown_line")


async def test_a_host_switches_the_chat_off_and_slows_it_down(api: Api, people: People) -> None:
    host, bob, _ = people
    space = await api.space(host)
    address = f"/v1/spaces/{space}"
    assert await code(api, "PATCH", address, bob, {"chat": "off"}) == (403, "not_permitted")
    async with entered(api, space, bob) as (one, _), entered(api, space, host) as (ada, _):
        await write(one, "before")
        await api.ok("PATCH", address, by=host, json={"chat_seconds": 600})
        assert (await one.event("space"))["space"]["chat_seconds"] == 600
        reply = await one.request("chat.write", text="too soon")
        assert (reply["problem"]["status"], reply["problem"]["code"]) == (429, "chat_slow_mode")
        assert 590 < reply["problem"]["retry_after"] <= 600
        for _ in range(3):
            await write(ada, "the stage is not slowed down")
        await api.ok("PATCH", address, by=host, json={"chat": "off"})
        assert (await one.event("space"))["space"]["chat"] == "off"
        assert await ada.refused("chat.write", text="nobody") == (403, "chat_off")
        assert await said(api, space, bob) == []
        assert await code(api, "GET", f"{address}/chat", bob) == (403, "not_permitted")
        assert len((await api.ok("GET", f"{address}/chat", by=host))["lines"]) == 4


async def test_where_only_subscribers_write_others_are_told_what_would_let_them(api: Api, people: People) -> None:
    host, bob, cleo = people
    space, tier = await api.space(host), await api.tier(host)
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"chat": "subscribers"})
    await api.subscribe(cleo, host, tier)
    async with entered(api, space, bob) as (one, _), entered(api, space, cleo) as (two, _):
        reply = await one.request("chat.write", text="let me")
        assert (reply["problem"]["status"], reply["problem"]["offers"][0]["tier"]) == (402, tier)
        await write(two, "I pay")
        await api.to_stage(space, host, bob)
        await one.event("role")
        await write(one, "who is on stage may")


async def test_who_writes_too_fast_is_told_to_wait(api: Api, people: People) -> None:
    host, bob, _ = people
    space = await api.space(host)
    async with entered(api, space, bob) as (one, _):
        replies = [await one.request("chat.write", text=f"line {n}") for n in range(40)]
        assert replies[0]["type"] == "ok"
        assert {reply["problem"]["code"] for reply in replies if reply["type"] == "error"} == {"too_many_lines"}


async def test_who_was_put_out_writes_no_more(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with entered(api, space, bob) as (one, _), entered(api, space, cleo) as (two, _):
        await write(one, "noise")
        await api.ok("POST", f"/v1/spaces/{space}/blocks", by=host, json={"account": "@bob"})
        assert (await one.event("evicted"))["problem"]["code"] == "blocked"
        with contextlib.suppress(ConnectionError):
            await one.socket.send_str(json.dumps({"id": 99, "type": "chat.write", "text": "more noise"}))
        assert await one.until_closed() == 4403
        assert [event for event in one.events if event.get("re") == 99] == []
        assert await said(api, space, cleo) == ["noise"]
        await api.ok("DELETE", f"/v1/spaces/{space}/chat/{(await two.event('chat'))['line']['id']}", by=bob)
        assert await said(api, space, cleo) == []


BAD_LINES = {
    "a control character": "ring\x07",
    "NUL": "a\0b",
    "an override": "photo_\u202egpj.exe",
    "an isolate": "\u2067nothing",
    "an invisible tag": "hi\U000e0041",
    "a tower of marks": "o" + "\u0301\u0302" * 30,
    "nothing": " \n\t ",
    "nothing to see": "\u200d\u2060",
    "no character": "\ufdd0",
    "a long line": "x" * 501,
    "a very long line": "y" * 60_000,
}


async def test_what_is_no_line_for_others_is_refused_with_its_reason(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with entered(api, space, cleo) as (two, _), entered(api, space, bob) as (one, _):
        for name, line in BAD_LINES.items():
            problem = (await one.request("chat.write", text=line))["problem"]
            assert (problem["status"], problem["field"]) == (422, "text"), name
        for line in ("שלום, world", "👩‍👩‍👧 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "ทดสอบ"):
            await one.ok("chat.write", text=line)
            assert (await two.event("chat"))["line"]["text"] == line
        await one.socket.send_str('{"id": 5, "type": "chat.write", "text": "\\ud800"}')
        assert (await one.event("error"))["problem"]["status"] == 422
        await one.socket.send_str(json.dumps({"id": 6, "type": "chat.write", "text": "z" * 1_048_576}))
        assert await one.until_closed() == 1009
        assert len(await said(api, space, cleo)) == 3


async def test_more_than_the_last_lines_come_page_by_page(api: Api, node: Node, people: People) -> None:
    host, _, _ = people
    space = await api.space(host)
    me = int((await api.ok("GET", "/v1/me", by=host))["account"]["id"])
    engine = make_engine(node.config.sqlalchemy_url)
    async with engine.begin() as connection:
        insert = text(
            "INSERT INTO chat_lines (space, account, at, text) VALUES (:space, :account, '2026-03-01', :text)"
        )
        rows = [{"space": space, "account": me, "text": f"line {n}"} for n in range(230)]
        await connection.execute(insert, rows)
    await engine.dispose()
    found: list[str] = []
    before = ""
    while True:
        page = await api.ok("GET", f"/v1/spaces/{space}/chat{before}")
        found = [line["text"] for line in page["lines"]] + found
        if page["before"] is None:
            break
        before = f"?before={page['before']}"
    assert found == [f"line {n}" for n in range(230)]
    assert await code(api, "GET", f"/v1/spaces/{space}/chat?before=x", None) == (422, "bad_field")


# --- pinned links


async def test_hosts_pin_links_and_everybody_inside_sees_them_in_order(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@cleo", "role": "cohost"})
    one, two, three = (f"https://example.org/{n}" for n in range(3))
    async with (
        entered(api, space, host) as (ada, _),
        entered(api, space, cleo) as (cohost, _),
        entered(api, space, bob) as (ear, _),
    ):
        await ada.ok("pin.add", url=one, title="Notes")
        assert (await ear.event("pins"))["pins"] == [{"url": one, "title": "Notes"}]
        await cohost.ok("pin.add", url=two)
        await cohost.ok("pin.add", url=three, place=0)
        await ada.ok("pin.add", url=two, title="Slides", place=1)
        await ada.ok("pin.remove", url=one)
        assert await ada.refused("pin.remove", url=one) == (404, "not_pinned")
        assert await ear.refused("pin.add", url=one) == (403, "not_permitted")
        assert await said_pins(api, space, bob, [three, two])
        body = {"pins": [{"url": two, "title": "Slides"}, {"url": one}]}
        assert (await api.ok("PUT", f"/v1/spaces/{space}/pins", by=host, json=body))["pins"][1] == {
            "url": one, "title": "",
        }  # fmt: skip
        assert await said_pins(api, space, bob, [two, one])
    assert [pin["url"] for pin in (await api.ok("GET", f"/v1/spaces/{space}/pins"))["pins"]] == [two, one]
    trail = [row["action"] for row in (await api.ok("GET", "/v1/me/export", by=host))["tables"]["audit_log"]]
    assert {"link.pinned", "link.unpinned", "links.set"} <= set(trail)


async def said_pins(api: Api, space: str, by: Person, wanted: list[str]) -> bool:
    async with entered(api, space, by, client="reader") as (_, welcome):
        return [pin["url"] for pin in welcome["pins"]] == wanted


BAD_LINKS = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd", "//example.org", "example.org",
    "https://", "https:///path", "https://ada@example.org/", "https://example.org\\@evil.example/", "https://exa mple.org/",
    "https://example.org/\u202efdp", "https://example.org:99999/", "https://[::1/", "https://example.org/\n", "ftp://example.org/",
    "https://" + "x" * 2_000, "",
)  # fmt: skip


async def test_a_link_that_is_none_is_refused_with_its_reason(api: Api, people: People) -> None:
    host, bob, _ = people
    space = await api.space(host)
    async with entered(api, space, host) as (ada, _):
        for link in BAD_LINKS:
            problem = (await ada.request("pin.add", url=link))["problem"]
            assert (problem["status"], problem["field"]) == (422, "url"), link
        body = {"pins": [{"url": "https://example.org/"}, {"url": "javascript:1"}]}
        reply = await api.request("PUT", f"/v1/spaces/{space}/pins", by=host, json=body)
        assert (reply.status, reply.body["field"]) == (422, "pins[1].url")
        assert await code(api, "PUT", f"/v1/spaces/{space}/pins", host, {"pins": [body["pins"][0]] * 2}) == (
            422, "bad_field",
        )  # fmt: skip
        await ada.ok("pin.add", url="HTTPS://EXÄMPLE.org:8443/ä?q=ü#z")
        assert await said_pins(api, space, bob, ["https://xn--exmple-cua.org:8443/%C3%A4?q=%C3%BC#z"])
        many = {"pins": [{"url": f"https://example.org/{n}"} for n in range(11)]}
        assert await code(api, "PUT", f"/v1/spaces/{space}/pins", host, many) == (409, "too_many_pins")


# --- captions


async def test_captions_go_to_those_who_ask_and_are_kept_for_the_replay(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with (
        entered(api, space, host) as (ada, welcome),
        entered(api, space, bob) as (reader, _),
        entered(api, space, cleo) as (other, _),
    ):
        await reader.ok("captions", on=True)
        await ada.ok("caption", text="Good eve", final=False)
        await ada.ok("caption", text="Good evening.", final=True)
        me = welcome["you"]["account"]["id"]
        assert await reader.event("caption") == {
            "type": "caption", "account": me, "text": "Good eve", "final": False, "source": "speaker",
        }  # fmt: skip
        assert (await reader.event("caption"))["final"] is True
        await other.ok("captions", on=True)
        earlier = await other.event("caption")
        assert (earlier["text"], earlier["earlier"]) == ("Good evening.", True)
        await reader.ok("captions", on=False)
        await ada.ok("caption", text="And welcome.", final=True)
        await other.event("caption", text="And welcome.")
        assert await reader.refused("caption", text="I am not on stage", final=True) == (403, "not_permitted")
        assert [event for event in reader.events if event["type"] == "caption"] == []
        assert await ada.refused("caption", text="\u202e", final=True) == (422, "bad_field")
        await ada.ok("mute", muted=True)
        assert await ada.refused("caption", text="I am muted", final=True) == (409, "muted")
        await ada.ok("mute", muted=False)
        replies = [await ada.request("caption", text=f"word {n}", final=False) for n in range(60)]
        assert {reply["problem"]["code"] for reply in replies if reply["type"] == "error"} == {"too_many_captions"}
        await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"captions": "off"})
        assert await ada.refused("caption", text="off", final=True) == (403, "captions_off")
        assert await code(api, "PATCH", f"/v1/spaces/{space}", host, {"captions": "server"}) == (
            409, "no_caption_engine",
        )  # fmt: skip
    await api.ok("POST", f"/v1/spaces/{space}/end", by=host)

    async def stored() -> bool:
        return len((await api.ok("GET", f"/v1/spaces/{space}/captions", by=host))["captions"]) == 2

    await until_so(stored)
    kept = (await api.ok("GET", f"/v1/spaces/{space}/captions", by=host))["captions"]
    assert [(one["text"], one["account"]["handle"], one["source"]) for one in kept] == [
        ("Good evening.", "ada", "speaker"),
        ("And welcome.", "ada", "speaker"),
    ]
    assert kept[0]["began_at"] <= kept[0]["ended_at"] <= kept[1]["began_at"]


# --- what lasts


async def test_an_account_that_goes_takes_its_words_along(api: Api, people: People) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    await api.to_stage(space, host, bob)
    async with entered(api, space, cleo) as (two, welcome), entered(api, space, bob) as (one, _):
        await write(one, "remember me")
        await one.ok("caption", text="I was here.", final=True)
        await write(two, "we will")

        async def stored() -> bool:
            return bool((await api.ok("GET", f"/v1/spaces/{space}/captions", by=host))["captions"])

        await until_so(stored)
        tables = (await api.ok("GET", "/v1/me/export", by=bob))["tables"]
        assert [row["text"] for row in tables["chat_lines"] + tables["captions"]] == ["remember me", "I was here."]
        await api.ok("DELETE", f"/v1/spaces/{space}/speakers/@bob", by=host)
        await api.ok("POST", "/v1/me/deletion", by=bob, json={"confirm": "delete my account"})
        await two.event("chat.cleared")
        assert await said(api, space, cleo) == ["we will"]
        async with entered(api, space, cursor=welcome["seq"]) as (late, _):
            await late.event("chat.cleared")
            assert "remember me" not in json.dumps(late.events)
    assert (await api.ok("GET", f"/v1/spaces/{space}/captions", by=host))["captions"] == []


async def test_a_node_that_starts_again_has_chat_pins_and_policy(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path, migrated=True) as url:
        async with served(tmp_path, database_url=url) as api:
            host, bob = await api.creator("ada"), person("bob")
            space = await api.space(host)
            pins = [{"url": "https://example.org/", "title": "Notes"}]
            await api.ok("PUT", f"/v1/spaces/{space}/pins", by=host, json={"pins": pins})
            async with entered(api, space, bob) as (one, _):
                gone = await write(one, "gone")
                await write(one, "kept")
                await one.ok("chat.delete", line=gone)
            await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"chat_seconds": 30, "captions": "off"})
        async with served(tmp_path, database_url=url) as api, entered(api, space, bob) as (_, welcome):
            assert [(line["text"], line["account"]["handle"]) for line in welcome["chat"]] == [("kept", "bob")]
            assert welcome["pins"] == pins
            assert (welcome["space"]["chat_seconds"], welcome["space"]["captions"]) == (30, "off")
