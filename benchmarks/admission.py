"""How many may be asked about, and let in, per second: decisions and joins of one creator's many subscribers.

*Warm*: `decide` alone, over snapshots read before. *Decisions*: `Access.decide` through the database, a transaction each.
*Joins*: `Access.admit`, which decides and writes the seat down in one transaction. Beside each the floor, in turn and in the
same run: the very same statements with the very same parameters, by the bare driver; for joins with the INSERT and the commit.
Times are of one call while `--at-once` are under way; everything runs in one process on uvloop, as the server does. The
database is made for the run: a SQLite file, and a PostgreSQL cluster as the tests have it, in memory if there is room, with
fsync off. Both have the rows that the acts write: one subscriber pays by the acts, the others are copies of his rows, and
another one who pays by the acts is compared with what a copy would be.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from access import snapshots
from access.database import reading
from access.decide import Action, Allow, Policy, Resource, decide
from access.embedded_money import EmbeddedTestMoney
from access.model import Account, Admission, Creator
from access.service import Access
from benchmarks.admission_floor import Recording, floor_of, recorded
from benchmarks.report import Grid, Report
from tests.harness import database, postgresql
from tests.harness.crowd import add_subscribers, copy_of, rows_of, words_of
from tests.harness.world import KEY, SECRET, Clock, World

DATABASES = ("postgresql", "sqlite")
SAMPLE = 1_000
"""Subscribers who come, drawn at random from all of them."""
ROUNDS = 3
RATIO_MAX = 4.0
"""What a join may cost, as a multiple of its bare statements: SQLAlchemy's price, not the database's."""
JOIN_MILLISECONDS_MAX = 100.0
WARM_PER_SECOND_MIN = 50_000

Call = Callable[[int], Awaitable[object]]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subscribers", type=int, default=100_000, metavar="N", help="of the creator, default 100000")
    parser.add_argument("--at-once", type=int, default=8, metavar="N", help="calls under way at a time, default 8")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measure in each round, default 3")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)


@dataclass(frozen=True, slots=True)
class Rate:
    """Of calls, over all rounds. Times are seconds."""

    per_second: float
    p50: float
    p99: float


async def run(options: argparse.Namespace) -> Report:
    report = Report("admission", shown=False)
    columns = ("", "per second", "p50 ms", "p99 ms", "of the floor")
    for name in options.databases:
        rates, same = await asyncio.to_thread(uvloop.run, _on(name, options))
        report.promises[f"a copied subscriber has the rows of one who paid, {name}"] = same
        _tell(report, name, rates, columns)
    return report


def _tell(report: Report, name: str, rates: dict[str, Rate], columns: tuple[str, ...]) -> None:
    rows = []
    for what, rate in rates.items():
        floor = rates.get(f"{what}, bare")
        ratio = None if floor is None else floor.per_second / rate.per_second
        key = f"{name}_{what.replace(', ', '_').replace(' ', '_')}"
        report.figures |= {
            f"{key}_per_second": rate.per_second,
            f"{key}_p50_milliseconds": 1e3 * rate.p50,
            f"{key}_p99_milliseconds": 1e3 * rate.p99,
        }
        if ratio is not None:
            report.figures[f"{key}_times_floor"] = ratio
        rows.append((what, f"{rate.per_second:,.0f}", 1e3 * rate.p50, 1e3 * rate.p99, ratio))
    report.grids.append(Grid(name, columns, tuple(rows)))
    join = report.figures[f"{name}_joins_p99_milliseconds"]
    report.goal_at_least(
        f"warm decisions, {name}", rates["warm decisions"].per_second, at_least=WARM_PER_SECOND_MIN, unit="/s"
    )
    report.goal(f"join p99, {name}", join, at_most=JOIN_MILLISECONDS_MAX, unit="ms")
    report.goal(f"join / bare statements, {name}", report.figures[f"{name}_joins_times_floor"], at_most=RATIO_MAX)


async def _on(name: str, options: argparse.Namespace) -> tuple[dict[str, Rate], bool]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if name == "postgresql":
            os.environ[database.SERVER_URL] = stack.enter_context(postgresql.cluster())
            stack.callback(os.environ.pop, database.SERVER_URL)
        with recorded() as recording:
            async with database.fresh_engine(folder) as engine:
                return await _measured(engine, recording, options)


async def _measured(
    engine: AsyncEngine, recording: Recording, options: argparse.Namespace
) -> tuple[dict[str, Rate], bool]:
    clock = Clock(datetime.now(UTC))
    money = EmbeddedTestMoney(engine, lambda: "http://127.0.0.1:1")
    access = Access(engine, provider=money, join_token_key=b"j" * 32, now=clock)
    await access.ensure_key(KEY, SECRET)
    world = World(engine, access, clock)
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    fan, other = await world.person(), await world.person()
    await world.subscribe(fan, creator, tier)
    ids = await add_subscribers(engine, fan, options.subscribers)
    await world.subscribe(other, creator, tier)
    same = await _is_alike(engine, fan, other)

    resource = Resource("aSpace", creator.id, (Policy("subscribers", tier.id),))
    found = await access.accounts(random.Random(1).sample(ids, min(SAMPLE, len(ids))))
    fans = [found[id] for id in sorted(found)]
    random.Random(2).shuffle(fans)

    async def decided(number: int) -> None:
        assert isinstance(await access.decide(fans[number % len(fans)], Action.JOIN, resource), Allow)

    async def joined(number: int) -> None:
        assert isinstance(await access.admit(fans[number % len(fans)], Action.JOIN, resource), Admission)

    decisions = [await recording.of(decided(number)) for number in range(len(fans))]
    joins = [await recording.of(joined(number)) for number in range(len(fans))]
    recording.over()
    measures: dict[str, Call] = {"decisions": decided, "joins": joined}
    rates = {"warm decisions": await _warm(engine, creator, fans, resource, clock(), options.seconds)}
    async with floor_of(engine, options.at_once) as floor:

        async def bare_decision(number: int) -> None:
            assert await floor.select(decisions[number % len(decisions)])

        async def bare_join(number: int) -> None:
            assert await floor.transact(joins[number % len(joins)])

        measures |= {"decisions, bare": bare_decision, "joins, bare": bare_join}
        times: dict[str, list[float]] = {what: [] for what in measures}
        took = dict.fromkeys(measures, 0.0)
        for _ in range(ROUNDS):
            for what, call in measures.items():
                begun = time.perf_counter()
                times[what] += await _many(call, options.at_once, options.seconds)
                took[what] += time.perf_counter() - begun
    for what in ("decisions", "decisions, bare", "joins", "joins, bare"):
        p50, p99 = np.quantile(times[what], (0.5, 0.99))
        rates[what] = Rate(len(times[what]) / took[what], float(p50), float(p99))
    return rates, same


async def _many(call: Call, at_once: int, seconds: float) -> list[float]:
    """How long each call took, while so many were under way."""
    end, times = time.perf_counter() + seconds, []
    numbers = iter(range(1_000_000_000))

    async def one_after_another() -> None:
        while (begun := time.perf_counter()) < end:
            await call(next(numbers))
            times.append(time.perf_counter() - begun)

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return times


async def _warm(
    engine: AsyncEngine, creator: Creator, fans: list[Account], resource: Resource, now: datetime, seconds: float
) -> Rate:
    async with reading(engine) as connection:
        known = [await snapshots.load(connection, fan.id, resource, None) for fan in fans]
    times: list[float] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for snapshot in known:
            before = time.perf_counter()
            answer = decide(snapshot, Action.JOIN, resource, now)
            times.append(time.perf_counter() - before)
            assert isinstance(answer, Allow)
    p50, p99 = np.quantile(times, (0.5, 0.99))
    return Rate(len(times) / (time.perf_counter() - begun), float(p50), float(p99))


async def _is_alike(engine: AsyncEngine, fan: Account, other: Account) -> bool:
    async with engine.connect() as connection:
        pattern, found = await rows_of(connection, fan), await rows_of(connection, other)
    ids = {
        table: {a["id"]: b["id"] for a, b in zip(pattern[table], found[table], strict=True)}
        for table in pattern
        if "id" in table.c
    }
    return copy_of(pattern, ids, dict(zip(words_of(pattern), words_of(found), strict=True))) == found
