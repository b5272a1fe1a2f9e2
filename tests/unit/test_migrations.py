"""Migrations go up and down, one by one and all at once, from an empty database and from one that has been lived in."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from access import audit
from access.database import make_engine
from access.decide import Action, Policy, Resource
from access.tables import metadata
from spaces.db.migrate import alembic_config, downgrade, is_current, upgrade
from tests.harness.database import fresh_database_url
from tests.harness.world import World

pytestmark = pytest.mark.thorough

REVISIONS = [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
"""The newest first."""


async def differences(engine: AsyncEngine) -> list[object]:
    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.connect() as connection:
        return await connection.run_sync(compare)


async def tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))


async def contents(engine: AsyncEngine, names: set[str]) -> dict[str, int]:
    """How many rows each table has."""
    async with engine.connect() as connection:
        counts = {name: await connection.execute(text(f"SELECT count(*) FROM {name}")) for name in sorted(names)}
        return {name: count.scalar_one() for name, count in counts.items()}


async def live(world: World) -> None:
    """Leaves rows in the tables of rights: a sale, a gift, a ban, somebody inside."""
    owner, creator = await world.creator("ada")
    tier = await world.tier(owner, creator)
    payer, guest, troll = [await world.person(name) for name in ("bob", "cleo", "dan")]
    await world.subscribe(payer, creator, tier)
    await world.access.create_comp(owner, creator, guest, tier=tier.id)
    await world.access.ban(owner, troll, creator=creator.id)
    await world.access.admit(payer, Action.JOIN, Resource("aSpace", creator.id, (Policy("subscribers", tier.id),)))


async def test_down_and_up_again_from_an_empty_database(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path) as url:
        engine = make_engine(url)
        for revision in [*REVISIONS[1:], "base"]:
            await upgrade(engine)
            assert await differences(engine) == []
            await downgrade(engine, revision)
            assert not await is_current(engine)
        assert await tables(engine) == {"alembic_version"}
        await engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS[1:])
async def test_down_and_up_again_with_a_life_in_it(world: World, revision: str) -> None:
    engine = world.engine
    await live(world)
    before = await contents(engine, await tables(engine))
    assert before["grants"] == before["bans"] + 1 == 2
    await downgrade(engine, revision)
    kept = await contents(engine, await tables(engine))
    core = ("accounts", "creators", "tiers", "subscriptions", "paid_periods", "grants", "bans", "audit_log")
    assert {name: kept[name] for name in core} == {name: before[name] for name in core}
    await upgrade(engine)
    assert await differences(engine) == []
    after = await contents(engine, await tables(engine))
    assert {name: after[name] for name in core} == {name: before[name] for name in core}
    async with engine.connect() as connection:
        assert (await audit.check(connection)).broken is None


async def test_tiers_from_before_go_on_letting_their_members_ask_to_speak(world: World) -> None:
    owner, creator = await world.creator()
    listening = await world.tier(owner, creator, 1, benefits=["space.join"])
    reading = await world.tier(owner, creator, 2, benefits=["newsletter"])
    await downgrade(world.engine, "0009")
    await upgrade(world.engine)
    found = {tier.id: set(tier.benefits) for tier in await world.access.tiers(creator.id)}
    assert found == {listening.id: {"space.join", "space.speak"}, reading.id: {"newsletter"}}
