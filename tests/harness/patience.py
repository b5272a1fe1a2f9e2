"""Waiting for something that comes when it comes."""

from __future__ import annotations

import asyncio

from tests.harness.client import RtcClient
from tests.harness.measure import steady_tone_levels

AUDIBLE_DBFS = -30.0


async def until_heard(listener: RtcClient, hertz: float, *, timeout_seconds: float = 20.0) -> None:
    """Until a tone has been in what the listener decodes for half a second."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while steady_tone_levels(await listener.heard(0.6), [hertz])[0] < AUDIBLE_DBFS:
        assert asyncio.get_running_loop().time() < deadline, f"{hertz} Hz was not heard"
