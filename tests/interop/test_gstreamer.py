"""GStreamer's webrtcbin publishes over WHIP from another host."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from tests.harness.api import Api
from tests.harness.client import listening
from tests.harness.needs import SYSTEM_PYTHON
from tests.harness.netns import namespace
from tests.harness.patience import until_levels
from tests.harness.server import serving

SCRIPT = Path(__file__).parents[1] / "harness" / "gstreamer_whip.py"
HERTZ = 700


@pytest.mark.needs("gstreamer", "netns")
async def test_gstreamer_publishes_from_another_host(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    with namespace() as far, serving(tmp_path, address=far.server) as server:
        api = Api(http, server.url)
        host = await api.creator("ada")
        space = await api.space(host)
        command = far.command(SYSTEM_PYTHON, str(SCRIPT), f"{server.url}/v1/spaces/{space}/whip", host.token)
        process = await asyncio.create_subprocess_exec(
            *command, str(HERTZ), "120", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with listening(api, space) as listener:
                await until_levels(
                    listener, [HERTZ, 1700], lambda levels: levels[0] > -20 and levels[0] - levels[1] > 40
                )
        finally:
            process.terminate()  # it has been heard
            out, errors = await process.communicate()
        events = [json.loads(line)["event"] for line in out.decode().splitlines()]
        assert events[:2] == ["answered", "connected"], (out, errors)
        assert server.log_complaints() == []
