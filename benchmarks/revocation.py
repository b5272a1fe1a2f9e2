"""From the end of a right to the last datagram at the listener's socket, over real UDP.

*Here*: the act is a request to the node that has the seat; timed from the moment at which it is sent, so the request itself and
the commit are in it. *Elsewhere*: another process commits to the same database and tells nobody, as a second node or a command
does; timed from the beginning of its transaction. *By date*: nobody does anything; timed from the end of the grant.
*Database stopped*: PostgreSQL is shut down, and the seat ends with its lease. Datagrams come every 20 ms. Beside a paying
listener, one in an open Space hears on all the time. Everything on one PostgreSQL cluster made for the run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from sqlalchemy import text

from access.database import make_engine
from access.embedded_money import EmbeddedTestMoney
from access.model import Account
from access.service import Access
from benchmarks.report import Grid, Report
from spaces.demo.speech import read_speech
from tests.harness import postgresql
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.client import listening, speaking
from tests.harness.server import serving

REVOCATION_MILLISECONDS_MAX = 1_000.0
LEASE_SECONDS_MAX = 30.0
QUIET_SECONDS = 1.5
"""Without a datagram: it was the last."""

Ending = Callable[[Any], Awaitable[float]]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="of each way, default 20")


async def run(options: argparse.Namespace) -> Report:
    report = Report("revocation", shown=False)
    with (
        postgresql.cluster() as url,
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), settings={"database_url": url}) as server,
    ):
        async with aiohttp.ClientSession() as http:
            found = await _measured(Api(http, server.url), url, options.rounds, report)
    rows = []
    for way, seconds in found.items():
        p50, worst = 1e3 * float(np.median(seconds)), 1e3 * max(seconds)
        report.figures |= {
            f"{way}_p50_milliseconds": p50,
            f"{way}_worst_milliseconds": worst,
            f"{way}_rounds": len(seconds),
        }
        rows.append((way.replace("_", " "), len(seconds), p50, worst))
        if way == "database_stopped":
            report.goal("last datagram, database stopped", worst / 1e3, at_most=LEASE_SECONDS_MAX, unit="s")
        else:
            report.goal(
                f"last datagram, {way.replace('_', ' ')}", worst, at_most=REVOCATION_MILLISECONDS_MAX, unit="ms"
            )
    report.grids.append(Grid("to the last datagram", ("", "rounds", "p50 ms", "worst ms"), tuple(rows)))
    return report


async def _measured(api: Api, url: str, rounds: int, report: Report) -> dict[str, list[float]]:
    host, fan = await api.creator("ada"), person("grace")
    tier = await api.tier(host)
    space = await api.space(host, access={"policy": "subscribers", "tier": tier})
    free = await api.space(host)
    await api.ok("GET", "/v1/me", by=fan)
    engine = make_engine(url)
    access = Access(engine, provider=EmbeddedTestMoney(engine, lambda: api.url), join_token_key=b"j" * 32)
    owner = await access.find_account("@ada", integration=None)
    creator = await access.creator("ada")
    assert isinstance(owner, Account)

    async def here(comp: Any) -> float:
        begun = time.monotonic()
        await api.ok("DELETE", f"/v1/creators/ada/comps/{comp['id']}", by=host)
        return begun

    async def elsewhere(comp: Any) -> float:
        begun = time.monotonic()
        await access.end_comp(owner, creator, int(comp["id"]))
        return begun

    async def by_date(comp: Any) -> float:
        left = datetime.fromisoformat(comp["ends_at"]) - datetime.now(UTC)
        return time.monotonic() + left.total_seconds()

    async def stopped(_: Any) -> float:
        async with engine.connect() as connection:
            folder = (await connection.execute(text("SHOW data_directory"))).scalar_one()
        await engine.dispose()
        begun = time.monotonic()
        os.kill(int((Path(folder) / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        return begun

    found: dict[str, list[float]] = {}
    ways: tuple[tuple[str, Ending, int], ...] = (
        ("here", here, rounds), ("elsewhere", elsewhere, rounds), ("by_date", by_date, rounds),
        ("database_stopped", stopped, 1),
    )  # fmt: skip
    async with (
        speaking(api, space, read_speech(), by=host),
        speaking(api, free, read_speech(), by=host),
        listening(api, free) as witness,
    ):
        for way, ending, times in ways:
            found[way] = [await _last_datagram(api, space, host, fan, tier, way, ending) for _ in range(times)]
        assert witness.last_arrival is not None
        report.promises["a listener of an open Space hears on all the time"] = (
            time.monotonic() - witness.last_arrival < 1
        )
    return found


async def _last_datagram(api: Api, space: str, host: Person, fan: Person, tier: str, way: str, ending: Ending) -> float:
    """Seconds from the end of the right to the last datagram."""
    gift: dict[str, Any] = {"account": "@grace", "tier": tier}
    if way == "by_date":
        gift["ends_at"] = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    comp = await api.ok("POST", "/v1/creators/ada/comps", by=host, json=gift)
    async with listening(api, space, by=fan) as listener:
        await listener.hear_first()
        await asyncio.sleep(random.uniform(0.1, 0.5))  # anywhere between two looks
        begun = await ending(comp)
        deadline = begun + LEASE_SECONDS_MAX + 5
        while time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            assert listener.last_arrival is not None
            if time.monotonic() > max(begun, listener.last_arrival) + QUIET_SECONDS:
                break
        assert listener.last_arrival is not None
        return listener.last_arrival - begun
