"""Everybody's media passes through one UDP port, however many take part."""

from __future__ import annotations

import contextlib

from spaces.demo.speech import Speech
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import listening, speaking
from tests.harness.server import Server


async def test_one_udp_port_for_all(server: Server, api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    guest = person(f"{handle}guest")
    await api.to_stage(space, host, guest)
    before = server.udp_sockets()
    async with contextlib.AsyncExitStack() as stack:
        for speaker in (host, guest):
            await stack.enter_async_context(speaking(api, space, speech, by=speaker))
        for _ in range(8):
            listener = await stack.enter_async_context(listening(api, space))
            await listener.hear_first()
        during = server.udp_sockets()
    assert during == before
    assert set(during.values()) == {server.udp_port}
