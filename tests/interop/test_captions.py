"""A WHIP speaker is captioned by the server's own engine, in a process beside it. (That it hears nothing of who is muted:
unit/test_media_plans.py.)"""

from __future__ import annotations

from pathlib import Path

import aiohttp

from spaces.demo.speech import Speech
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.client import speaking
from tests.harness.eventually import until_so
from tests.harness.server import serving

HEARD_SECONDS_MAX = 60.0
"""The process starts, loads its model, and hears a first sentence on a busy machine."""


async def test_what_a_speaker_says_is_written_down_for_those_who_ask(
    tmp_path: Path, http: aiohttp.ClientSession, speech: Speech
) -> None:
    with serving(tmp_path, settings={"captions_engine": "pocketsphinx"}) as server:
        api = Api(http, server.url)
        host = await api.creator("ada")
        space = await api.space(host)
        address = f"/v1/spaces/{space}"
        reply = await api.request("PATCH", address, by=host, json={"language": "de", "captions": "server"})
        assert (reply.status, reply.code) == (409, "caption_language")
        await api.ok("PATCH", address, by=host, json={"language": "en", "captions": "server"})
        async with entered(api, space) as (ear, _), entered(api, space, host) as (ada, welcome):
            await ear.ok("captions", on=True)
            ear.patience_seconds = HEARD_SECONDS_MAX
            async with speaking(api, space, speech, by=host, client="encoder"):
                guess = await ear.event("caption", final=False)
                assert (guess["account"], guess["source"]) == (welcome["you"]["account"]["id"], "server")
                said = await ear.event("caption", final=True)
                assert said["text"]
                await ada.ok("caption", text="In my own words.", final=True)
                await ear.event("caption", source="speaker")

                async def stored() -> bool:
                    kept = (await api.ok("GET", f"{address}/captions"))["captions"]
                    return {"speaker", "server"} == {one["source"] for one in kept}

                await until_so(stored)
        assert server.log_complaints() == []
