"""Three nodes as processes, people on all of them, and seeded schedules of faults; all that was heard and seen is checked.

The usual run has three schedules one after the other on the same nodes. `SPACES_TEST_SEED` repeats one of them alone;
`SPACES_TEST_SCHEDULES` runs so many (50 in the long run), each on nodes of its own, of SPACES_TEST_FAULTS each.
With SPACES_TEST_OVERLAP=1 two faults happen at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from spaces.demo.speech import Speech
from tests.harness import postgresql
from tests.harness.accounts import person
from tests.harness.client import RtcClient
from tests.harness.database import SERVER_URL, postgresql_spares, server_url
from tests.harness.fault_checks import (
    REDIS_BELIEVED_SECONDS,
    check_bounds,
    check_events,
    check_on_air,
    check_relay,
    check_safety,
)
from tests.harness.fault_kinds import Trouble, happen
from tests.harness.fault_schedule import GONE, Planned, schedule
from tests.harness.fault_stand import LISTENERS, Stand, standing

pytestmark = [pytest.mark.needs("redis"), pytest.mark.needs("postgresql"), pytest.mark.thorough, pytest.mark.alone]

QUICK_SEEDS = (1, 11, 49)
"""Between them every kind of fault."""
SHOWN = ("spaces_relayed", "spaces_drops", "spaces_seats", "spaces_joins")
OVERLAP = os.environ.get("SPACES_TEST_OVERLAP", "") == "1"
SETTLED_SECONDS_MAX = 30.0
"""From the end of a fault until everybody hears again, also who has to come in anew, at a node that has to be started again."""
USUAL = {"SPACES_TEST_SEED", "SPACES_TEST_SCHEDULES"}.isdisjoint(os.environ)
FAULTS = int(os.environ.get("SPACES_TEST_FAULTS", "4" if USUAL else "5"))
BUSY_SECONDS = 0.5
"""This process, which does little, has had to wait for a turn for so long while a fault was got over: so have the nodes. The
usual run then holds nothing against them but what must never be; who asks for schedules by name has a machine for them."""


def seeds() -> list[tuple[int, ...]]:
    """Those that one set of nodes goes through."""
    if "SPACES_TEST_SEED" in os.environ:
        return [(int(os.environ["SPACES_TEST_SEED"]),)]
    schedules = int(os.environ.get("SPACES_TEST_SCHEDULES", "0"))
    return [(seed,) for seed in range(1, 1 + schedules)] or [QUICK_SEEDS]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    if server_url():
        yield
        return
    with postgresql.cluster() as address:
        os.environ[SERVER_URL] = address
        postgresql_spares.cache_clear()
        try:
            yield
        finally:
            del os.environ[SERVER_URL]
            postgresql_spares.cache_clear()


async def everybody_hears(stand: Stand, since: float, seconds: float) -> float:
    """When all have heard ten times after `since`."""
    while not all(diary.heard_since(since) >= 10 for diary in stand.diaries):
        await asyncio.sleep(0.05)
        if time.monotonic() - since > seconds:
            raise AssertionError(f"not heard again: {[d.name for d in stand.diaries if d.heard_since(since) < 10]}")
    return time.monotonic()


async def check_doors(stand: Stand) -> None:
    """Every node knows the same room, and lets nobody in beyond a limit."""
    for node, api in enumerate(stand.apis):
        told = partial(api.request, "GET", f"/v1/spaces/{stand.space}", by=stand.host)
        async with asyncio.timeout(30):
            while (room := await told()).status != 200 or room.body["listeners"] != LISTENERS:  # noqa: ASYNC110 - asked for
                await asyncio.sleep(0.1)
        assert room.body["state"] == "live"
        late = RtcClient(api)
        for by, status, code in ((person(f"late{node}"), 503, "full"), (stand.fan, 409, "too_many_seats")):
            path = f"/v1/spaces/{stand.space}/whep?client=late"
            async with asyncio.timeout(30):
                while (reply := await api.offer(path, late.offer_text("recvonly"), by=by)).code == "owner_unknown":  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            assert (reply.status, reply.code) == (status, code), reply
        await late.close()


async def one_trouble(stand: Stand, planned: list[Planned]) -> Trouble:
    kept = {one.node: one.client for one in stand.whep}
    trouble = await happen(stand, planned)
    for fault in trouble.faults:
        if fault.kind in GONE:
            assert fault.node is not None
            await stand.start_again(fault.node)
    heard = await everybody_hears(stand, max(trouble.ended, time.monotonic() - 1), SETTLED_SECONDS_MAX)
    busy = stand.stalls.seconds(trouble.began, heard)
    unsafe, late = check_safety(stand, trouble), check_bounds(stand, trouble, kept, heard)
    well = trouble.well_since(trouble.began) if trouble.of_owner else None
    taken = "" if well is None else f"; taken after {well - trouble.began:.2f} s"
    gaps = {one.name: round(one.longest_gap(trouble.began, heard)[0], 2) for one in stand.diaries}
    print(
        f"{trouble}{taken}; all hear {heard - trouble.ended:.2f} s after its end; longest gaps {gaps}; late {busy:.2f} s"
    )
    assert not unsafe, (str(trouble), unsafe)
    if late and USUAL and busy > BUSY_SECONDS:
        print(f"on a machine that was late by {busy:.2f} s itself: {late}")
    else:
        assert not late, (str(trouble), late)
    return trouble


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", seeds(), ids=str)
async def test_schedules_of_faults(tmp_path: Path, speech: Speech, seeds: tuple[int, ...]) -> None:
    async with standing(tmp_path, speech) as stand:
        try:
            await everybody_hears(stand, time.monotonic(), 60)
            for seed in seeds:
                print(f"SPACES_TEST_SEED={seed} SPACES_TEST_FAULTS={FAULTS} SPACES_TEST_OVERLAP={OVERLAP:d}")
                await go_through(stand, seed)
        except BaseException:
            await tell(stand)
            raise


async def go_through(stand: Stand, seed: int) -> None:
    for planned in schedule(seed, FAULTS, at_once=OVERLAP):
        await check_doors(stand)
        await asyncio.sleep(planned[0].pause)
        trouble = await one_trouble(stand, planned)
        for fault in trouble.of_redis:
            await asyncio.sleep(max(0.0, fault.ended + REDIS_BELIEVED_SECONDS - time.monotonic()))
    await check_doors(stand)
    wrong = check_on_air(stand) + check_relay(stand) + check_events(stand)
    assert stand.ear.heard
    assert not wrong, wrong


async def tell(stand: Stand) -> None:
    for diary in stand.diaries:
        print(diary.name, len(diary.packets), [(round(at % 1_000, 2), text) for at, text in diary.notes[-12:]])
    print(
        "UDP ports", stand.udp_ports, "of the listeners", [one.path for one in stand.whep], "owner", await stand.owner()
    )
    print("subscribed", await stand.subscribed())
    for node, server in enumerate(stand.servers):
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            metrics = await server.metrics()
            print(node, {name: value for name, value in metrics.items() if name.startswith(SHOWN) and value})
        print(
            f"--- node{node}\n"
            + "\n".join(line for line in server.log().splitlines() if '"request"' not in line)[-3000:]
        )
