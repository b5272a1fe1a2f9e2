"""Two nodes behind a plain TCP balancer, and browsers: the listener's node is killed, and one that both are at is drained."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Playwright

from tests.harness.accounts import Person
from tests.harness.api import Api
from tests.harness.balancer import Balancer, balancing
from tests.harness.chromium import Chromium, chromium
from tests.harness.database import fresh_database_url
from tests.harness.measure import longest_gap_seconds, tone_track
from tests.harness.patience import until_heard
from tests.harness.redis import redis_server
from tests.harness.server import Server, serving
from tests.harness.signals import tone, write_wav
from tests.harness.space_page import open_space

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.needs("redis"), pytest.mark.alone]

HERTZ = 700
SILENCE_SECONDS_MAX = 1.0
"""A browser's own pauses beside a busy machine included; a session that ends before the next begins takes longer."""


@dataclass
class Stand:
    one: Server
    two: Server
    balancer: Balancer
    hers: Chromium
    his: Chromium
    host: Person
    space: str

    def send_to(self, *servers: Server) -> None:
        self.balancer.ports = [server.http_port for server in servers]


@contextlib.asynccontextmanager
async def standing(playwright: Playwright, folder: Path) -> AsyncIterator[Stand]:
    """The Space is the first node's."""
    microphone = write_wav(folder / "host.wav", tone(HERTZ, 2.0, amplitude=0.2))
    async with contextlib.AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server(folder))
        url = await stack.enter_async_context(fresh_database_url(folder, migrated=True))
        balancer = await stack.enter_async_context(balancing())
        servers = []
        for name in ("one", "two"):
            settings = {
                "redis_url": redis.url, "database_url": url, "node_name": name, "host": "127.0.0.1",
                "public_url": balancer.url,
            }  # fmt: skip
            begun = serving(folder / name, settings=settings)
            servers.append(await asyncio.to_thread(begun.__enter__))
            stack.callback(begun.__exit__, None, None, None)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        hers = await stack.enter_async_context(chromium(playwright, microphone))
        his = await stack.enter_async_context(chromium(playwright))
        api = Api(http, servers[0].url)
        host = await api.creator("ada")
        one, two = servers
        yield Stand(one, two, balancer, hers, his, host, await api.space(host))


async def test_sound_is_back_without_a_click(playwright: Playwright, tmp_path: Path) -> None:
    async with standing(playwright, tmp_path) as stand:
        stand.send_to(stand.one, stand.two)
        ada = await open_space(stand.hers, stand.balancer.url, stand.space, stand.host)
        await ada.listen()
        await ada.until_speaking()
        stand.send_to(stand.two, stand.one)
        listener = await open_space(stand.his, stand.balancer.url, stand.space)
        await listener.listen()
        await until_heard(listener.tab, HERTZ)
        relayed = await stand.two.metrics()
        assert relayed["spaces_relayed_packets_total{direction=in}"] > 0, "he hears from the other node"
        stand.two.process.send_signal(signal.SIGKILL)
        stand.two.process.wait()
        killed = asyncio.get_running_loop().time()
        await until_heard(listener.tab, HERTZ)
        print(f"heard {asyncio.get_running_loop().time() - killed:.1f} s after the kill")
        await listener.until_state("listening")
        await listener.until_role("listener")
        await ada.until_role("host")


async def test_a_node_that_is_drained_is_left_without_a_gap_or_a_click(playwright: Playwright, tmp_path: Path) -> None:
    async with standing(playwright, tmp_path) as stand:
        stand.send_to(stand.one, stand.two)
        ada = await open_space(stand.hers, stand.balancer.url, stand.space, stand.host)
        await ada.listen()
        await ada.until_speaking()
        listener = await open_space(stand.his, stand.balancer.url, stand.space)
        await listener.listen()
        await until_heard(listener.tab, HERTZ)
        before = await stand.two.metrics()
        stand.send_to(stand.two, stand.one)  # as a balancer does that has looked at /readyz
        start = await listener.tab.position()
        stand.one.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(stand.one.process.wait, 30) == 0
        for page, role in ((ada, "host"), (listener, "listener")):
            await page.until_state("listening")
            await page.until_role(role)
        await until_heard(listener.tab, HERTZ)
        gap = longest_gap_seconds(tone_track(await listener.tab.recorded(start), HERTZ) < -40)
        print(f"{gap:.2f} s without the tone")
        assert gap < SILENCE_SECONDS_MAX
        await ada.until_speaking()
        after = await stand.two.metrics()
        assert after["spaces_packets_total{direction=out}"] > before["spaces_packets_total{direction=out}"] + 10
        assert after["spaces_moves_total{how=received}"] == 1
