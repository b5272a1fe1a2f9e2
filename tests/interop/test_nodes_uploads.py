"""A sound is brought through a node that has not the Space, and too slowly: the answer comes, and nothing is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from spaces.signaling import elsewhere, rest_stingers
from tests.harness.accounts import Person
from tests.harness.api import Api
from tests.harness.nodes import Together, together
from tests.harness.sound_files import sound_file, tone

pytestmark = [pytest.mark.needs("redis"), pytest.mark.thorough]

TONE = sound_file(tone(1_000, 2.0))
PART_BYTES = 100_000
assert len(TONE) > PART_BYTES


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Together]:
    async with together(tmp_path, 2) as nodes:
        yield nodes


async def bring(api: Api, space: str, host: Person, more: asyncio.Event, *, length: bool = True) -> tuple[int, Any]:
    """Its first part at once, the rest when it may come. `length`: said beforehand."""

    async def body() -> AsyncIterator[bytes]:
        yield TONE[:PART_BYTES]
        await more.wait()
        yield TONE[PART_BYTES:]

    headers = {"Authorization": f"Bearer {host.token}", "Content-Type": "audio/wav"}
    if length:
        headers["Content-Length"] = str(len(TONE))
    url = f"{api.url}/v1/spaces/{space}/stingers?name=Intro"
    async with asyncio.timeout(60), api.http.post(url, data=body(), headers=headers) as answer:
        return answer.status, await answer.json()


async def brought(api: Api, space: str, host: Person) -> list[str]:
    listed = await api.ok("GET", f"/v1/spaces/{space}/stingers", by=host)
    return [one["name"] for one in listed["stingers"]]


@pytest.mark.parametrize(
    ("module", "limit", "status", "code"),
    [
        (rest_stingers, "FILE_SECONDS_MAX", 408, "body_too_slow"),  # the owner has waited long enough
        (elsewhere, "UPLOAD_SECONDS_MAX", 503, "owner_unknown"),  # the node in between has
    ],
)
async def test_one_that_takes_too_long_is_refused_and_leaves_nothing(
    two: Together, monkeypatch: pytest.MonkeyPatch, module: Any, limit: str, status: int, code: str
) -> None:
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)
    with monkeypatch.context() as patched:
        patched.setattr(module, limit, 0.5)
        answered, problem = await bring(there, space, host, asyncio.Event())
    assert (answered, problem["code"]) == (status, code)
    assert await brought(there, space, host) == []
    enough = asyncio.Event()
    enough.set()
    assert (await bring(there, space, host, enough))[0] == 201
    assert await brought(here, space, host) == ["Intro"]


async def test_one_whose_length_was_not_said_has_as_much_time(two: Together, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = two.apis
    host = await here.creator("ada")
    space = await here.space(host)
    monkeypatch.setattr(elsewhere, "ANSWER_SECONDS_MAX", 0.5)
    more = asyncio.Event()
    bringing = asyncio.create_task(bring(there, space, host, more, length=False))
    await asyncio.sleep(1.0)  # longer than any other request may take
    more.set()
    status, body = await bringing
    assert status == 201, body
