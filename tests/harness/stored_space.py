"""A planned Space as the database has it, with its host alone on stage."""

from __future__ import annotations

from datetime import UTC, datetime

from spaces.db.store import SpaceStore
from spaces.room_record import AccessRule, Kept, Record, StageMember
from spaces.room_rules import Role
from tests.harness.world import World

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""When it was planned."""


async def stored_space(world: World) -> tuple[SpaceStore, Kept]:
    """`aSpace` of a new creator."""
    owner, creator = await world.creator("ada")
    store = SpaceStore(world.engine)
    record = Record(
        id="aSpace",
        creator=creator.id,
        title="A talk",
        access=(AccessRule("open"),),
        created_at=NOW,
        stage=(StageMember(owner.id, Role.HOST),),
    )
    await store.insert(record)
    return store, Kept(record)
