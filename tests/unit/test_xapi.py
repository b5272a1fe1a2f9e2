"""The read API: what it tells of Spaces, to whom, and what it answers to questions that are wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.harness.accounts import Person, person
from tests.harness.api import Api, Reply
from tests.harness.node import served

pytestmark = pytest.mark.thorough

ALL = (
    "created_at,creator_id,ended_at,host_ids,id,invited_user_ids,is_ticketed,lang,participant_count,scheduled_start,"
    "speaker_ids,started_at,state,subscriber_count,title,topic_ids,updated_at"
)
START = (datetime.now(UTC) + timedelta(days=7)).replace(microsecond=123_456)
ELSEWHERE = START.astimezone(timezone(timedelta(hours=2))).isoformat()
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOT_FOUND = "https://api.twitter.com/2/problems/resource-not-found"


async def get(api: Api, path: str, by: Person | None = None, **query: str) -> Any:
    pairs = "&".join(f"{name.replace('_fields', '.fields')}={value}" for name, value in query.items())
    return await api.ok("GET", f"/2/spaces{path}?{pairs}", by=by)


async def make(api: Api, host: Person, **body: Any) -> str:
    made = await api.ok("POST", "/v1/spaces", by=host, json={"title": "A talk", "access": {"policy": "open"}} | body)
    return str(made["id"])


async def account_id(api: Api, who: Person) -> str:
    return str((await api.ok("GET", "/v1/me", by=who))["account"]["id"])


async def test_a_space_is_its_id_and_state_unless_more_is_asked_for(api: Api) -> None:
    space = await make(api, await api.creator("ada"))
    assert await get(api, f"/{space}") == {"data": {"id": space, "state": "scheduled"}}
    assert await get(api, f"/{space}", space_fields="title") == {
        "data": {"id": space, "state": "scheduled", "title": "A talk"}
    }


async def test_every_field_of_a_space(api: Api) -> None:
    host, cohost, speaker, guest = await api.creator("ada"), person("bob"), person("cleo"), person("dan")
    ids = {who.handle: await account_id(api, who) for who in (host, cohost, speaker, guest)}
    start = {"scheduled_start": ELSEWHERE, "time_zone": "Europe/Berlin"}
    space = await make(
        api,
        host,
        topics=["Ada", "Engines"],
        language="en",
        access=[{"policy": "ticketed"}, {"policy": "open"}],
        **start,
    )
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@bob", "role": "cohost"})
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@cleo"})
    await api.ok("POST", f"/v1/spaces/{space}/stage-invitations", by=host, json={"account": "@dan"})
    expansions = "creator_id,host_ids,speaker_ids,invited_user_ids,topic_ids"
    told = await get(api, f"/{space}", by=cohost, space_fields=ALL, expansions=expansions, user_fields="url,verified")
    data = told["data"]
    for name in ("created_at", "updated_at", "scheduled_start"):
        assert MOMENT.fullmatch(data.pop(name)), name
    assert data == {
        "id": space, "state": "scheduled", "title": "A talk", "creator_id": ids["ada"], "lang": "en",
        "host_ids": [ids["ada"], ids["bob"]], "speaker_ids": [ids["cleo"]], "invited_user_ids": [ids["dan"]],
        "participant_count": 0, "subscriber_count": 0, "is_ticketed": True, "topic_ids": ["Ada", "Engines"],
    }  # fmt: skip
    url = (await api.ok("GET", "/openapi.json")) and api.url
    assert told["includes"] == {
        "users": [
            {"id": ids[name], "name": name.title(), "username": name, "url": f"{url}/@{name}"}
            for name in ("ada", "bob", "cleo", "dan")
        ],
        "topics": [{"id": "Ada", "name": "Ada"}, {"id": "Engines", "name": "Engines"}],
    }
    assert "errors" not in told


async def test_times_have_milliseconds_in_utc_and_a_change_is_an_update(api: Api) -> None:
    host = await api.creator("ada")
    space = await make(api, host, scheduled_start=ELSEWHERE)
    fields = "scheduled_start,created_at,updated_at,started_at,ended_at"
    first = (await get(api, f"/{space}", space_fields=fields))["data"]
    assert first["scheduled_start"] == f"{START:%Y-%m-%dT%H:%M:%S}.123Z"
    assert first["updated_at"] == first["created_at"]
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"title": "Another"})
    changed = (await get(api, f"/{space}", space_fields=fields))["data"]
    assert changed["updated_at"] > changed["created_at"] == first["created_at"]
    await api.ok("POST", f"/v1/spaces/{space}/start", by=host)
    await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
    over = (await get(api, f"/{space}", space_fields=fields))["data"]
    assert over["state"] == "ended"
    assert changed["updated_at"] < over["started_at"] <= over["ended_at"] <= over["updated_at"]


async def test_invitations_are_for_the_hosts_and_the_invited_and_counts_of_reminders_for_the_hosts(api: Api) -> None:
    host, guest, other, blocked = await api.creator("ada"), person("dan"), person("eve"), person("mallory")
    ids = {who.handle: await account_id(api, who) for who in (guest, other)}
    space = await make(api, host)
    for who in (guest, other):
        await api.ok(
            "POST", f"/v1/spaces/{space}/stage-invitations", by=host, json={"account": f"@{who.handle}"}
        )  # fmt: skip
    asked = {"space_fields": "invited_user_ids,subscriber_count", "expansions": "invited_user_ids"}
    assert (await get(api, f"/{space}", by=host, **asked))["data"]["invited_user_ids"] == [ids["dan"], ids["eve"]]
    mine = await get(api, f"/{space}", by=guest, **asked)
    assert mine["data"]["invited_user_ids"] == [ids["dan"]]
    assert [user["username"] for user in mine["includes"]["users"]] == ["dan"]
    await api.to_stage(space, host, blocked)
    for stranger in (None, person("frank"), blocked):
        told = await get(api, f"/{space}", by=stranger, **asked)
        assert told["data"] == {"id": space, "state": "scheduled"}
        assert "includes" not in told
        for error, field in zip(told["errors"], ("invited_user_ids", "subscriber_count"), strict=True):
            assert (error["field"], error["resource_id"]) == (field, space)
            assert error["type"].endswith("/not-authorized-for-field")


async def test_a_cohost_who_is_kept_out_sees_no_more_than_anybody(api: Api) -> None:
    host, publication = await api.creator("ada"), person("bob")
    space = await make(api, host)
    await account_id(api, publication)
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@bob", "role": "cohost"})
    other = await make(api, host)
    await account_id(api, person("dan"))
    await api.ok("POST", f"/v1/spaces/{space}/stage-invitations", by=host, json={"account": "@dan"})
    seen = await get(api, f"/{space}", by=publication, space_fields="invited_user_ids")
    assert len(seen["data"]["invited_user_ids"]) == 1
    await api.ok("POST", f"/v1/spaces/{other}/blocks", by=host, json={"account": "@bob"})
    seen = await get(api, f"/{space}", by=publication, space_fields="invited_user_ids")
    assert "invited_user_ids" not in seen["data"]


async def test_of_many_ids_the_missing_are_named(api: Api) -> None:
    host = await api.creator("ada")
    one, two, gone = await make(api, host), await make(api, host), await make(api, host)
    await api.ok("POST", f"/v1/spaces/{gone}/cancel", by=host)
    told = await get(api, "", ids=f"{two},nowhere,{one},{gone},{two}")
    assert [space["id"] for space in told["data"]] == [two, one]
    assert "meta" not in told
    unknown, cancelled = told["errors"]
    assert unknown == {
        "type": NOT_FOUND, "title": "Not Found Error", "detail": "The Space with ids: [nowhere] could not be found.",
        "resource_type": "space", "resource_id": "nowhere", "parameter": "ids", "value": "nowhere",
    }  # fmt: skip
    assert cancelled["type"].endswith("/resource-unavailable")
    assert cancelled["resource_id"] == gone
    alone = await get(api, "/nowhere")
    assert "data" not in alone
    assert alone["errors"][0]["parameter"] == "id"


async def test_spaces_of_creators_a_page_at_a_time(api: Api) -> None:
    hosts = [await api.creator(name) for name in ("ada", "bob", "cleo")]
    ids = [await account_id(api, host) for host in hosts]
    made = [await make(api, hosts[n % 2]) for n in range(5)]
    over = await make(api, hosts[0])
    await api.ok("POST", f"/v1/spaces/{over}/cancel", by=hosts[0])
    await make(api, hosts[2])
    found: list[str] = []
    query: dict[str, Any] = {
        "user_ids": f"{ids[0]},{ids[1]},9223372036854775807,9999999999999999999",
        "max_results": "2",
    }
    for expected in (2, 2, 1):
        told = await get(api, "/by/creator_ids", **query)
        assert told["meta"]["result_count"] == len(told["data"]) == expected
        found += [space["id"] for space in told["data"]]
        query["pagination_token"] = told["meta"].get("next_token", "")
    assert found == made[::-1]
    assert query["pagination_token"] == ""
    assert await get(api, "/by/creator_ids", user_ids="9999999999999999999") == {"meta": {"result_count": 0}}


FOUND = {
    "MAS": ["Die Maße der Welt"],
    "e\u0301clair": ["Éclairs for all"],  # decomposed
    "all ECLAIRS": ["Éclairs for all"],
    "eclairs welt": [],
    "ada": ["100% pure", "Éclairs for all", "Die Maße der Welt"],  # whose they are
    "%": [],
    "\x00": [],
    "nothing like it": [],
    " ".join(map(str, range(61))): [],
}


async def test_spaces_are_found_by_words_whatever_their_capitals(api: Api) -> None:
    host = await api.creator("ada")
    for title in ("Die Maße der Welt", "Éclairs for all", "100% pure"):
        await make(api, host, title=title)
    for text, titles in FOUND.items():
        async with api.http.get(
            f"{api.url}/2/spaces/search", params={"query": text, "space.fields": "title"}
        ) as answer:  # fmt: skip
            told = await answer.json()
        assert [space["title"] for space in told.get("data", [])] == titles, text
        assert told["meta"] == {"result_count": len(titles)}


async def test_the_state_is_searched_for_and_what_is_over_is_not_found(api: Api) -> None:
    host = await api.creator("ada")
    waiting, live, over = await make(api, host), await make(api, host), await make(api, host)
    for space in (live, over):
        await api.ok("POST", f"/v1/spaces/{space}/start", by=host)
    await api.ok("POST", f"/v1/spaces/{over}/end", by=host)
    expected = {"live": [live], "scheduled": [waiting], "all": [live, waiting], "": [live, waiting]}
    for state, spaces in expected.items():
        asked: dict[str, Any] = {"state": state} if state else {}
        told = await get(api, "/search", query="talk", **asked)
        assert [space["id"] for space in told["data"]] == spaces, state


async def test_subscribers_are_those_who_want_to_be_reminded(api: Api) -> None:
    host = await api.creator("ada")
    space = await make(api, host, scheduled_start=ELSEWHERE)
    for name in ("bob", "cleo"):
        await api.ok("PUT", f"/v1/spaces/{space}/reminder", by=person(name), json={})
    await api.ok("DELETE", f"/v1/spaces/{space}/reminder", by=person("bob"))
    told = await get(api, f"/{space}", by=host, space_fields="subscriber_count")
    assert told["data"]["subscriber_count"] == 1


async def test_buyers_are_told_to_the_creator_alone(api: Api) -> None:
    host, fans = await api.creator("ada"), [person(name) for name in ("eve", "dan", "cleo")]
    space = await make(api, host, access={"policy": "ticketed"})
    offer = {"amount_minor": 500, "currency": "USD", "quantity": 9}
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=offer)
    bought = []
    for fan in fans:
        begun = await api.ok("POST", f"/v1/spaces/{space}/tickets", by=fan)
        await api.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
        bought.append(begun["id"])
    reserved = person("frank")
    await api.ok("POST", f"/v1/spaces/{space}/tickets", by=reserved)
    await api.ok("POST", f"/v1/tickets/{bought[1]}/refund", by=host)
    path = f"/{space}/buyers"
    first = await get(api, path, by=host, max_results="1")
    assert [user["username"] for user in first["data"]] == ["eve"]
    last = await get(api, path, by=host, max_results="1", pagination_token=first["meta"]["next_token"])
    assert [user["username"] for user in last["data"]] == ["cleo"]
    assert last["meta"] == {"result_count": 1}
    for stranger, status in ((None, 401), (fans[0], 403), (await api.creator("mallory"), 403)):
        assert (await api.request("GET", f"/2/spaces{path}", by=stranger)).status == status
    assert (await get(api, "/nowhere/buyers", by=fans[0]))["errors"][0]["type"] == NOT_FOUND
    untouched = await make(api, host)
    assert await get(api, f"/{untouched}/buyers", by=host) == {"meta": {"result_count": 0}}


@pytest.mark.sqlite
async def test_there_are_no_posts(api: Api) -> None:
    space = await make(api, await api.creator("ada"))
    assert await get(api, f"/{space}/tweets", expansions="author_id") == {"meta": {"result_count": 0}}
    assert (await get(api, "/nowhere/tweets"))["errors"][0]["type"] == NOT_FOUND


WRONG = [
    ("/aSpace?space.fields=id,shoe_size", "space.fields", "[shoe_size] is not one of [created_at,"),
    ("/aSpace?expansions=pinned_tweet_id", "expansions", "is not one of [creator_id,host_ids,"),
    ("/aSpace?expansions=", "expansions", "is not a list of 1 to 5 values"),
    ("/aSpace?user.fields=shoe", "user.fields", "is not one of"),
    ("/aSpace?topic.fields=shoe", "topic.fields", "is not one of [description,id,name]"),
    ("/aSpace?colour=red", "colour", "The query parameter [colour] is not one of [space.fields,"),
    ("/not+an+id", "id", "does not match ^[a-zA-Z0-9]{1,13}$"),
    ("/aaaaaaaaaaaaaa/buyers", "id", "does not match"),
    ("/a-b/tweets", "id", "does not match"),
    ("", "ids", "The `ids` query parameter can not be empty"),
    ("?ids=", "ids", "is not a list of 1 to 100 values"),
    ("?ids=a,", "ids", "value [] does not match"),
    ("?ids=a,b!,c%0A", "ids", "value [b!,c\n] does not match ^[a-zA-Z0-9]{1,13}$"),
    ("?ids=" + ",".join("a" * 101), "ids", "value [101 values] is not a list of 1 to 100 values"),
    ("?ids=a&ids=b", "ids", "is given more than once"),
    ("/by/creator_ids?user_ids=ada", "user_ids", "does not match ^[0-9]{1,19}$"),
    ("/by/creator_ids?user_ids=1&max_results=0", "max_results", "is not between 1 and 100"),
    ("/by/creator_ids?user_ids=1&max_results=101", "max_results", "is not between 1 and 100"),
    ("/by/creator_ids?user_ids=1&max_results=%D9%A3", "max_results", "is not between 1 and 100"),
    ("/by/creator_ids?user_ids=1&pagination_token=x", "pagination_token", "does not match ^([lpue])([0-9]{1,17})"),
    ("/search", "query", "can not be empty"),
    ("/search?query=", "query", "is not 1 to 2048 characters long"),
    ("/search?query=" + "x" * 2_049, "query", "is not 1 to 2048 characters long"),
    ("/search?query=x&state=ended", "state", "[ended] is not one of [live,scheduled,all]"),
    ("/search?query=x&pagination_token=99999999999999999999-a", "pagination_token", "does not match"),
]


@pytest.mark.sqlite
async def test_a_wrong_question_is_answered_in_x_s_envelope(api: Api) -> None:
    host = await api.creator("ada")
    for path, name, message in WRONG:
        reply = await api.request("GET", f"/2/spaces{path}", by=host)
        assert (reply.status, reply.code) == (400, "invalid_request"), path
        assert reply.body["type"] == "https://api.twitter.com/2/problems/invalid-request"
        assert reply.body["title"] == "Invalid Request"
        assert reply.body["detail"] == "One or more parameters to your request was invalid."
        [error] = reply.body["errors"]
        assert list(error["parameters"]) == [name]
        assert message in error["message"]


@pytest.mark.sqlite
async def test_everything_that_is_wrong_is_named_at_once(api: Api) -> None:
    reply: Reply = await api.request("GET", "/2/spaces?expansions=x&space.fields=y&colour=red")
    assert {name for error in reply.body["errors"] for name in error["parameters"]} == {
        "expansions", "space.fields", "colour", "ids",
    }  # fmt: skip


@pytest.mark.sqlite
async def test_a_client_of_x_is_told_when_it_may_ask_again(tmp_path: Any) -> None:
    async with served(tmp_path, requests_per_minute_max=1) as api:
        assert (await api.request("GET", "/2/spaces?ids=a")).status == 200
        reply = await api.request("GET", "/2/spaces?ids=a")
        assert (reply.status, reply.code) == (429, "too_many_requests")
        assert reply.body["title"] == "Too Many Requests"
        assert reply.headers["x-rate-limit-reset"].isdecimal()
        assert "x-rate-limit-reset" not in (await api.request("GET", "/v1/spaces")).headers
