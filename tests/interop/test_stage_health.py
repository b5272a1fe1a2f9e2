"""Hosts are told how well every speaker's sound gets here."""

from __future__ import annotations

from typing import Any

from spaces.demo.speech import Speech
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import speaking
from tests.harness.eventually import until_so


async def test_hosts_see_how_each_speaker_is_heard(api: Api, handle: str, speech: Speech) -> None:
    host, bob = await api.creator(handle), person(f"bob.{handle}")
    space = await api.space(host)
    await api.to_stage(space, host, bob)
    path = f"/v1/spaces/{space}/health"

    async def seen() -> dict[str, Any]:
        speakers = (await api.ok("GET", path, by=host))["speakers"]
        return {one["account"]["handle"]: one for one in speakers}

    async with speaking(api, space, speech, by=bob):
        now: dict[str, Any] = {}

        async def heard() -> bool:
            now.update(await seen())
            return None not in (now[str(bob.handle)][name] for name in ("loss", "level", "jitter"))

        await until_so(heard)
        assert list(now) == [host.handle, bob.handle], "in the order of the stage"
        assert (now[str(bob.handle)]["connected"], now[str(bob.handle)]["loss"]) == (True, 0.0)
        assert -60 < now[str(bob.handle)]["level"] < 0
        nobody = now[str(host.handle)]
        assert (nobody["connected"], nobody["loss"], nobody["level"]) == (False, None, None)
        await api.ok("POST", f"/v1/spaces/{space}/mutes", by=host, json={"account": f"@{bob.handle}"})
        assert (await seen())[str(bob.handle)]["muted"]
    assert (await api.request("GET", path, by=bob)).status == 403
    assert (await api.request("GET", path)).status == 401
