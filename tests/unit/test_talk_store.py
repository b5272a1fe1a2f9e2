"""Lines and captions in the database: kept while they are of use, and no longer; gone with the account that they are of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from spaces.db.store import SpaceStore
from spaces.db.talk import FORGOTTEN_AT_ONCE
from spaces.room_record import AccessRule, Kept, Record, StageMember
from spaces.room_rules import Role, State
from spaces.talk.captions import Caption, Source
from tests.harness.world import World

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


async def a_space(world: World, store: SpaceStore, name: str, creator: int, ended_at: datetime | None) -> None:
    record = Record(
        id=name,
        creator=creator,
        title="A talk",
        access=(AccessRule("open"),),
        created_at=NOW - 200 * DAY,
        stage=(StageMember(creator, Role.HOST),),
    )
    await store.insert(record)
    if ended_at is not None:
        over = replace(record, state=State.ENDED, ended_at=ended_at)
        await store.save(Kept(record), Kept(over), NOW)


async def test_what_was_said_in_spaces_long_over_is_forgotten_and_nothing_else(world: World) -> None:
    owner, _ = await world.creator("ada")
    store = SpaceStore(world.engine)
    talk = store.talk
    for name, ended_at in (("old", NOW - 91 * DAY), ("late", NOW - 89 * DAY), ("live", None)):
        await a_space(world, store, name, owner.id, ended_at)
        for n in range(3):
            await talk.write(name, owner.id, f"line {n} of {name}", NOW - 120 * DAY)
        said = Caption(owner.id, NOW - 120 * DAY, NOW - 120 * DAY, f"said in {name}", Source.SERVER)
        await talk.add_captions(name, [said, said])
    await talk.forget(NOW, 90 * DAY)
    assert FORGOTTEN_AT_ONCE > 3
    assert await talk.lines("old", 10) == [] == await talk.captions("old", 10)
    for name in ("late", "live"):
        assert [line.text for line in await talk.lines(name, 10)] == [f"line {n} of {name}" for n in range(3)]
        assert len(await talk.captions(name, 10)) == 2


async def test_an_account_that_is_deleted_leaves_no_word(world: World) -> None:
    owner, _ = await world.creator("ada")
    bob = await world.person()
    store = SpaceStore(world.engine)
    await a_space(world, store, "aSpace", owner.id, NOW)
    for account in (owner.id, bob.id):
        await store.talk.write("aSpace", account, "hello", NOW)
        await store.talk.add_captions("aSpace", [Caption(account, NOW, NOW, "hello", Source.SPEAKER)])
    told = (await world.access.people.export(bob))["tables"]
    assert [row["text"] for row in told["chat_lines"] + told["captions"]] == ["hello", "hello"]
    await world.access.people.delete(bob)
    assert [line.account for line in await store.talk.lines("aSpace", 10)] == [owner.id]
    assert [caption.account for _, caption in await store.talk.captions("aSpace", 10)] == [owner.id]


async def test_a_line_is_found_in_its_own_space_alone(world: World) -> None:
    owner, _ = await world.creator("ada")
    store = SpaceStore(world.engine)
    for name in ("one", "two"):
        await a_space(world, store, name, owner.id, None)
    line = await store.talk.write("one", owner.id, "hello", NOW)
    assert await store.talk.line("two", line.id) is None
    assert await store.talk.line("one", line.id) == line
    await store.talk.delete(line, "two", owner.id, owner.id, NOW)
    assert await store.talk.line("one", line.id) == line
    assert await store.talk.clear(owner.id, "one", owner.id, owner.id, NOW) == 1
    assert await store.talk.lines("one", 10) == []
