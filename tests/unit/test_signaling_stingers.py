"""Stingers over HTTP and the socket: who may, what is refused, what is told, and that they outlive the node."""

from __future__ import annotations

import asyncio
import io
import wave
from pathlib import Path

import numpy as np
import pytest

from spaces.db import stingers as rows
from spaces.sounds import reading
from tests.harness.accounts import Person, person
from tests.harness.api import Api, Reply
from tests.harness.channel import entered
from tests.harness.node import served
from tests.harness.sound_files import sound_file, tone

pytestmark = pytest.mark.thorough

TONE = sound_file(tone(1_000, 0.5))


async def upload(
    api: Api, space: str, by: Person, data: bytes = TONE, *, name: str = "Intro", content_type: str = "audio/wav"
) -> Reply:
    path = f"/v1/spaces/{space}/stingers?name={name}"
    return await api.request("POST", path, by=by, data=io.BytesIO(data), content_type=content_type)


async def test_a_host_adds_hears_lists_and_deletes_a_sound(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    made = await upload(api, space, host)
    assert made.status == 201
    assert (made.body["name"], made.body["seconds"], made.body["made_by"]["handle"]) == ("Intro", 0.5, "ada")
    path = f"/v1/spaces/{space}/stingers"
    assert await api.ok("GET", path, by=host) == {"stingers": [made.body], "playing": None}
    headers = {"Authorization": f"Bearer {host.token}"}
    async with api.http.get(f"{api.url}{path}/{made.body['id']}/sound", headers=headers) as answer:
        assert answer.content_type == "audio/wav"
        with wave.open(io.BytesIO(await answer.read())) as file:
            assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (48_000, 1, 24_000)
            assert np.abs(np.frombuffer(file.readframes(24_000), "<i2")).max() > 3_000
    another = await api.space(host)
    assert len((await api.ok("GET", f"/v1/spaces/{another}/stingers", by=host))["stingers"]) == 1, "it is the creator's"
    await api.ok("DELETE", f"{path}/{made.body['id']}", by=host)
    for method, more in (("DELETE", ""), ("GET", "/sound"), ("POST", "/play")):
        gone = await api.request(method, f"{path}/{made.body['id']}{more}", by=host)
        assert (gone.status, gone.code) == (404, "unknown_stinger")


async def test_nobody_but_hosts_has_to_do_with_them(api: Api) -> None:
    host, other, fan = await api.creator("ada"), await api.creator("eve"), person("bob")
    space, elsewhere = await api.space(host), await api.space(other)
    made = (await upload(api, space, host)).body["id"]
    path = f"/v1/spaces/{space}/stingers"
    calls = (
        ("GET", ""),
        ("DELETE", f"/{made}"),
        ("GET", f"/{made}/sound"),
        ("POST", f"/{made}/play"),
        ("POST", "/stop"),
    )
    for who in (fan, other):
        for method, more in calls:
            refused = await api.request(method, path + more, by=who)
            assert (refused.status, refused.code) == (403, "not_permitted")
        assert (await upload(api, space, who, b"not even read")).code == "not_permitted"
    assert (await api.request("POST", f"/v1/spaces/{elsewhere}/stingers/{made}/play", by=other)).status == 404
    async with entered(api, space, fan) as (bob, _):
        assert await bob.refused("stinger.play", stinger=made) == (403, "not_permitted")
        assert await bob.refused("stinger.stop") == (403, "not_permitted")
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@bob", "role": "cohost"})
    assert len((await api.ok("GET", path, by=fan))["stingers"]) == 1
    await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
    assert (await upload(api, space, host)).status == 410


@pytest.mark.sqlite
async def test_what_is_no_short_sound_is_refused_and_leaves_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    silent = sound_file(np.zeros(48_000, np.float32))
    for reply, status, code in (
        (await upload(api, space, host, content_type="application/json"), 415, "bad_content_type"),
        (await upload(api, space, host, bytes((4 << 20) + 1)), 413, "body_too_large"),
        (await upload(api, space, host, b"no sound"), 422, "bad_sound"),
        (await upload(api, space, host, silent), 422, "bad_sound"),
        (await upload(api, space, host, name=""), 422, "bad_field"),
        (await upload(api, space, host, name="x" * 61), 422, "bad_field"),
        (await upload(api, space, host, name="a%00b"), 422, "bad_field"),
    ):
        assert (reply.status, reply.code) == (status, code)
    assert (await api.ok("GET", f"/v1/spaces/{space}/stingers", by=host))["stingers"] == []
    monkeypatch.setattr(rows, "KEPT_MAX", 2)
    statuses = [(await upload(api, space, host)).status for _ in range(3)]
    assert statuses == [201, 201, 409]
    first, second = await asyncio.gather(upload(api, space, host), upload(api, space, host))
    assert {first.status, second.status} <= {409, 429}


@pytest.mark.sqlite
async def test_so_many_files_are_held_for_everybody_together(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PLACES_MAX", 1)
    ada, bob = await api.creator("ada"), await api.creator("bob")
    first, second = await api.space(ada), await api.space(bob)
    both = await asyncio.gather(upload(api, first, ada), upload(api, second, bob))
    [done] = [reply for reply in both if reply.status == 201]
    [refused] = [reply for reply in both if reply is not done]
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "sounds_busy", "10")
    assert (await upload(api, first, ada)).status == 201, "a place is free again"


@pytest.mark.sqlite
async def test_all_are_told_what_is_played_and_that_it_is_over(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    short = (await upload(api, space, host)).body["id"]
    long = (await upload(api, space, host, sound_file(tone(500, 10.0)), name="Long")).body["id"]
    async with entered(api, space, host) as (ada, welcome), entered(api, space) as (listener, _):
        assert welcome["stinger"] is None
        await ada.ok("stinger.play", stinger=short)
        told = (await listener.event("stinger"))["playing"]
        assert (told["id"], told["name"], told["seconds"], told["by"]["handle"]) == (short, "Intro", 0.5, "ada")
        assert (await listener.event("stinger"))["playing"] is None, "it has ended"
        await ada.ok("stinger.play", stinger=long)
        await ada.ok("stinger.play", stinger=short)
        assert [(await listener.event("stinger"))["playing"]["id"] for _ in range(2)] == [long, short]
        assert (await listener.event("stinger"))["playing"] is None
        await api.ok("POST", f"/v1/spaces/{space}/stingers/{long}/play", by=host)
        async with entered(api, space) as (_, late):
            assert late["stinger"]["id"] == long
        await ada.ok("stinger.stop")
        await listener.event("stinger", playing=None)
        await ada.ok("stinger.stop")
        await ada.ok("stinger.play", stinger=long)
        await api.ok("DELETE", f"/v1/spaces/{space}/stingers/{long}", by=host)
        await listener.event("stinger", playing=None)
        assert await ada.refused("stinger.play", stinger=long) == (404, "unknown_stinger")
        await ada.ok("stinger.play", stinger=short)
        await ada.ok("space.end")
        assert await listener.until_closed() == 4410


async def test_they_outlive_the_node(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path / 'again.db'}"
    async with served(tmp_path, database_url=database) as first:
        host = await first.creator("ada")
        space = await first.space(host)
        made = (await upload(first, space, host)).body
    async with served(tmp_path, database_url=database) as second:
        assert (await second.ok("GET", f"/v1/spaces/{space}/stingers", by=host))["stingers"] == [made]
        await second.ok("POST", f"/v1/spaces/{space}/stingers/{made['id']}/play", by=host)
