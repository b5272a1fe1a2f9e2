"""Spaces planned, moved, cancelled, listed and found, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from access.database import make_engine
from spaces.db import store
from spaces.db.tables import spaces
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.eventually import until

pytestmark = pytest.mark.thorough

OPEN = {"policy": "open"}


async def planned(api: Api, host: Person, title: str, days: float | None = 1, **more: Any) -> str:
    start = {} if days is None else {"scheduled_start": (datetime.now(UTC) + timedelta(days=days)).isoformat()}
    body = {"title": title, "access": OPEN, **start, **more}
    return str((await api.ok("POST", "/v1/spaces", by=host, json=body))["id"])


async def titles(api: Api, query: str = "", by: Person | None = None) -> list[str]:
    return [space["title"] for space in (await api.ok("GET", f"/v1/spaces{query}", by=by))["spaces"]]


async def test_a_space_is_planned_by_the_clock_of_a_place_moved_and_cancelled(api: Api) -> None:
    host = await api.creator("ada")
    local = (datetime.now(UTC) + timedelta(days=3)).replace(hour=20, minute=0, second=0, microsecond=0, tzinfo=None)
    body = {"title": "T", "access": OPEN, "local_start": local.isoformat(), "time_zone": "Asia/Kathmandu"}
    made = await api.ok("POST", "/v1/spaces", by=host, json=body)
    first = (local - timedelta(hours=5, minutes=45)).replace(tzinfo=UTC)
    assert datetime.fromisoformat(made["scheduled_start"]) == first
    assert (made["time_zone"], made["moved_at"], made["moved_from"]) == ("Asia/Kathmandu", None, None)
    path = f"/v1/spaces/{made['id']}"
    later = {"local_start": (local + timedelta(days=1)).isoformat()}
    moved = await api.ok("PATCH", path, by=host, json=later)
    assert datetime.fromisoformat(moved["scheduled_start"]) == first + timedelta(days=1), (
        "by the clock it was planned by"
    )
    assert datetime.fromisoformat(moved["moved_from"]) == first
    again = await api.ok("PATCH", path, by=host, json=later)
    assert again["moved_at"] == moved["moved_at"], "that is no move"
    far = (datetime.now(UTC) + timedelta(days=31)).isoformat()
    assert (await api.request("PATCH", path, by=host, json={"scheduled_start": far})).code == "too_far_ahead"
    assert (await api.request("PATCH", path, by=host, json={"recording": True})).code == "unsupported"
    topics = await api.ok("PATCH", path, by=host, json={"topics": ["#Jazz", "jazz"], "language": "en-gb"})
    assert (topics["topics"], topics["language"]) == (["Jazz"], "en-GB")
    assert (await api.ok("POST", f"{path}/cancel", by=host))["state"] == "cancelled"
    assert (await api.request("PATCH", path, by=host, json=later)).code == "cancelled"
    assert await titles(api) == []


async def test_what_a_clocks_time_means_is_told(api: Api) -> None:
    async def means(at: str, place: str = "Europe/Paris") -> Any:
        return await api.ok("GET", f"/v1/local-time?time_zone={place}&at={at}")

    assert await means("2026-03-29T02:30") == {"moments": [], "after_gap": "2026-03-29T03:30:00"}
    twice = {"moments": ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"], "after_gap": None}
    assert await means("2026-10-25T02:30:00") == twice
    paris, utc = "time_zone=Europe/Paris", "time_zone=UTC"
    for query in (
        "", paris, "time_zone=Nowhere&at=2026-01-01T00:00", f"{utc}&at=yesterday", f"{utc}&at=2026-01-01T00:00Z",
        f"{utc}&at=9999-12-31T23:59", f"{utc}&at=0001-01-01T00:00",
    ):  # fmt: skip
        assert (await api.request("GET", f"/v1/local-time?{query}")).status == 422, query


async def test_so_many_are_planned_at_once_by_one_creator(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "OPEN_MAX", 2)
    ada, bob = await api.creator("ada"), await api.creator("bob")
    body = {"title": "T", "access": OPEN}
    many = await asyncio.gather(*(api.request("POST", "/v1/spaces", by=ada, json=body) for _ in range(5)))
    made = [reply.body["id"] for reply in many if reply.status == 201]
    assert len(made) == 2
    assert {reply.code for reply in many if reply.status != 201} == {"too_many_spaces"}
    await planned(api, bob, "of another")
    await api.ok("POST", f"/v1/spaces/{made[0]}/cancel", by=ada)
    await planned(api, ada, "in its place")


async def test_who_is_live_comes_first_then_what_is_soonest_page_by_page(api: Api) -> None:
    host = await api.creator("ada")
    for title, days in (("later", 3.0), ("whenever", None), ("soon", 1.0), ("live", 2.0), ("live too", None)):
        space = await planned(api, host, title, days)
        if title.startswith("live"):
            await api.ok("POST", f"/v1/spaces/{space}/start", by=host)
    everything = ["live too", "live", "soon", "later", "whenever"]
    assert await titles(api) == everything
    assert await titles(api, "?state=live") == everything[:2]
    assert await titles(api, "?state=scheduled&limit=2") == ["soon", "later"]
    for limit in (1, 2, 4, 5):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await api.ok("GET", f"/v1/spaces?limit={limit}{cursor and f'&cursor={cursor}'}")
            assert len(page["spaces"]) <= limit
            seen += [space["title"] for space in page["spaces"]]
            cursor = page["next"]
        assert seen == everything
    first = await api.ok("GET", "/v1/spaces?limit=2")
    await planned(api, host, "in between", 0.5)
    assert await titles(api, f"?cursor={first['next']}") == ["in between", *everything[2:]]
    for bad in (
        "cursor=", "cursor=x1.y", "cursor=l1.%00", f"cursor=l{'9' * 17}.abc.", "limit=0", "limit=101", "limit=x",
        "state=ended", "q=%23", f"q={'x' * 101}", "q=a+b+c+d+e+f+g+h+i", "topic=", "language=e", "creator=@nobody",
    ):  # fmt: skip
        refused = await api.request("GET", f"/v1/spaces?{bad}")
        assert (refused.status, refused.body["field"]) == (422, bad.partition("=")[0]), bad


async def test_what_is_over_is_listed_of_its_creator_the_last_first(api: Api) -> None:
    ada, bob, fan = await api.creator("ada"), await api.creator("bob"), person("fan")
    path = "/v1/creators/ada/spaces"
    over = []
    for host, title, more in (
        (ada, "one", {}),
        (bob, "not hers", {}),
        (ada, "two", {}),
        (ada, "three", {"topics": ["jazz"]}),
    ):
        space = await planned(api, host, title, None, **more)
        await api.ok("POST", f"/v1/spaces/{space}/start", by=host)
        async with entered(api, space, fan):
            await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
        over += [title] if host is ada else []
    await api.ok("POST", f"/v1/spaces/{await planned(api, ada, 'never began')}/cancel", by=ada)
    await planned(api, ada, "to come")
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await api.ok("GET", f"{path}?state=ended&limit=2{cursor and f'&cursor={cursor}'}")
        seen += page["spaces"]
        cursor = page["next"]
    assert [space["title"] for space in seen] == over[::-1]
    assert [(space["state"], space["may_join"], space["listeners"]) for space in seen] == [("ended", False, 0)] * 3
    assert all(space["started_at"] < space["ended_at"] for space in seen)
    found = await api.ok("GET", f"{path}?state=ended&topic=jazz")
    assert [space["title"] for space in found["spaces"]] == ["three"]
    assert [space["title"] for space in (await api.ok("GET", path))["spaces"]] == ["to come"]
    ended = await api.ok("GET", f"{path}?state=ended&limit=1")
    assert (await api.ok("GET", f"{path}?cursor={ended['next']}"))["spaces"] == [], (
        "of another list: nothing comes after it"
    )
    assert (await api.request("GET", f"{path}?state=cancelled")).status == 422


async def test_spaces_are_found_by_words_topic_language_and_creator(api: Api) -> None:
    ada, bob = await api.creator("ada"), await api.creator("bob")
    jazz = await planned(api, ada, "Café Müller, die Nacht", topics=["Free Jazz"], language="de-AT")
    await planned(api, ada, "音楽の夜", topics=["jazz"], language="ja")
    await planned(api, bob, "Nightly news", 2)

    async def found(query: str) -> set[str]:
        return set(await titles(api, f"?{query}"))

    assert await found("q=cafe") == await found("q=MULL+nach") == {"Café Müller, die Nacht"}
    assert await found("q=cafe+nightly") == set()
    assert await found("q=音夜") == {"音楽の夜"}
    assert await found("q=jazz") == {"Café Müller, die Nacht", "音楽の夜"}
    assert await found("topic=%23JAZZ") == {"音楽の夜"}
    assert await found("language=de") == await found("language=DE-at") == {"Café Müller, die Nacht"}
    assert await found("language=de-DE") == set()
    assert await found("creator=bob") == await found("q=bob") == {"Nightly news"}
    own = await api.ok("GET", "/v1/creators/ada/spaces?q=n&state=scheduled")
    assert [space["title"] for space in own["spaces"]] == ["Café Müller, die Nacht"]
    await api.ok("PATCH", f"/v1/spaces/{jazz}", by=ada, json={"title": "Something else", "topics": []})
    assert await found("q=cafe") == await found("topic=free+jazz") == set()
    assert await found("q=something") == {"Something else"}


async def test_a_list_says_what_the_caller_may_join(api: Api, node: Node) -> None:
    host, fan, stranger = await api.creator("ada"), person("fan"), person("eve")
    tier = await api.tier(host)
    await api.subscribe(fan, host, tier)
    await api.ok("GET", "/v1/me", by=stranger)
    for title, policy in (
        ("all", OPEN),
        ("known", {"policy": "members"}),
        ("fans", {"policy": "subscribers", "tier": tier}),
    ):
        await planned(api, host, title, access=policy)
    invited = await planned(api, host, "invited", access=[{"policy": "invite"}, {"policy": "ticketed"}])
    await api.ok("POST", f"/v1/spaces/{invited}/invitations", by=host, json={"account": "@eve"})
    locked = await planned(api, host, "locked")
    await api.ok("POST", f"/v1/spaces/{locked}/lock", by=host)

    async def open_to(by: Person | None) -> set[str]:
        listed = (await api.ok("GET", "/v1/spaces", by=by))["spaces"]
        for space in listed:  # by the one function that decides
            assert (await api.ok("GET", f"/v1/spaces/{space['id']}", by=by))["you"]["admitted"] is space["may_join"]
        return {space["title"] for space in listed if space["may_join"]}

    assert await open_to(None) == {"all"}
    assert await open_to(stranger) == {"all", "known", "invited"}
    assert await open_to(fan) == {"all", "known", "fans"}
    assert await open_to(host) == {"all", "known", "fans", "invited", "locked"}
    ada, eve = [await node.access.find_account(ref, integration=None) for ref in ("@ada", "@eve")]
    assert ada is not None
    assert eve is not None
    await node.access.ban(ada, eve, creator=ada.id)
    assert await open_to(stranger) == set()


async def test_what_nobody_began_is_not_coming_any_more(api: Api, node: Node) -> None:
    host = await api.creator("ada")
    space = await planned(api, host, "forgotten")
    engine = make_engine(node.config.sqlalchemy_url)
    for hours, listed in ((1, ["forgotten"]), (3, [])):
        async with engine.begin() as connection:
            past = datetime.now(UTC) - timedelta(hours=hours)
            await connection.execute(update(spaces).where(spaces.c.id == space).values(scheduled_start=past))
        assert await titles(api) == listed
    await engine.dispose()


async def test_the_peak_is_kept_beyond_the_end_and_the_live_count_is_right(api: Api, node: Node) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    path = f"/v1/spaces/{space}"

    async def counts() -> tuple[int, int]:
        view = await api.ok("GET", path)
        return view["listeners"], view["peak_listeners"]

    async with entered(api, space, person("bob")), entered(api, space, person("cleo")):
        live = node.rooms.get(space)
        assert live is not None
        await until(lambda: live.room.peak == 2)
        assert await counts() == (2, 2)
    async with entered(api, space, person("dan")):
        await until(lambda: live.room.listeners == 1, seconds=15)
        assert await counts() == (1, 2)
    assert (await api.ok("POST", f"{path}/end", by=host))["peak_listeners"] == 2
    assert (await counts())[1] == 2


@pytest.mark.parametrize("state", ["scheduled", "cancelled"])
async def test_who_is_only_looking_can_be_reminded_until_it_begins(api: Api, state: str) -> None:
    host, fan = await api.creator("ada"), person("fan")
    space = await planned(api, host, "A talk", access={"policy": "members"})
    path = f"/v1/spaces/{space}/reminder"
    assert (await api.request("PUT", path)).status == 401
    reminder = await api.ok("PUT", path, by=fan)
    assert reminder["mail"] is False, "no address of this account is known"
    assert (await api.request("PUT", path, by=fan, json={"mail": True})).code in ("no_mail", "no_address")
    assert (await api.ok("GET", f"/v1/spaces/{space}", by=fan))["you"]["reminder"] == reminder
    mine = await api.ok("GET", "/v1/me/reminders", by=fan)
    assert [one["space"]["id"] for one in mine["reminders"]] == [space]
    assert mine["notices"] == []
    later = (datetime.now(UTC) + timedelta(days=4)).isoformat()
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"scheduled_start": later})
    await api.ok("POST", f"/v1/spaces/{space}/{'start' if state == 'scheduled' else 'cancel'}", by=host)
    notices = (await api.ok("GET", "/v1/me/reminders", by=fan))["notices"]
    told = ["moved", "begins"] if state == "scheduled" else ["cancelled"]
    assert [notice["kind"] for notice in notices] == told, (
        "where it was moved to is nothing any more when it is cancelled"
    )
    ids = [notice["id"] for notice in notices]
    assert (await api.ok("POST", "/v1/me/reminders/seen", by=host, json={"notices": ids}))["notices"] == []
    assert (await api.ok("POST", "/v1/me/reminders/seen", by=fan, json={"notices": ids}))["notices"] == ids
    assert (await api.ok("GET", "/v1/me/reminders", by=fan))["notices"] == []
    refused = await api.request("PUT", path, by=fan)
    assert (refused.status, refused.code) == ((409, "wrong_state") if state == "scheduled" else (410, "cancelled"))
    await api.ok("DELETE", path, by=fan)
    assert (await api.request("PUT", "/v1/spaces/nowhere/reminder", by=fan)).status == 404
    assert (await api.request("POST", "/v1/me/reminders/seen", by=fan, json={"notices": ["x"]})).status == 422
