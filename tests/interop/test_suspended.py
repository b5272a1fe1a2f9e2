"""The server's process is stopped for a moment and goes on: who talks and who listens notice nothing but that.

That nothing is played late afterwards is held by tests/simulation/test_stopped_process.py, whose clock nothing else disturbs.
"""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import pairwise

import numpy as np
import pytest

from spaces.demo.speech import SPEECH_FILE, Speech
from tests.harness.api import Api
from tests.harness.client import Packet, RtcClient, decode, duplicates_and_losses, listening, speaking
from tests.harness.measure import correlations
from tests.harness.opus import RATE, decode_file
from tests.harness.server import Server

TICK_SECONDS = 0.005


async def hear(listener: RtcClient, seconds: float) -> list[Packet]:
    first = len(listener.packets)
    await asyncio.sleep(seconds)
    return listener.packets[first:]


@pytest.mark.parametrize("seconds", [0.2, 2.0])
async def test_afterwards_all_is_as_before(
    server: Server, api: Api, handle: str, speech: Speech, seconds: float
) -> None:
    spoken = decode_file(str(SPEECH_FILE))
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host), listening(api, space) as listener:
        await listener.hear_first()
        await asyncio.sleep(2)
        before, start = await server.metrics(), len(listener.packets)
        await asyncio.sleep(3)
        os.kill(server.pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(server.pid, signal.SIGCONT)
        await asyncio.sleep(8)
        heard = await hear(listener, 6)
        after = await server.metrics()
    assert np.median(correlations(decode(heard), spoken, jumps=True)) >= 0.9
    assert duplicates_and_losses(listener.packets[start:]) == (0, 0)
    steps = [(b.timestamp - a.timestamp) % (1 << 32) for a, b in pairwise(listener.packets[start:])]
    assert max(steps) / RATE == pytest.approx(seconds, abs=0.1), "the time passed in the stream"
    skipped = after["spaces_ticks_skipped_total"] - before.get("spaces_ticks_skipped_total", 0.0)
    assert skipped * TICK_SECONDS == pytest.approx(seconds, abs=0.1)
    assert server.process.poll() is None
    assert not server.log_complaints()
