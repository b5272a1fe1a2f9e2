"""An endpoint that fails for three days is tried all that time, by real requests under a clock that is put forward; then its
event is given up, and the operator sees it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from access.hook_deliveries import LONGEST_PAUSE
from access.hooks import GIVEN_UP_AFTER
from spaces.__main__ import make_parser
from spaces.hooks import sender
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.eventually import until, until_so
from tests.harness.integrator import integrator
from tests.harness.node import running

pytestmark = [pytest.mark.thorough, pytest.mark.sqlite]

PAUSE_MAX = LONGEST_PAUSE * 5 / 4 + timedelta(seconds=1)
"""With all that spreads attempts."""


async def test_after_three_days_of_attempts_it_is_given_up_and_the_operator_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sender, "COUNTS_SECONDS", 0.0)
    async with (
        integrator() as server,
        running(tmp_path, webhook_networks=("127.0.0.0/8",), test_clock=True) as node,
        aiohttp.ClientSession() as http,
    ):
        api, boss = Api(http, node.url), person("boss")
        await api.ok("GET", "/v1/me", by=boss)
        await node.access.people.appoint("@boss")
        body = {"url": server.url, "kinds": ["space.*"]}
        made = (await api.ok("POST", "/v1/webhook-endpoints", by=boss, json=body))["endpoint"]["id"]
        path = f"/v1/webhook-endpoints/{made}"
        server.answer = lambda one: 500 if one.kind == "space.scheduled" else 204
        space = await api.space(await api.creator("ada"))
        await until(lambda: server.tried)
        [waiting] = (await api.ok("GET", f"{path}/deliveries?state=waiting", by=boss))["deliveries"][-1:]

        def more(than: int) -> bool:
            return len(server.tried) > than

        ahead, pauses = timedelta(), 0
        while ahead < GIVEN_UP_AFTER:
            assert {one.kind for one in server.tried} == {"space.scheduled"}, "what comes after it waits for it"
            tried = len(server.tried)
            await api.ok("POST", "/v1/test-clock", by=boss, json={"forward_seconds": PAUSE_MAX.seconds})
            ahead, pauses = ahead + PAUSE_MAX, pauses + 1
            node.hooks.nudge()
            await until(partial(more, tried))
        await server.told("space.started", space)
        attempts = [one.id for one in server.tried if one.kind == "space.scheduled"]
        assert set(attempts) == {waiting["id"]}
        assert len(attempts) > pauses

        [dead] = (await api.ok("GET", f"{path}/deliveries?state=dead", by=boss))["deliveries"]
        assert (dead["id"], dead["state"], dead["last_status"]) == (waiting["id"], "dead", 500)
        assert dead["attempts"] == len(attempts)
        seen = await api.ok("GET", path, by=boss)
        assert (seen["dead"], seen["waiting"], seen["failing_since"]) == (1, 0, None), "what came after it was taken"
        options = make_parser().parse_args(["admin", "webhooks"])
        assert await options.run(node.config, options) == 0
        assert "dead 1" in capsys.readouterr().out

        async def counted() -> bool:
            return 'spaces_integrator_webhooks_held{state="dead"} 1.0' in (await api.request("GET", "/metrics")).body

        await until_so(counted)
