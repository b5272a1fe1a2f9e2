"""A node is killed in the middle of a live Space and started again: the Space is live, everybody is who he was, sound flows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from spaces.demo.speech import Speech
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.client import Refused, listening, speaking
from tests.harness.restart import kill_and_start_again
from tests.harness.server import serving


async def test_a_killed_node_brings_its_space_back_live_with_everybody_in_his_role(
    tmp_path: Path, speech: Speech
) -> None:
    with serving(tmp_path) as server:
        async with aiohttp.ClientSession() as http:
            api = Api(http, server.url)
            host, cohost, guest, fan, stranger = await api.creator("ada"), *map(person, ("bob", "cleo", "dan", "eve"))
            space = await api.space(host)
            for one in (cohost, guest, fan, stranger):
                await api.ok("GET", "/v1/me", by=one)
            await api.to_stage(space, host, guest)
            body = {"account": "@bob", "role": "cohost"}
            await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json=body)
            async with (
                entered(api, space, host) as (_, _),
                entered(api, space, guest) as (cleo, _),
                entered(api, space, fan) as (dan, _),
                speaking(api, space, speech, by=host),
                listening(api, space, by=fan, client="ear") as ear,
            ):
                await ear.hear_first()
                await dan.ok("hand.raise")
                await cleo.ok("mute", muted=True)
                await api.ok("POST", f"/v1/spaces/{space}/lock", by=host)
                before = await api.ok("GET", f"/v1/spaces/{space}", by=host)
                again = await asyncio.to_thread(kill_and_start_again, server)
            try:
                await _after(api, space, before, speech)
                assert again.log_complaints() == []
            finally:
                again.stop()


async def _after(api: Api, space: str, before: dict[str, object], speech: Speech) -> None:
    host, guest, fan, stranger = map(person, ("ada", "cleo", "dan", "eve"))
    now = await api.ok("GET", f"/v1/spaces/{space}", by=host)
    assert (now["state"], now["locked"]) == ("live", True)
    roles = [(m["account"]["handle"], m["role"], m["muted"]) for m in now["stage"]]
    assert roles == [("ada", "host", False), ("cleo", "speaker", True), ("bob", "cohost", False)]
    assert now["started_at"] == before["started_at"]
    async with (
        entered(api, space, host) as (_, ada_is),
        entered(api, space, guest) as (_, cleo_is),
        entered(api, space, fan) as (_, dan_is),
        speaking(api, space, speech, by=host),
        listening(api, space, by=fan, client="ear") as ear,
    ):
        assert (ada_is["you"]["role"], cleo_is["you"]["role"], dan_is["you"]["role"]) == ("host", "speaker", "listener")
        assert cleo_is["you"]["muted"] is True
        assert dan_is["you"]["hand"] is True
        assert [hand["account"]["handle"] for hand in ada_is["hands"]] == ["dan"]
        await ear.hear_first()
        with pytest.raises(Refused) as refused:
            async with listening(api, space, by=stranger):
                pass
        assert (refused.value.reply.status, refused.value.reply.code) == (403, "locked")
