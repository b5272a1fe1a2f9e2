"""The server's process is stopped for a moment and goes on: who talks and who listens notice nothing but that.

That nothing is played late afterwards is held by tests/simulation/test_stopped_process.py, whose clock nothing else disturbs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import pairwise

from spaces.demo.speech import Speech
from tests.harness.api import Api
from tests.harness.client import duplicates_and_losses, listening, speaking
from tests.harness.opus import RATE
from tests.harness.patience import until_speech
from tests.harness.server import Server

TICK_SECONDS = 0.005
LATE_SECONDS_MAX = 1.0
"""Beyond the time it was stopped: it is woken as soon as the machine has time for it, which may be busy."""


async def test_afterwards_all_is_as_before(server: Server, api: Api, handle: str, speech: Speech) -> None:
    """For a moment, and for a while."""
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host) as speaker, listening(api, space) as listener:
        await listener.hear_first()
        await asyncio.sleep(2)
        for seconds in (0.2, 2.0):
            before, start = await server.metrics(), len(listener.packets)
            await asyncio.sleep(0.5)
            began = time.monotonic()
            os.kill(server.pid, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            os.kill(server.pid, signal.SIGCONT)
            seconds = time.monotonic() - began
            await asyncio.sleep(3)
            for client in (speaker, listener):
                assert not client.link.closed.is_set(), "nobody was put out"
            await until_speech(listener)
            after = await server.metrics()
            assert duplicates_and_losses(listener.packets[start:]) == (0, 0)
            steps = [(b.timestamp - a.timestamp) % (1 << 32) for a, b in pairwise(listener.packets[start:])]
            late = max(steps) / RATE - seconds
            skipped = after["spaces_ticks_skipped_total"] - before.get("spaces_ticks_skipped_total", 0.0)
            print(f"stopped {seconds:.2f} s: {late:+.2f} s in the stream, {skipped * TICK_SECONDS:.2f} s skipped")
            assert -0.1 <= late <= LATE_SECONDS_MAX, "the time passed in the stream"
            assert -0.1 <= skipped * TICK_SECONDS - seconds <= LATE_SECONDS_MAX
    assert server.process.poll() is None
    assert not server.log_complaints()
