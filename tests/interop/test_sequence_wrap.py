"""A listener who joins a second before the mix's shared sequence wraps and hears nothing of his first two seconds.

RTP carries no rollover counter (RFC 3711 §3.3.1): if his own sequence wrapped while he was deaf, he would stay deaf.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import numpy as np

from spaces.demo.speech import Speech
from spaces.mixing.engine import AudioEngine
from tests.harness.api import Api
from tests.harness.client import listening, speaking
from tests.harness.measure import correlations
from tests.harness.node import running
from tests.harness.patience import spoken
from tests.harness.relay import relaying

PACKETS_PER_SECOND = 50
WRAP = 1 << 16


async def test_a_wrap_in_the_first_deaf_seconds_does_not_matter(
    tmp_path: Path, http: aiohttp.ClientSession, speech: Speech
) -> None:
    async with running(tmp_path, rights_poll_seconds=0.25) as node:
        api = Api(http, node.url)
        host = await api.creator("ada")
        space = await api.space(host)
        async with (
            speaking(api, space, speech, by=host),
            listening(api, space) as first,  # the mix has been running for somebody before
            relaying(("127.0.0.1", node.media.udp_port)) as relay,
        ):
            await first.hear_first()
            engine = node.media._engine
            engine.post(_age_mix, engine, space, WRAP - PACKETS_PER_SECOND)
            relay.drop_media_down = True
            async with listening(api, space, relay=relay) as late:
                await asyncio.sleep(2)
                assert late.packets == []
                relay.drop_media_down = False
                await late.hear_first()
                heard = await late.heard(3)
                assert _sequence(engine, space) < WRAP // 2, "the shared sequence has wrapped meanwhile"
                assert late.link.undecryptable == 0
            assert first.link.undecryptable == 0, "who was there before goes on"
            assert first.packets[-1].arrival > late.packets[0].arrival
    assert np.median(correlations(heard, spoken(), jumps=True)) >= 0.9


def _age_mix(engine: AudioEngine, space: str, sequence: int) -> None:
    """On the audio thread: the mix is as old as `sequence` says; what its listeners see goes on unbroken."""
    before = _sequence(engine, space)
    program = engine._spaces[space].programs[None, 1]
    for row in program.rows:
        engine.fanout.rows.offset[row] = (int(engine.fanout.rows.offset[row]) + before - sequence) & 0xFFFF
    engine._programs.rows.state[program.row]["sequence"] = sequence


def _sequence(engine: AudioEngine, space: str) -> int:
    return int(engine._programs.rows.state[engine._spaces[space].programs[None, 1].row]["sequence"])
