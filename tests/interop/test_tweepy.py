"""tweepy, as its authors publish it, reads Spaces from our server: only where its requests go is changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
import tweepy
from requests.adapters import HTTPAdapter

from tests.harness.accounts import Person, person
from tests.harness.api import Api


class Elsewhere(HTTPAdapter):
    """Sends what is meant for one host to another."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._to = urlsplit(url)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        there = urlsplit(request.url)
        request.url = urlunsplit(there._replace(scheme=self._to.scheme, netloc=self._to.netloc))
        return super().send(request, *args, **kwargs)


def client(api: Api, by: Person) -> tweepy.Client:
    made = tweepy.Client(bearer_token=by.token)
    made.session.mount("https://api.twitter.com", Elsewhere(api.url))
    return made


async def ask(call: Any, *args: Any, **kwargs: Any) -> Any:
    return await asyncio.to_thread(call, *args, **kwargs)


async def test_tweepy_reads_spaces(api: Api, handle: str) -> None:
    host, fan, speaker = await api.creator(handle), person(f"{handle}-fan"), person(f"{handle}-speaker")
    reader = client(api, fan)
    start = (datetime.now(UTC) + timedelta(days=7)).replace(microsecond=0)
    body = {
        "title": f"Engines of {handle}", "access": {"policy": "ticketed"}, "topics": ["Engines"], "language": "en",
        "scheduled_start": start.isoformat(),
    }  # fmt: skip
    ticketed = (await api.ok("POST", "/v1/spaces", by=host, json=body))["id"]
    live = await api.space(host)
    await api.to_stage(live, host, speaker)
    ids = {who.handle: int((await api.ok("GET", "/v1/me", by=who))["account"]["id"]) for who in (host, fan, speaker)}

    one = await ask(
        reader.get_space, ticketed, space_fields=list(tweepy.space.SPACE_FIELDS), expansions=["creator_id", "host_ids"],
        user_fields=["username", "url"],
    )  # fmt: skip
    space = one.data
    assert (space.id, space.state, space.title, space.lang) == (ticketed, "scheduled", body["title"], "en")
    assert space.creator_id == ids[handle]
    assert space.host_ids == [str(ids[handle])]
    assert space.scheduled_start == start
    assert space.is_ticketed is True
    assert (space.participant_count, space.subscriber_count) == (0, None)
    assert space.topic_ids == ["Engines"]
    assert space.created_at == space.updated_at
    assert abs((datetime.now(UTC) - space.created_at).total_seconds()) < 3_600
    assert space.started_at is space.ended_at is None
    [user] = one.includes["users"]
    assert (user.id, user.name, user.username) == (ids[handle], handle.title(), handle)
    assert [error["field"] for error in one.errors] == ["invited_user_ids", "subscriber_count"], "the fan is no host"
    own = await ask(client(api, host).get_space, ticketed, space_fields=["subscriber_count", "invited_user_ids"])
    assert (own.data.subscriber_count, own.data.invited_user_ids, own.errors) == (0, [], [])

    several = await ask(
        reader.get_spaces, ids=[live, ticketed, "nowhere"], expansions="speaker_ids", space_fields="started_at"
    )
    assert [(found.id, found.state) for found in several.data] == [(live, "live"), (ticketed, "scheduled")]
    assert several.data[0].speaker_ids == [str(ids[speaker.handle])]
    assert several.data[0].started_at >= space.created_at
    assert [user.username for user in several.includes["users"]] == [speaker.handle]
    assert [(error["resource_id"], error["title"]) for error in several.errors] == [("nowhere", "Not Found Error")]

    of_creator = await ask(reader.get_spaces, user_ids=[ids[handle], ids[fan.handle]])
    assert [found.id for found in of_creator.data] == [live, ticketed]
    assert of_creator.meta == {"result_count": 2}

    found = await ask(reader.search_spaces, f"ENGINES of {handle}", state="scheduled", max_results=10)
    assert ([match.id for match in found.data], found.meta) == ([ticketed], {"result_count": 1})
    assert (await ask(reader.search_spaces, f"engines of {handle}", state="live")).data is None


async def test_tweepy_reads_buyers_with_the_creator_s_token(api: Api, handle: str) -> None:
    host, fans = await api.creator(handle), [person(f"{handle}-{n}") for n in range(3)]
    space = await api.space(host, access={"policy": "ticketed"})
    offer = {"amount_minor": 500, "currency": "USD", "quantity": 9}
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=offer)
    for fan in fans:
        begun = await api.ok("POST", f"/v1/spaces/{space}/tickets", by=fan)
        await api.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
    bought = await ask(client(api, host).get_space_buyers, space, user_fields=["username"])
    assert [user.username for user in bought.data] == [fan.handle for fan in fans]
    assert bought.meta == {"result_count": 3}
    with pytest.raises(tweepy.Forbidden):
        await ask(client(api, fans[0]).get_space_buyers, space)
    assert (await ask(client(api, host).get_space_tweets, space)).data is None


async def test_tweepy_s_errors_are_raised(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    reader = client(api, host)
    with pytest.raises(
        tweepy.BadRequest, match=r"`space.fields` query parameter value \[shoe_size\] is not one of"
    ) as bad:
        await ask(reader.get_space, "aSpace", space_fields="shoe_size")
    assert bad.value.api_errors[0]["parameters"] == {"space.fields": ["shoe_size"]}
    with pytest.raises(tweepy.Unauthorized):
        await ask(client(api, Person("nobody", "no token")).get_space, "aSpace")
    lost = await ask(reader.get_space, "nowhere")
    assert (lost.data, lost.errors[0]["type"]) == (None, "https://api.twitter.com/2/problems/resource-not-found")
