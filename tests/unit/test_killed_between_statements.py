"""A process is killed between the statements of an act that moves money, and the caller asks again: no right without a payment,
no payment lost, nothing charged, paid back or paid out twice, and the books add up.

Usually after some of the commits, as what is not committed leaves no trace. The long profile (`SPACES_TEST_EXAMPLES`) kills
before every statement and every commit; it recovers from what was left wherever that is not what was left by the kill before.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from tests.harness.database import fresh_database_url, on_server, server_url
from tests.harness.fake_stripe import deliveries, fake_stripe
from tests.harness.killed import Killer, a_killer
from tests.harness.long_profile import long_profile
from tests.harness.world import START

pytestmark = pytest.mark.thorough

LIMIT = pytest.mark.timeout(0 if long_profile() else 120)
LOCAL = ("subscribe", "renewal", "refund", "payout", "ticket", "gift")


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with a_killer() as made:
        yield made


@contextlib.asynccontextmanager
async def copy_of(url: str, folder: Path) -> AsyncIterator[str]:
    if not server_url():
        name = secrets.token_hex(4)
        file, copy = make_url(url).database, folder / f"{name}.db"
        assert file is not None
        shutil.copyfile(file, copy)
        yield f"sqlite+aiosqlite:///{copy}"
        return
    name = f"copy_{secrets.token_hex(6)}"
    await on_server(f"CREATE DATABASE {name} TEMPLATE {make_url(url).database} STRATEGY FILE_COPY")
    yield make_url(url).set(database=name).render_as_string(hide_password=False)
    await on_server(f"DROP DATABASE {name} WITH (FORCE)")


async def killed_everywhere(killer: Killer, url: str, folder: Path, act: str, notes: Any) -> None:
    async with copy_of(url, folder) as copy:
        whole = await killer.do(copy, act, "act", notes)
        await killer.do(copy, act, "again", notes)
    after_commits = [commit + 1 for commit in whole["commits"][:-1]]
    some = after_commits[:: max(len(after_commits) // 2, 1)]
    points = some if long_profile() is None else range(1, whole["steps"] + 1)
    killed, recovered = 0, None
    for point in points:
        async with copy_of(url, folder) as copy:
            result = await killer.do(copy, act, "act", notes, kill_at=point)
            killed += result.get("killed", False)
            before = sum(commit < point for commit in whole["commits"])
            after = await killer.do(copy, act, "recover", {**notes, "commits": before, "recovered": recovered})
            recovered = after["notes"]["recovered"]
    assert killed >= len(points) > 0


@LIMIT
@pytest.mark.parametrize("act", LOCAL)
async def test_an_act_that_was_cut_off_is_done_once(killer: Killer, tmp_path: Path, act: str) -> None:
    async with fresh_database_url(tmp_path, migrated=True) as url:
        notes = (await killer.do(url, act, "prepare"))["notes"]
        await killed_everywhere(killer, url, tmp_path, act, notes)


@LIMIT
async def test_news_that_was_cut_off_is_told_again(killer: Killer, tmp_path: Path) -> None:
    async with (
        fresh_database_url(tmp_path, migrated=True) as url,
        fake_stripe(int(START.timestamp())) as (fake, address),
    ):
        notes = (await killer.do(url, "webhooks", "prepare", {"address": address}))["notes"]
        fake.pay(notes["session"])
        notes["bodies"] = [body.decode() for body in deliveries(fake.events, 0)]
        await killed_everywhere(killer, url, tmp_path, "webhooks", notes)


@LIMIT
async def test_news_of_what_came_after_that_was_cut_off_is_told_again(killer: Killer, tmp_path: Path) -> None:
    act = "later webhooks"
    notes: dict[str, Any] = {}
    async with (
        fresh_database_url(tmp_path, migrated=True) as url,
        fake_stripe(int(START.timestamp())) as (fake, address),
    ):
        notes["address"] = address

        async def do(part: str) -> None:
            nonlocal notes
            notes = (await killer.do(url, act, part, notes))["notes"]

        def now(told: int) -> None:
            """What was told since."""
            notes["bodies"] = [body.decode() for body in deliveries(fake.events[told:], 0)]
            notes["now"] = datetime.fromtimestamp(fake.now, UTC).isoformat()

        await do("prepare")
        fake.pay(notes["session"])
        await do("connect")
        fake.onboard(fake.all("account")["data"][0]["id"])
        now(0)
        await do("act")
        fake.now += 8 * 86_400
        told = len(fake.events)
        now(told)
        await do("later")
        fake.decide(fake.dispute(notes["payment"], 200), "lost")
        fake.renew(notes["agreement"])
        fake.reverse(notes["transfer"], 100)
        now(told)
        await killed_everywhere(killer, url, tmp_path, act, notes)
