"""Firefox listens from another host (it does not pair with a server on loopback)."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from spaces.demo.speech import SPEECH_FILE, Speech
from tests.harness.api import Api
from tests.harness.client import speaking
from tests.harness.measure import correlations, first_sound_seconds
from tests.harness.netns import namespace
from tests.harness.opus import RATE, decode_file
from tests.harness.server import REPOSITORY, serving


@pytest.mark.needs("firefox", "netns")
@pytest.mark.timeout(240)
async def test_firefox_hears_the_speech(tmp_path: Path, http: aiohttp.ClientSession, speech: Speech) -> None:
    with namespace() as far, serving(tmp_path, address=far.server) as server:
        api = Api(http, server.url)
        host = await api.creator("ada")
        space = await api.space(host)
        out = tmp_path / "heard.npy"
        async with speaking(api, space, speech, by=host):
            driver = await asyncio.create_subprocess_exec(
                *far.command(sys.executable, "-m", "tests.harness.firefox"),
                *(f"{server.url}/s/{space}", '[data-action="listen"]', "10", str(out)),
                cwd=REPOSITORY,
                env=dict(os.environ),
                stderr=asyncio.subprocess.PIPE,
            )
            _, errors = await driver.communicate()
        assert driver.returncode == 0, errors.decode()[-3000:]
        heard = np.load(out)
        assert server.log_complaints() == []
    assert first_sound_seconds(heard) is not None, "Firefox heard nothing"
    # It plays into a null sink, whose clock stutters when the machine is busy: Firefox then skips or repeats by itself.
    found = correlations(heard[-8 * RATE :], decode_file(str(SPEECH_FILE)), jumps=True)
    print(f"median correlation {np.median(found):.3f}")
    assert np.median(found) >= 0.9
