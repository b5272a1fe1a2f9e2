"""What is stored about an account is told to it whole and to nobody else; an account that goes leaves nobody behind."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from access import audit
from access.accounts import by_ids
from access.database import reading
from access.errors import AccessError, TokenError
from access.model import Account
from access.privacy import NOT_TOLD, _path
from access.sessions import Client
from access.tables import audit_log, metadata
from tests.harness.world import World

CLIENT = Client("Firefox on a boat", "203.0.113.7")


async def by_mail(world: World, address: str) -> Account:
    people = world.access.people
    asked = await people.ask(address)
    return (await people.answer(asked.browser, asked.code, CLIENT)).account


async def life(world: World) -> tuple[Account, Account]:
    """A fan who has left traces in many tables, and another beside."""
    owner, creator = await world.creator("ada")
    tier = await world.tier(owner, creator)
    fans = [await by_mail(world, f"{name}@example.org") for name in ("bob", "cleo")]
    for fan, handle in zip(fans, ("bob_reads", "cleo_sings"), strict=True):
        await world.access.people.rename(fan, handle=handle, name=handle.title())
        await world.subscribe(fan, creator, tier)
        await world.access.ban(owner, fan, creator=creator.id, reason="noise")
        await world.access.unban(owner, fan, creator=creator.id)
    return fans[0], fans[1]


def values(told: Any) -> set[str]:
    """Every text and number in it."""
    match told:
        case dict():
            return set().union(*map(values, told.values()), set())
        case list():
            return set().union(*map(values, told), set())
        case _:
            return {str(told)}


async def test_an_export_has_every_row_of_ones_own_and_none_of_anothers(world: World) -> None:
    bob, cleo = await life(world)
    told = await world.access.people.export(bob)
    json.dumps(told)
    rows = told["tables"]
    assert rows["mailboxes"][0]["address"] == "bob@example.org"
    assert rows["sessions"][0]["client_address"] == "203.0.113.7"
    assert len(rows["subscriptions"]) == len(rows["paid_periods"]) == len(rows["bans"]) == 1
    assert {"handle.claimed", "session.opened", "ban.set"} <= {row["action"] for row in rows["audit_log"]}
    text = json.dumps(told)
    assert "cleo" not in text
    assert "Cleo" not in text
    for name, table in metadata.tables.items():
        if "account" in table.c and table.c["account"].foreign_keys and name not in NOT_TOLD:
            assert all(row["account"] == bob.id for row in rows.get(name, [])), name
            async with reading(world.engine) as connection:
                mine = (await connection.execute(select(table).where(table.c.account == bob.id))).all()
            assert len(rows.get(name, [])) == len(mine), name
    assert not [column for found in rows.values() for row in found for column in row if "sha256" in column]
    assert str(cleo.id) not in {row.get("account") for found in rows.values() for row in found}


async def test_a_creators_export_has_no_buyers(world: World) -> None:
    await life(world)
    owner = (await world.access.creator("ada")).id
    async with reading(world.engine) as connection:
        ada = (await by_ids(connection, [owner]))[owner]
    told = await world.access.people.export(ada)
    assert {"creators", "tiers", "tier_prices"} <= told["tables"].keys()
    assert not {"subscriptions", "paid_periods", "mailboxes", "grants", "payments"} & told["tables"].keys()
    assert not {"bob_reads", "Cleo_Sings", "bob@example.org"} & values(told)


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_every_table_that_knows_accounts_is_told_or_known_not_to_be(name: str) -> None:
    """A new table with a column that leads to an account is in somebody's export."""
    table = metadata.tables[name]
    leads = {key.column.table.name for key in table.foreign_keys}
    if leads & {"accounts", "creators"}:
        assert _path(table) is not None


async def test_a_deleted_account_leaves_its_payments_and_nothing_that_tells_who(world: World) -> None:
    bob, cleo = await life(world)
    people = world.access.people
    opened = await people.ask("bob@example.org")
    with pytest.raises(AccessError, match="409 still_subscribed"):
        await people.delete(bob)
    [mine] = await world.access.follows.of_account(bob)
    await world.access.follows.cancel(bob, mine.id, at="period_end")
    before = await world.rows("SELECT count(*) FROM paid_periods")
    await people.delete(bob)
    for name, table in metadata.tables.items():
        async with reading(world.engine) as connection:
            rows = [tuple(row) for row in (await connection.execute(select(table))).all()]
        for trace in ("bob", "Bob", "203.0.113.7") if name != "sessions" else ("bob", "Bob"):
            assert trace not in str(rows), name
    assert await world.rows("SELECT count(*) FROM paid_periods") == before
    assert (await people.check_audit()).broken is None
    async with reading(world.engine) as connection:
        assert await audit.pseudonym_of(connection, bob.id) is None
        assert await audit.pseudonym_of(connection, cleo.id) is not None
        [last] = await connection.execute(select(audit_log).order_by(audit_log.c.id.desc()).limit(1))
    assert last.action == "account.deleted"
    assert await world.access.find_account(str(bob.id), integration=None) is None
    with pytest.raises(AccessError, match="no_sign_in"):
        await people.answer(opened.browser, opened.code, CLIENT)
    again = await by_mail(world, "bob@example.org")
    assert again.id != bob.id
    with pytest.raises(AccessError, match="handle_taken"):
        await people.rename(again, handle="bob_reads")  # links to it led to somebody


async def test_rights_end_with_the_account(world: World) -> None:
    owner, creator = await world.creator("ada")
    bob = await by_mail(world, "bob@example.org")
    await world.access.create_comp(owner, creator, bob, tier=(await world.tier(owner, creator)).id)
    cursor = await world.access.cursor()
    await world.access.people.delete(bob)
    changes, _ = await world.access.changes(cursor)
    assert [(change.account, change.creator) for change in changes] == [(bob.id, 0)]
    gone = (await world.access.accounts([bob.id]))[bob.id]
    assert (await world.may_join(gone, creator)).reason == "suspended"  # type: ignore[union-attr]


async def test_a_creator_with_subscribers_does_not_vanish(world: World) -> None:
    await life(world)
    owner = (await world.access.creator("ada")).id
    ada = (await world.access.accounts([owner]))[owner]
    with pytest.raises(AccessError, match="409 still_selling"):
        await world.access.people.delete(ada)


async def test_an_account_of_a_site_begins_anew_after_its_deletion(world: World) -> None:
    token = world.token("17", handle="dora")
    dora = await world.access.authenticate(token)
    await world.access.people.delete(dora)
    again = await world.access.authenticate(token)
    assert again.id != dora.id
    assert again.handle is None
    with pytest.raises(TokenError):
        await world.access.authenticate(token[:-3])


async def test_what_is_past_its_time_is_forgotten(world: World) -> None:
    bob, _ = await life(world)
    world.clock.forward(days=29)
    await world.access.sweep()
    assert [one.client_address for one in await world.access.people.sessions(bob)] == ["203.0.113.7"]
    assert await world.rows("SELECT count(*) FROM sign_in_requests") == [(0,)]
    world.clock.forward(days=2)
    await world.access.sweep()
    assert await world.rows("SELECT count(*) FROM sessions") == [(0,)]
    world.clock.now += timedelta(days=3 * 366)
    await world.access.sweep()
    trail = await world.access.people.check_audit()
    assert (trail.broken, trail.rows) == (None, 1)
