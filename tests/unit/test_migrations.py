"""Migrations go up and down, one by one and all at once, from an empty database and from one that has been lived in."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from access import audit, communities, ticket_offers
from access.database import make_engine
from access.decide import Action, Policy, Resource
from access.tables import metadata
from spaces.db.listing import SpaceQuery
from spaces.db.migrate import alembic_config, downgrade, is_current, upgrade
from spaces.db.store import SpaceStore
from spaces.room_record import AccessRule, Record, StageMember
from spaces.room_rules import Role
from tests.harness import gifts, newsletters, tickets
from tests.harness.database import fresh_database_url
from tests.harness.world import World, pay_ref

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]

REVISIONS = [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
"""The newest first."""
PASSING = {"alembic_version", "grants"}
LAYOUTS = {
    "sqlite": """
        SELECT 'column', m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk
            FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
        UNION ALL SELECT 'reference', m.name, r."table", r."from", r."to", r.on_delete, ''
            FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) r WHERE m.type = 'table'
        UNION ALL SELECT 'key', m.name, (SELECT group_concat(name) FROM pragma_index_info(i.name)), i."unique", i.origin, '', ''
            FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table'
        UNION ALL SELECT 'checks', name, (length(sql) - length(replace(upper(sql), 'CHECK', ''))) / 5, '', '', '', ''
            FROM sqlite_master WHERE type = 'table'
        UNION ALL SELECT type, tbl_name, name, replace(sql, '"', ''), '', '', ''
            FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
    """,
    "postgresql": """
        SELECT 'column', table_name, column_name, udt_name || ' ' || is_nullable, column_default
            FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), ''
            FROM pg_trigger WHERE NOT tgisinternal
    """,
}
CHAINED, TICKETS, ASKING, SEVERAL_NODES = "0004", "0006", "0010", "0021"
FILLED = (
    "subscriptions", "paid_periods", "grants", "payments", "refunds", "payouts", "ledger_entries", "coupons", "tickets",
    "ticket_offers", "gifts", "bans", "admissions", "communities", "community_members", "community_rules",
    "newsletter_issues", "deliveries", "mail_consents", "merch_codes", "creator_keys", "space_invitations",
    "provider_tasks", "sign_in_requests", "audit_log", "outbox", "test_agreements", "test_checkouts", "test_objects",
)  # fmt: skip


async def differences(engine: AsyncEngine) -> list[object]:
    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.connect() as connection:
        return await connection.run_sync(compare)


async def tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))


async def contents(engine: AsyncEngine) -> dict[str, int]:
    """How many rows each table has."""
    names = sorted(await tables(engine))
    async with engine.connect() as connection:
        counts = await connection.execute(
            text(f"SELECT {', '.join(f'(SELECT count(*) FROM {name})' for name in names)}")
        )
        return dict(zip(names, counts.one(), strict=True))


async def layout(engine: AsyncEngine) -> set[tuple[object, ...]]:
    """Each column, index, constraint and trigger; of SQLite's checks their number."""
    async with engine.connect() as connection:
        return {tuple(row) for row in await connection.execute(text(LAYOUTS[engine.dialect.name]))}


async def live(world: World) -> None:
    """Leaves rows nearly everywhere: a sale with a coupon, a payout, a ticket that was used and one that was paid back, a gift,
    a comp, bans, a community, a newsletter that is sent, a merchandise code, an invitation, people inside."""
    access = world.access
    owner, creator = await world.creator("ada")
    tier = await world.tier(owner, creator, benefits=["space.join", "newsletter", "merch.discount"])
    payer, guest, troll, giver = [await world.person(name) for name in ("bob", "cleo", "dan", "eve")]
    await access.offers.create_coupon(owner, creator, code="half", percent_off=50)
    begun = await access.follows.subscribe(payer, creator, tier=tier.id, coupon="half")
    await access.follows.pay(pay_ref(begun), "succeed")
    await access.create_comp(owner, creator, guest, tier=tier.id)
    given = await gifts.give(world, giver, creator, tier)
    await gifts.redeemed(world, giver, await world.person("finn"), given)
    await access.ban(owner, troll, creator=creator.id)
    await access.admit(payer, Action.JOIN, Resource("aSpace", creator.id, (Policy("subscribers", tier.id),)))
    settings = ticket_offers.Settings(amount_minor=1_500, currency="USD", quantity=9)
    await access.tickets.set_offer(owner, tickets.SPACE, creator.id, settings)
    for fan in (guest, giver):
        await tickets.buy(world, fan)
    await access.admit(guest, Action.JOIN, Resource(tickets.SPACE, creator.id, (Policy("ticketed"),)))
    [payment, *_] = await access.books.payments(owner, creator)  # of the other ticket
    await access.books.refund(owner, creator, payment.id, amount_minor=None)
    await access.invite(owner, guest, space="aSpace", creator=creator.id)
    group = await access.communities.found(owner, creator, communities.Settings(name="Fans"), rules="Be kind.")
    await access.communities.join(giver, group.id, rules_version=1)
    await access.communities.ban(owner, group.id, troll)
    press = newsletters.Press(world, owner, creator, tier)
    await press.consent(payer, "bob@example.org")
    await press.sending()
    await access.merch.offer(owner, creator, tier.id, percent=10)
    await access.merch.issue(payer, creator)
    await access.merch.add_key(owner, creator, name="Shop")
    world.clock.forward(days=8)
    await access.books.pay_out(owner, creator, currency="USD", amount_minor=100, key="once")
    await access.people.ask("bob@example.org")


async def test_down_and_up_again_from_an_empty_database(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path) as url:
        engine = make_engine(url)
        await upgrade(engine)
        assert await differences(engine) == []
        await downgrade(engine, "base")
        assert not await is_current(engine)
        assert await tables(engine) == {"alembic_version"}
        await upgrade(engine)
        assert await differences(engine) == []
        await engine.dispose()


async def test_down_and_up_again_with_a_life_in_it(world: World) -> None:
    """Each migration is undone, done again and undone once more over what the newer ones have left."""
    engine = world.engine
    await live(world)
    lived = await contents(engine)
    assert {name for name in FILLED if not lived[name]} == set()
    left, shape = lived, await layout(engine)
    for newer, revision in pairwise(REVISIONS):
        await downgrade(engine, revision)
        assert not await is_current(engine)
        kept, shape_below = await contents(engine), await layout(engine)
        assert_kept(kept, left | {"grants": lived["grants"]}, revision)
        await upgrade(engine, newer)
        assert await layout(engine) == shape
        assert_grown(kept, await contents(engine), newer)
        await downgrade(engine, revision)
        left, shape = await contents(engine), shape_below
        assert_grown(kept, left, newer)
    await upgrade(engine)
    assert await differences(engine) == []
    assert_grown(left, await contents(engine), ASKING, CHAINED)
    await assert_audited(engine)


async def test_many_steps_at_once_leave_the_books_in_order(world: World) -> None:
    await live(world)
    await downgrade(world.engine, TICKETS)
    kept = await contents(world.engine)
    await upgrade(world.engine)
    assert await differences(world.engine) == []
    assert_grown(kept, await contents(world.engine), ASKING)
    await assert_audited(world.engine)
    assert await world.access.books.check() == []


async def columns(engine: AsyncEngine) -> dict[tuple[str, str], bool]:
    """By table and name; whether a row may be written without it."""

    def look(connection: Connection) -> dict[tuple[str, str], bool]:
        seen = inspect(connection)
        return {
            (table, column["name"]): bool(
                column["nullable"] or column["default"] is not None or column.get("autoincrement") is True
            )
            for table in seen.get_table_names()
            for column in seen.get_columns(table)
        }

    async with engine.connect() as connection:
        return await connection.run_sync(look)


async def test_nodes_of_the_version_before_go_on(tmp_path: Path) -> None:
    """While one node after another is upgraded: what they read is there, and what they do not write need not be written.

    Since there are several nodes.
    """
    async with fresh_database_url(tmp_path) as url:
        engine = make_engine(url)
        newer = [revision for revision in reversed(REVISIONS) if revision > SEVERAL_NODES]
        await upgrade(engine, SEVERAL_NODES)
        for revision in newer:
            before = await columns(engine)
            await upgrade(engine, revision)
            after = await columns(engine)
            known = {table for table, _ in before}
            assert before.keys() <= after.keys(), f"{revision} takes columns away"
            needed = {
                column for column, optional in after.items()
                if column[0] in known and not optional and before.get(column, True)
            }  # fmt: skip
            assert needed == set(), f"{revision} wants what the version before does not write"
        await engine.dispose()


def assert_kept(kept: dict[str, int], before: dict[str, int], revision: str) -> None:
    """At this revision, of what there was at a newer one."""
    passing = PASSING | (set() if revision >= CHAINED else {"counters"})
    whole = kept.keys() - passing
    assert {name for name in whole if kept[name] != before[name]} == set()
    assert {"accounts", "creators", "tiers", "subscriptions", "paid_periods", "audit_log"} <= whole
    assert before["grants"] - kept["grants"] == (0 if revision >= TICKETS else 2), "rights to single Spaces"


def assert_grown(before: dict[str, int], after: dict[str, int], *passed: str) -> None:
    """Nothing is lost on the way up. Tiers let people ask to speak from ASKING on, and the chain is counted from CHAINED on."""
    more = {"alembic_version"} | {
        name for at, name in ((ASKING, "tier_benefits"), (CHAINED, "counters")) if at in passed
    }
    assert {name for name in before.keys() - more if after[name] != before[name]} == set()


async def assert_audited(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert (await audit.check(connection)).broken is None


async def test_spaces_from_before_are_found_too(world: World) -> None:
    owner, creator = await world.creator("ada")
    store = SpaceStore(world.engine)
    record = Record(
        id="aSpace", creator=creator.id, title="An évening", access=(AccessRule("open"),), created_at=world.clock(),
        stage=(StageMember(owner.id, Role.HOST),), topics=("Free Jazz",),
    )  # fmt: skip
    await store.insert(record)
    await store.reminders.ask("aSpace", owner.id, False, world.clock())
    await downgrade(world.engine, "0011")
    await upgrade(world.engine)
    for query in (SpaceQuery(words=("even", "ada")), SpaceQuery(topic="free jazz")):
        assert await store.found(query, None, 10, world.clock()) == ([record], None)
    assert await store.reminders.of_account(owner.id) == []


async def test_tiers_from_before_go_on_letting_their_members_ask_to_speak(world: World) -> None:
    owner, creator = await world.creator()
    listening = await world.tier(owner, creator, 1, benefits=["space.join"])
    reading = await world.tier(owner, creator, 2, benefits=["newsletter"])
    await downgrade(world.engine, "0009")
    await upgrade(world.engine)
    found = {tier.id: set(tier.benefits) for tier in await world.access.tiers(creator.id)}
    assert found == {listening.id: {"space.join", "space.speak"}, reading.id: {"newsletter"}}
