"""Spaces in the database, on whichever the tests are run with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from spaces.db.store import Note, SpaceStore
from spaces.room_record import Invitation, Kept, Pin, StageMember
from spaces.room_rules import Asking, CaptionsPolicy, ChatPolicy, Role, State
from tests.harness.database import fresh_engine
from tests.harness.stored_space import NOW, stored_space
from tests.harness.world import World

NO_IDS = ["nowhere", "", "\0", "a\0b", "\ud800", "x" * 14, "x\n", "' OR 1=1 --"]


async def test_what_is_no_id_is_no_space(tmp_path: Path) -> None:
    async with fresh_engine(tmp_path) as engine:
        for space in NO_IDS:
            assert await SpaceStore(engine).load(space) is None, space


async def a_space(world: World) -> tuple[SpaceStore, Kept, list[int]]:
    """Stored, and three people beside its host."""
    store, kept = await stored_space(world)
    return store, kept, [(await world.person()).id for _ in range(3)]


async def test_a_room_is_stored_by_what_has_changed_and_loaded_whole(world: World) -> None:
    store, kept, (bob, cleo, dan) = await a_space(world)
    assert await store.load_kept("aSpace") == kept
    record = replace(kept.record, state=State.LIVE, started_at=NOW)
    [host] = record.stage
    staged = replace(record, stage=(host, StageMember(bob, Role.SPEAKER), StageMember(cleo, Role.COHOST)))
    invited = replace(staged, invitations=(Invitation(dan, Role.SPEAKER, host.account, NOW),))
    handed = (StageMember(bob, Role.SPEAKER), StageMember(cleo, Role.HOST), StageMember(host.account, Role.COHOST))
    set_up = replace(invited, locked=True, capacity=9, asking=Asking.SUBSCRIBERS, asking_seconds=30)
    talk = replace(set_up, chat=ChatPolicy.SUBSCRIBERS, chat_seconds=9, captions=CaptionsPolicy.SERVER)
    notes, slides = Pin("https://example.org/notes", "Notes"), Pin("https://example.org/slides", "")
    for after in (
        Kept(record, ((bob, NOW), (cleo, NOW + timedelta(seconds=1)))),
        Kept(staged, ((dan, NOW),), frozenset({bob})),
        Kept(invited, (), frozenset({bob, cleo})),
        Kept(set_up, (), frozenset({cleo})),
        Kept(replace(talk, pins=(notes, slides)), (), frozenset({cleo})),
        Kept(replace(talk, pins=(slides, notes)), (), frozenset({cleo})),
        Kept(replace(talk, pins=(slides,)), (), frozenset({cleo})),
        Kept(replace(set_up, stage=handed, invitations=()), (), frozenset({host.account})),
        Kept(replace(set_up, stage=(host,), invitations=(), state=State.ENDED, ended_at=NOW)),
    ):
        await store.save(kept, after, NOW, [Note("space.edited", host.account, None, {})])
        kept = after
        assert await store.load_kept("aSpace") == kept
        assert await store.live() == (["aSpace"] if kept.record.state is State.LIVE else [])
    assert [row.n for row in await world.rows("SELECT count(*) AS n FROM audit_log WHERE action = 'space.edited'")] == [
        9
    ]


async def test_what_belongs_to_a_change_is_done_with_it_or_not_at_all(world: World) -> None:
    store, kept, (bob, _, _) = await a_space(world)
    [host] = kept.record.stage
    after = Kept(replace(kept.record, stage=(host, StageMember(bob, Role.SPEAKER))), (), frozenset({bob}))

    async def fail(connection: AsyncConnection) -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await store.save(kept, after, NOW, [Note("stage.brought_up", host.account, bob)], [fail])
    assert await store.load_kept("aSpace") == kept
    assert await world.rows("SELECT * FROM audit_log WHERE action = 'stage.brought_up'") == []
