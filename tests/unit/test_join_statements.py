"""What a join asks of the database: few statements, none of which reads through a table that grows with the audience."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from access.decide import Action, Policy, Resource
from access.model import Account, Admission, Creator, Tier
from access.tables import subscriptions
from tests.harness.crowd import add_subscribers, copy_of, rows_of, words_of
from tests.harness.world import World

pytestmark = pytest.mark.thorough

LARGE = {"accounts", "epochs", "grants", "paid_periods", "subscriptions"}
"""Those that the crowd fills: what is done with them is what the database would really do."""
GROWING = LARGE | {
    "admissions",
    "bans",
    "community_members",
    "space_invitations",
    "ticket_offers",
    "tickets",
    "used_join_tokens",
}
"""Those that are small here are read through all the same, unless that is forbidden: then only what has no index is."""
CROWD = 1_000

Statement = tuple[str, Any]


@dataclass
class Crowded:
    """A creator of many subscribers, one of whom has paid by the acts themselves."""

    world: World
    creator: Creator
    tier: Tier
    fan: Account
    statements: list[Statement] = field(default_factory=list)
    """As the driver got them, BEGIN and COMMIT left out."""


@pytest.fixture
async def crowded(world: World) -> AsyncIterator[Crowded]:
    statements: list[Statement] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)  # of all engines: SQLite has one for each of its threads
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    fan = await world.person()
    await world.subscribe(fan, creator, tier)
    await add_subscribers(world.engine, fan, CROWD)
    yield Crowded(world, creator, tier, fan, statements)
    event.remove(Engine, "before_cursor_execute", note)


async def tables_read_through(engine: AsyncEngine, statement: Statement, *, reluctantly: bool = False) -> set[str]:
    """Which the database would read from end to end for this statement; `reluctantly`: only where it has no index."""
    text, parameters = statement
    async with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            await connection.exec_driver_sql(f"SET LOCAL enable_seqscan = {'off' if reluctantly else 'on'}")
            plan = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {text}", parameters)).scalar_one()
            return set(_sequential(json.loads(plan) if isinstance(plan, str) else plan))
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)
        return {row.detail.split()[1] for row in rows if row.detail.startswith("SCAN ") and "USING" not in row.detail}


def _sequential(plan: Any) -> Iterator[str]:
    for node in plan if isinstance(plan, list) else [plan]:
        if node.get("Node Type") == "Seq Scan":
            yield node["Relation Name"]
        for inner in (node.get("Plans", []), node.get("Plan", [])):
            yield from _sequential(inner)


async def test_a_join_reads_through_no_table_that_grows(crowded: Crowded) -> None:
    world, fan = crowded.world, crowded.fan
    policies = [Policy(kind) for kind in ("subscribers", "ticketed", "invite")]
    resource = Resource("aSpace", crowded.creator.id, (*policies, Policy("community", community=1)))
    crowded.statements.clear()
    token = await world.access.mint_join_token(fan, resource)
    assert isinstance(token, tuple)
    await world.access.redeem_join_token(token[0], resource.space)
    admitted = await world.access.admit(fan, Action.JOIN, resource)
    assert isinstance(admitted, Admission)
    assert await world.access.confirm(admitted.id)
    await world.access.leave(admitted.id)
    await world.access.leave_all(resource.space)
    statements = list(crowded.statements)
    assert len(statements) > 10
    for statement in statements:
        assert not LARGE & await tables_read_through(world.engine, statement), statement[0]
        assert not GROWING & await tables_read_through(world.engine, statement, reluctantly=True), statement[0]


async def test_what_is_read_through_is_found(crowded: Crowded) -> None:
    by_no_index = ("SELECT id FROM grants WHERE source = 'period'", ())
    for reluctantly in (False, True):
        assert await tables_read_through(crowded.world.engine, by_no_index, reluctantly=reluctantly) == {"grants"}


async def test_a_subscribers_join_is_few_statements(crowded: Crowded) -> None:
    resource = Resource("aSpace", crowded.creator.id, (Policy("subscribers", crowded.tier.id),))
    crowded.statements.clear()
    assert isinstance(await crowded.world.access.admit(crowded.fan, Action.JOIN, resource), Admission)
    assert [statement.split()[0] for statement, _ in crowded.statements] == ["SELECT", "SELECT", "SELECT", "INSERT"]


async def test_a_crowd_has_the_rows_that_the_acts_write(crowded: Crowded) -> None:
    world, fan = crowded.world, crowded.fan
    other = await world.person()
    await world.subscribe(other, crowded.creator, crowded.tier)
    async with world.engine.connect() as connection:
        pattern, found = await rows_of(connection, fan), await rows_of(connection, other)
    assert all(pattern[table] for table in pattern)
    ids = {
        table: {a["id"]: b["id"] for a, b in zip(pattern[table], found[table], strict=True)}
        for table in pattern
        if "id" in table.c
    }
    assert ids[subscriptions]
    assert copy_of(pattern, ids, dict(zip(words_of(pattern), words_of(found), strict=True))) == found
