"""A database that is brought back from a backup gives out no number that others know for something else."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from access.database import make_engine, write
from access.decide import Deny
from access.facts import Amounts, CheckoutChanged, InvoicePaid, Line
from access.model import Account, Creator, Tier
from access.periods import period_end
from access.tables import subscriptions
from spaces.config import Config
from spaces.db.backup import backup, restore
from tests.harness.database import fresh_database_url
from tests.harness.world import World, make_world

pytestmark = pytest.mark.thorough


async def begun(world: World, fan: Account, creator: Creator, tier: Tier) -> int:
    """A subscription that is to be paid."""
    row = {
        "account": fan.id,
        "creator": creator.id,
        "tier": tier.id,
        "price": tier.prices[0].id,
        "status": "incomplete",
        "provider": "test",
        "created_at": world.clock(),
    }

    async def begin(connection: AsyncConnection) -> int:
        made = await connection.execute(insert(subscriptions).values(row).returning(subscriptions.c.id))
        return int(made.scalar_one())

    return await write(world.engine, begin)


async def test_what_was_sold_after_the_backup_is_nobody_elses(tmp_path: Path) -> None:
    file = tmp_path / "kept.backup"
    async with fresh_database_url(tmp_path / "one", migrated=True) as url:
        engine = make_engine(url)
        world = await make_world(engine)
        owner, creator = await world.creator("ada")
        tier = await world.tier(owner, creator)
        await backup(Config(database_url=url), file)
        bob = await world.person()
        lost = await begun(world, bob, creator, tier)
        await engine.dispose()
    (tmp_path / "two").mkdir()
    async with fresh_database_url(tmp_path / "two") as url:
        await restore(Config(database_url=url), file)
        engine = make_engine(url)
        world = await make_world(engine)
        world.numbers = itertools.count(1_000)  # people who have not been here
        cleo = await world.person()
        creator = await world.access.creator("ada")
        other = await begun(world, cleo, creator, tier)
        assert cleo.id > bob.id
        assert other > lost
        now = world.clock()
        checkout = CheckoutChanged(
            provider="test", event="c", at=now, checkout="cs_bob", purchase=f"subscription:{lost}", state="paid",
            agreement="sub_bob",
        )  # fmt: skip
        line = Line(price=tier.prices[0].id, kind="paid", start=now, end=period_end(now, "month"), amount_minor=199)
        paid = InvoicePaid(
            provider="test", event="i", at=now, invoice="in_bob", agreement="sub_bob", purchase=f"subscription:{lost}",
            payment="pi_bob", amounts=Amounts(currency="USD", gross_minor=199), lines=(line,),
        )  # fmt: skip
        with capture_logs() as logs:
            await world.access.desk.take([checkout, paid, paid])
        assert isinstance(await world.may_join(cleo, creator), Deny)
        assert [row for row in logs if row["event"] == "paid for what is not known"]
        assert {row[0] for row in await world.rows("SELECT event FROM pending_facts")} == {"c", "i"}
        assert await world.rows("SELECT agreement_ref FROM subscriptions WHERE agreement_ref IS NOT NULL") == []
        await engine.dispose()
