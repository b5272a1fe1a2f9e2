"""Every shape of the comparison by its name."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

import aiohttp

from benchmarks.janus import connected
from benchmarks.janus_shapes import AudioBridge, Mountpoint, VideoRoom
from benchmarks.our_shapes import Spaces, SpacesStage
from benchmarks.scenes import Stage
from tests.harness.api import Api

EXPECTED_LOSS_PERCENT = 10
"""Told to AudioBridge for the comparison of sound: without it its listeners get no FEC."""

JANUS = ("audiobridge", "mountpoint", "videoroom")


@contextlib.asynccontextmanager
async def opened(shape: str, url: str) -> AsyncIterator[Stage]:
    """A shape on the server at `url` (ours: http; Janus: WebSocket)."""
    # A storm is a storm: aiohttp would hold back all but a hundred requests.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        if shape == "spaces":
            yield Spaces(Api(http, url))
            return
        if shape == "spaces stage":
            yield SpacesStage(Api(http, url))
            return
        async with connected(http, url) as api:
            shapes: dict[str, Callable[[], Stage]] = {
                "audiobridge": lambda: AudioBridge(api),
                "audiobridge, prebuffer 1": lambda: AudioBridge(api, prebuffer=1),
                "audiobridge, 10 % expected": lambda: AudioBridge(api, expected_loss_percent=EXPECTED_LOSS_PERCENT),
                "audiobridge, prebuffer 1, 10 % expected": lambda: AudioBridge(
                    api, prebuffer=1, expected_loss_percent=EXPECTED_LOSS_PERCENT
                ),
                "mountpoint": lambda: Mountpoint(api),
                "videoroom": lambda: VideoRoom(api),
            }
            yield shapes[shape]()
