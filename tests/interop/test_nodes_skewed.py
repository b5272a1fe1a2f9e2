"""Three nodes whose clocks are five seconds apart, and then five again: leases and numbers go by Redis' time, and hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spaces.demo.speech import Speech
from tests.harness.accounts import person
from tests.harness.channel import entered
from tests.harness.client import duplicates_and_losses, listening, speaking
from tests.harness.eventually import until, until_so
from tests.harness.nodes import talking
from tests.harness.server import Server
from tests.interop.test_nodes_killed import kill, owner_of, three

pytestmark = [pytest.mark.needs("redis"), pytest.mark.thorough, pytest.mark.timeout(300)]

OFF_SECONDS = (0.0, 5.0, -5.0)
PATIENCE_SECONDS = 60.0


def fences(server: Server) -> list[int]:
    """Under which numbers it has had a Space."""
    told = [json.loads(line) for line in server.log().splitlines() if '"space taken"' in line]
    return [int(line["fence"]) for line in told]


async def test_leases_hold_and_numbers_grow_whatever_the_nodes_clocks_say(tmp_path: Path, speech: Speech) -> None:
    """From the node whose clock is ahead to one that is five seconds behind it, or ten."""
    async with three(tmp_path, clocks_off_seconds=OFF_SECONDS) as (servers, apis, redis):
        first, others = 1, (0, 2)
        near, owner, far = apis
        host, fan = await owner.creator("ada"), person("bob")
        space = await owner.space(host)
        async with (
            listening(near, space, by=fan) as listener,
            entered(far, space, fan, client="page") as (bob, hello),
            talking(far, space, speech, host),
        ):
            await bob.ok("hand.raise")
            await until(lambda: len(listener.packets) > 300, seconds=PATIENCE_SECONDS)  # some leases long
            assert await owner_of(redis, space) == f"node{first}"
            assert all(not fences(servers[number]) for number in others), "nobody else has had it"
            kill(servers[first])

            async def taken() -> bool:
                return await owner_of(redis, space) not in (None, f"node{first}")

            await until_so(taken, PATIENCE_SECONDS)

            async def answers() -> bool:
                return (await near.request("GET", f"/v1/spaces/{space}/stage-invitations", by=host)).status == 200

            await until_so(answers, PATIENCE_SECONDS)
            heard = len(listener.packets)
            async with speaking(near, space, speech, by=host):
                await until(lambda: len(listener.packets) > heard + 10, seconds=PATIENCE_SECONDS)
                async with entered(far, space, fan, client="page") as (_, again):
                    assert again["you"]["hand"] is True
                    assert again["seq"] > hello["seq"], "events go on being numbered upwards"
            [before], [after] = fences(servers[first]), fences(servers[others[0]]) + fences(servers[others[1]])
            assert after > before
            assert not listener.link.closed.is_set()
            assert duplicates_and_losses(listener.packets)[0] == 0
        for number in others:
            assert not servers[number].log_complaints()
