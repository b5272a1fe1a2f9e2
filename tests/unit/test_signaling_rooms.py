"""Over HTTP and the socket: lock, remove, block, mute, invite, guest links, hand over, report; and who is told of it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from access.database import make_engine
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered, hello, socket
from tests.harness.database import without_table
from tests.harness.eventually import until
from tests.harness.node import served

pytestmark = pytest.mark.thorough


async def code(api: Api, method: str, path: str, by: Person, json: Any = None) -> tuple[int, str]:
    reply = await api.request(method, path, by=by, json=json)
    return reply.status, reply.code


async def problem(api: Api, space: str, by: Person) -> str | None:
    """What coming in would be refused with."""
    you = (await api.ok("GET", f"/v1/spaces/{space}", by=by))["you"]
    return you["problem"]["code"] if you["problem"] else None


async def actions(api: Api, by: Person) -> list[str]:
    """What the audit log says of this person."""
    return [row["action"] for row in (await api.ok("GET", "/v1/me/export", by=by))["tables"]["audit_log"]]


async def rows(node: Node, query: str) -> list[Any]:
    engine = make_engine(node.config.sqlalchemy_url)
    try:
        async with engine.connect() as connection:
            return list((await connection.execute(text(query))).all())
    finally:
        await engine.dispose()


@pytest.fixture
async def people(api: Api) -> tuple[Person, Person, Person]:
    """A host, and two whose accounts are there already."""
    host, bob, cleo = await api.creator("ada"), person("bob"), person("cleo")
    for one in (bob, cleo):
        await api.ok("GET", "/v1/me", by=one)
    return host, bob, cleo


async def test_a_locked_space_lets_nobody_new_in(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with entered(api, space, bob) as (channel, _):
        assert await code(api, "POST", f"/v1/spaces/{space}/lock", bob) == (403, "not_permitted")
        assert (await api.ok("POST", f"/v1/spaces/{space}/lock", by=host))["locked"] is True
        assert (await channel.event("space"))["space"]["locked"] is True
        assert (await problem(api, space, bob), await problem(api, space, cleo)) == (None, "locked")
        async with socket(api, space) as late:
            assert await late.refused("hello", v=1, token=cleo.token) == (403, "locked")
            assert await late.until_closed() == 4403
    async with entered(api, space, bob), entered(api, space, host) as (ada, _):
        await ada.ok("space.lock", locked=False)
    async with entered(api, space, cleo):
        assert "space.lock" in await actions(api, host)


async def test_who_is_removed_is_told_why_and_may_come_back(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, _ = people
    space = await api.space(host)
    async with entered(api, space, host) as (ada, _), entered(api, space, bob) as (channel, welcome):
        await ada.ok("account.remove", account=welcome["you"]["account"]["id"])
        assert (await channel.event("evicted"))["problem"]["code"] == "removed"
        assert await channel.until_closed() == 4403
    async with entered(api, space, bob) as (channel, _):
        await api.ok("POST", f"/v1/spaces/{space}/removals", by=host, json={"account": "@bob"})
        assert (await channel.event("evicted"))["problem"]["code"] == "removed"
    assert (await actions(api, bob)).count("space.removed") == 2


async def test_who_is_blocked_stays_out_of_this_and_of_later_spaces(
    api: Api, people: tuple[Person, Person, Person]
) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    blocks = f"/v1/spaces/{space}/blocks"
    async with entered(api, space, host) as (ada, _), entered(api, space, bob) as (channel, welcome):
        await ada.ok("account.block", account=welcome["you"]["account"]["id"], reason="noise")
        assert (await channel.event("evicted"))["problem"]["code"] == "blocked"
        assert await channel.until_closed() == 4403
        assert await ada.refused("account.block", account="999") == (404, "unknown_account")
    later = await api.space(host)
    assert await problem(api, space, bob) == await problem(api, later, bob) == "blocked"
    async with socket(api, later) as again:
        assert await again.refused("hello", v=1, token=bob.token) == (403, "blocked")
    await api.ok("POST", blocks, by=host, json={"account": "@bob"})
    [block] = (await api.ok("GET", blocks, by=host))["blocks"]
    assert (block["account"]["handle"], block["by"]["handle"], block["reason"]) == ("bob", "ada", "noise")
    assert await code(api, "GET", blocks, cleo) == (403, "not_permitted")
    assert await code(api, "POST", f"/v1/spaces/{space}/stage-invitations", host, {"account": "@bob"}) == (
        409, "may_not_speak",
    )  # fmt: skip
    await api.ok("DELETE", f"{blocks}/@bob", by=host)
    assert await problem(api, later, bob) is None
    async with entered(api, space, bob):
        assert {"ban.set", "ban.ended"} <= set(await actions(api, bob))


async def test_a_host_who_is_blocked_elsewhere_hosts_no_more(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, _ = people
    first, second = await api.space(host), await api.space(host)
    cohost = {"account": "@bob", "role": "cohost"}
    await api.ok("POST", f"/v1/spaces/{first}/speakers", by=host, json=cohost)
    await api.ok("POST", f"/v1/spaces/{second}/blocks", by=host, json={"account": "@bob"})
    for method, path in (("POST", "lock"), ("POST", "mutes"), ("GET", "blocks"), ("POST", "guest-links")):
        assert await code(api, method, f"/v1/spaces/{first}/{path}", bob) == (403, "blocked")


async def test_somebody_is_invited_to_the_stage(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, cleo = people
    space = await api.space(host, access={"policy": "subscribers", "tier": await api.tier(host)})
    invitations = f"/v1/spaces/{space}/stage-invitations"
    assert await problem(api, space, bob) == "no_subscription"
    made = await api.ok("POST", invitations, by=host, json={"account": "@bob"})
    assert (made["account"]["handle"], made["role"], made["by"]["handle"]) == ("bob", "speaker", "ada")
    mine = (await api.ok("GET", f"/v1/spaces/{space}", by=bob))["you"]
    assert (mine["invitation"]["role"], mine["admitted"]) == ("speaker", False)
    assert [i["account"]["handle"] for i in (await api.ok("GET", invitations, by=host))["invitations"]] == ["bob"]
    assert await code(api, "GET", invitations, cleo) == (403, "not_permitted")
    assert await code(api, "POST", f"/v1/spaces/{space}/stage-invitation/accept", cleo) == (404, "not_invited")
    async with entered(api, space, host) as (ada, welcome):
        assert [i["account"]["handle"] for i in welcome["invitations"]] == ["bob"]
        space_now = await api.ok("POST", f"/v1/spaces/{space}/stage-invitation/accept", by=bob)
        assert space_now["you"]["role"] == "speaker"
        assert (await ada.event("invitations"))["invitations"] == []
        async with entered(api, space, bob) as (channel, welcome):
            assert (welcome["you"]["role"], welcome["you"]["invitation"]) == ("speaker", None)
            assert await channel.refused("invitation.accept") == (409, "on_stage")
    await api.ok("POST", invitations, by=host, json={"account": "@cleo", "role": "cohost"})
    await api.ok("POST", f"/v1/spaces/{space}/stage-invitation/decline", by=cleo)
    await api.ok("POST", invitations, by=host, json={"account": "@cleo"})
    await api.ok("DELETE", f"{invitations}/@cleo", by=host)
    assert (await api.ok("GET", invitations, by=host))["invitations"] == []
    told = await actions(api, cleo)
    assert {"invitation.made", "invitation.declined", "invitation.taken_back"} <= set(told)


async def test_the_invited_is_asked_on_his_socket(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, _ = people
    space = await api.space(host)
    async with entered(api, space, host) as (ada, _), entered(api, space, bob) as (channel, welcome):
        me = welcome["you"]["account"]["id"]
        await ada.ok("stage.invite", account=me)
        assert (await channel.event("invitation"))["invitation"]["role"] == "speaker"
        await ada.ok("stage.uninvite", account=me)
        assert (await channel.event("invitation"))["invitation"] is None
        await ada.ok("stage.invite", account=me, role="cohost")
        await channel.ok("invitation.accept")
        assert (await channel.event("role"))["role"] == "cohost"
        assert (await channel.event("invitations"))["invitations"] == [], "a co-host sees who is invited"


async def test_a_guest_link_brings_one_person_to_the_stage_once(
    api: Api, node: Node, people: tuple[Person, Person, Person]
) -> None:
    host, bob, cleo = people
    space = await api.space(host, access={"policy": "subscribers", "tier": await api.tier(host)})
    links, use = f"/v1/spaces/{space}/guest-links", f"/v1/spaces/{space}/guest-links/use"
    made = await api.ok("POST", links, by=host, json={"hours": 2})
    assert made["url"].endswith(f"/s/{space}#guest={made['token']}")
    [stored] = await rows(node, "SELECT token_sha256 FROM guest_links")
    assert bytes(stored[0]) == hashlib.sha256(made["token"].encode()).digest()
    assert (await api.ok("POST", use, by=bob, json={"token": made["token"]}))["you"]["role"] == "speaker"
    assert await code(api, "POST", use, cleo, {"token": made["token"]}) == (410, "link_used")
    assert await code(api, "POST", use, bob, {"token": made["token"]}) == (409, "on_stage")
    assert await code(api, "POST", use, cleo, {"token": "guessed"}) == (404, "unknown_link")
    other = await api.space(host)
    second = await api.ok("POST", links, by=host)
    assert await code(api, "POST", f"/v1/spaces/{other}/guest-links/use", cleo, {"token": second["token"]}) == (
        404, "unknown_link",
    )  # fmt: skip
    await api.ok("DELETE", f"{links}/{second['id']}", by=host)
    assert await code(api, "POST", use, cleo, {"token": second["token"]}) == (410, "link_revoked")
    assert await code(api, "DELETE", f"{links}/{made['id']}", host) == (410, "link_used")
    listed = (await api.ok("GET", links, by=host))["guest_links"]
    assert [(link["state"], link["used_by"] and link["used_by"]["handle"]) for link in listed] == [
        ("revoked", None),
        ("used", "bob"),
    ]
    assert "token" not in listed[0]
    assert await code(api, "POST", links, cleo) == (403, "not_permitted")
    assert await code(api, "POST", links, host, {"hours": 8_000}) == (422, "bad_field")
    assert "guest_link.used" in await actions(api, bob)


async def test_a_link_that_led_nowhere_is_still_good(tmp_path: Path) -> None:
    async with served(tmp_path, speakers_max=1) as api:
        host, bob, cleo = await api.creator("ada"), person("bob"), person("cleo")
        space = await api.space(host)
        await api.to_stage(space, host, cleo)
        link = await api.ok("POST", f"/v1/spaces/{space}/guest-links", by=host)
        use, token = f"/v1/spaces/{space}/guest-links/use", {"token": link["token"]}
        assert await code(api, "POST", use, bob, token) == (409, "stage_full")
        await api.ok("DELETE", f"/v1/spaces/{space}/speakers/@cleo", by=host)
        await api.ok("POST", use, by=bob, json=token)


async def test_an_expired_link_is_worth_nothing(api: Api, node: Node, people: tuple[Person, Person, Person]) -> None:
    host, bob, _ = people
    space = await api.space(host)
    link = await api.ok("POST", f"/v1/spaces/{space}/guest-links", by=host)
    engine = make_engine(node.config.sqlalchemy_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE guest_links SET expires_at = created_at"))
    await engine.dispose()
    use = f"/v1/spaces/{space}/guest-links/use"
    assert await code(api, "POST", use, bob, {"token": link["token"]}) == (410, "link_expired")
    assert (await api.ok("GET", f"/v1/spaces/{space}/guest-links", by=host))["guest_links"][0]["state"] == "expired"


async def test_the_host_hands_over(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, _ = people
    space = await api.space(host)
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@bob", "role": "cohost"})
    async with entered(api, space, bob) as (channel, _):
        now = await api.ok("POST", f"/v1/spaces/{space}/host", by=host, json={"account": "@bob"})
        assert [(m["account"]["handle"], m["role"]) for m in now["stage"]] == [("ada", "cohost"), ("bob", "host")]
        assert (await channel.event("role", role="host"))["seq"] > 0
        assert await code(api, "POST", f"/v1/spaces/{space}/end", host) == (403, "not_permitted")
        await channel.ok("space.end")


async def test_a_host_mutes_and_only_oneself_unmutes(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    for one in (bob, cleo):
        await api.to_stage(space, host, one)
    now = await api.ok("POST", f"/v1/spaces/{space}/mutes", by=host, json={"account": "@bob"})
    assert [m["muted"] for m in now["stage"]] == [False, True, False]
    now = await api.ok("POST", f"/v1/spaces/{space}/mutes", by=host)
    assert [m["muted"] for m in now["stage"]] == [False, True, True]
    async with entered(api, space, bob) as (channel, welcome):
        assert welcome["you"]["muted"] is True
        await channel.ok("mute", muted=False)
        assert await channel.refused("stage.mute") == (403, "not_permitted")
    assert "stage.muted" in await actions(api, bob)


async def test_a_mute_waits_for_no_database_and_is_stored_when_it_is_back(
    api: Api, node: Node, people: tuple[Person, Person, Person]
) -> None:
    host, bob, _ = people
    space = await api.space(host)
    await api.to_stage(space, host, bob)
    async with entered(api, space, host) as (ada, _), entered(api, space, bob) as (channel, welcome):
        async with without_table(node.config.sqlalchemy_url, "stage_members"):
            await ada.ok("speaker.mute", account=welcome["you"]["account"]["id"])
            assert (await channel.event("stage"))["stage"][1]["muted"] is True
        live = node.rooms.get(space)
        assert live is not None
        await until(lambda: live.stored == live.room.kept and not live.notes)
    assert [bool(row.muted) for row in await rows(node, "SELECT muted FROM stage_members ORDER BY position")] == [
        False,
        True,
    ]
    assert "stage.muted" in await actions(api, bob)


async def test_who_may_ask_to_speak_is_the_hosts_to_say(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    await api.subscribe(cleo, host, await api.tier(host))
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"asking": "subscribers", "asking_seconds": 600})
    async with entered(api, space, bob) as (his, _), entered(api, space, cleo) as (hers, _):
        assert (await his.refused("hand.raise"))[1] == "no_subscription"
        await hers.ok("hand.raise")
        await hers.ok("hand.lower")
        assert await hers.refused("hand.raise") == (429, "slow_mode")
        await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"asking": "nobody"})
        assert (await his.event("space"))["space"]["asking"] == "nobody"
        assert await his.refused("hand.raise") == (403, "asking_closed")


async def test_a_listener_is_told_nothing_that_is_for_hosts(api: Api, people: tuple[Person, Person, Person]) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    async with entered(api, space, bob) as (channel, welcome), entered(api, space, cleo) as (hers, _):
        assert "hands" not in welcome
        assert "invitations" not in welcome
        await hers.ok("hand.raise")
        await api.ok("POST", f"/v1/spaces/{space}/stage-invitations", by=host, json={"account": "@cleo"})
        await api.ok("POST", f"/v1/spaces/{space}/blocks", by=host, json={"account": "@cleo"})
        assert (await hers.event("evicted"))["problem"]["code"] == "blocked"
        await api.ok("POST", f"/v1/spaces/{space}/lock", by=host)
        await channel.ok("leave")  # whatever was told before this reply has been read
        assert [e["space"]["locked"] for e in channel.events if e["type"] == "space"] == [True]
        assert not [e for e in channel.events if e["type"] in ("hands", "hand", "invitations", "invitation", "evicted")]
        for path in ("blocks", "stage-invitations", "guest-links"):
            assert await code(api, "GET", f"/v1/spaces/{space}/{path}", bob) == (403, "not_permitted")
    async with socket(api, space) as channel:
        again = await hello_from(channel, bob, welcome["seq"])
        assert not {e["type"] for e in again} & {"hands", "invitations"}


async def hello_from(channel: Any, by: Person, cursor: int) -> list[dict[str, Any]]:
    """What was missed since, as it is told after hello."""
    await hello(channel, by, cursor=cursor)
    await channel.ok("leave")
    return list(channel.events)


@pytest.mark.sqlite
@pytest.mark.thorough
async def test_a_space_without_a_host_says_so_and_ends(tmp_path: Path) -> None:
    async with served(tmp_path, host_absence_minutes_max=0.07) as api:
        host = await api.creator("ada")
        space = await api.space(host)
        async with entered(api, space) as (listener, _):
            async with entered(api, space, host):
                pass
            closing = await listener.event("closing")
            assert closing["at"] is not None
            assert (await api.ok("GET", f"/v1/spaces/{space}"))["closing_at"] == closing["at"]
            await listener.event("ended")
            assert await listener.until_closed() == 4410
        assert (await api.ok("GET", f"/v1/spaces/{space}"))["state"] == "ended"


async def test_reports_are_the_operators_queue(api: Api, node: Node, people: tuple[Person, Person, Person]) -> None:
    host, bob, cleo = people
    space = await api.space(host)
    reports = f"/v1/spaces/{space}/reports"
    first = await api.ok("POST", reports, by=bob, json={"reason": "spam"})
    assert (await api.ok("POST", reports, by=bob, json={"reason": "spam", "detail": "again"}))["id"] == first["id"]
    async with entered(api, space, bob) as (channel, _):
        await channel.ok("report", account="1", reason="abuse", detail="He shouts.")
        assert await channel.refused("report", reason="boredom") == (422, "bad_field")
    assert await code(api, "POST", reports, bob, {"account": "@bob", "reason": "other"}) == (409, "own_account")
    assert await code(api, "GET", "/v1/reports", bob) == (403, "not_operator")
    await node.access.people.appoint("@cleo")
    queue = (await api.ok("GET", "/v1/reports", by=cleo))["reports"]
    assert [(r["by"]["handle"], r["reason"], r["account"] and r["account"]["handle"]) for r in queue] == [
        ("bob", "spam", None),
        ("bob", "abuse", "ada"),
    ]
    close = f"/v1/reports/{first['id']}/close"
    assert await code(api, "POST", close, bob, {"outcome": "acted"}) == (403, "not_operator")
    assert (await api.ok("POST", close, by=cleo, json={"outcome": "acted"}))["outcome"] == "acted"
    assert await code(api, "POST", close, cleo, {"outcome": "acted"}) == (409, "closed")
    assert len((await api.ok("GET", "/v1/reports", by=cleo))["reports"]) == 1
    assert len((await api.ok("GET", "/v1/reports?state=closed", by=cleo))["reports"]) == 1
    assert await code(api, "GET", "/v1/reports?state=all", cleo) == (422, "bad_field")
