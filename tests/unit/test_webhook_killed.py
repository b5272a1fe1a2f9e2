"""The node is killed (-9) while webhooks are under way: every event comes at least once, in the order of its Space."""

from __future__ import annotations

import signal
from pathlib import Path

import aiohttp
import pytest

from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.database import fresh_database_url
from tests.harness.eventually import until
from tests.harness.integrator import endpoint, integrator, signed_by
from tests.harness.server import start

pytestmark = pytest.mark.thorough


@pytest.mark.timeout(240)
async def test_nothing_that_was_committed_is_lost_with_the_node(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path, migrated=True) as url, integrator() as server:
        settings = {"webhook_networks": "127.0.0.0/8", "webhook_seconds_max": 5.0, "database_url": url}
        node = start(tmp_path, address="127.0.0.1", public_address="", settings=settings)
        try:
            async with aiohttp.ClientSession() as http:
                api = Api(http, node.url)
                _, secret = await endpoint(api, server.url)
                host, bob = await api.creator("ada"), person("bob")
                await api.ok("GET", "/v1/me", by=bob)
                first = await api.space(host)
                server.answer = lambda one: None if one.kind == "participant.joined" else 204  # hangs when it is killed
                async with entered(api, first, bob):
                    await until(lambda: any(one.kind == "participant.joined" for one in server.tried), 30)
                    second = await api.space(host)
                    node.process.send_signal(signal.SIGKILL)
                    node.process.wait()
            server.answer = lambda _: 204
            again = {**settings, "http_port": node.http_port, "udp_port": node.udp_port}
            node = start(tmp_path, address="127.0.0.1", public_address="", settings=again)
            async with aiohttp.ClientSession() as http:
                await server.told("participant.left", first, seconds=60)  # he was in, and is not any more
                await server.told("space.started", second, seconds=60)
                await Api(http, node.url).ok("POST", f"/v1/spaces/{first}/end", by=host)
                await server.told("space.ended", first, seconds=60)
        finally:
            node.stop()
    for space, kinds in (
        (first, ["space.scheduled", "space.started", "participant.joined", "participant.left", "space.ended"]),
        (second, ["space.scheduled", "space.started"]),
    ):
        taken = {
            one.id: one.kind for one in server.taken if one.space == space
        }  # each once, in the order they came first
        assert list(taken.values()) == kinds
    joined = {one.id for one in server.tried if one.kind == "participant.joined"}
    assert len(joined) == 1
    assert all(signed_by(one, secret) for one in server.taken)
