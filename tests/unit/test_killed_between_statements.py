"""A process is killed between the statements of an act that moves money, and the caller asks again: no right without a payment,
no payment lost, nothing charged, paid back or paid out twice, and the books add up.

Usually after some of the commits, as what is not committed leaves no trace. The long profile (`SPACES_TEST_EXAMPLES`) kills
before every statement and every commit.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from tests.harness.database import fresh_database_url, on_server, server_url
from tests.harness.fake_stripe import deliveries, fake_stripe
from tests.harness.histories import long_profile
from tests.harness.killed import Killer, a_killer
from tests.harness.world import START

pytestmark = pytest.mark.thorough

LOCAL = ("subscribe", "renewal", "refund", "payout", "ticket", "gift")


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
    killed = 0
    for point in points:
        async with copy_of(url, folder) as copy:
            result = await killer.do(copy, act, "act", notes, kill_at=point)
            killed += result.get("killed", False)
            await killer.do(copy, act, "recover", notes)
    assert killed >= len(points) > 0


@pytest.mark.timeout(1_200 if long_profile() else 120)
@pytest.mark.parametrize("act", LOCAL)
async def test_an_act_that_was_cut_off_is_done_once(tmp_path: Path, act: str) -> None:
    async with fresh_database_url(tmp_path, migrated=True) as url, a_killer() as killer:
        notes = (await killer.do(url, act, "prepare"))["notes"]
        await killed_everywhere(killer, url, tmp_path, act, notes)


@pytest.mark.timeout(1_200 if long_profile() else 120)
async def test_news_that_was_cut_off_is_told_again(tmp_path: Path) -> None:
    async with (
        fresh_database_url(tmp_path, migrated=True) as url,
        a_killer() as killer,
        fake_stripe(int(START.timestamp())) as (fake, address),
    ):
        notes = (await killer.do(url, "webhooks", "prepare", {"address": address}))["notes"]
        fake.pay(notes["session"])
        notes["bodies"] = [body.decode() for body in deliveries(fake.events, 0)]
        await killed_everywhere(killer, url, tmp_path, "webhooks", notes)
