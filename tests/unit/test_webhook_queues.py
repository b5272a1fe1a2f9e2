"""The outbox of webhooks with a clock that the test turns: what is in it, who sends from it, when it is tried again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from access import hooks
from access.database import write
from access.decide import Action, Policy, Resource
from access.hook_model import Attempt, Job
from access.hooks import Happening
from access.model import Account, Admission, Creator
from tests.harness.world import World

pytestmark = pytest.mark.thorough

LEASE = timedelta(seconds=15)
TAKEN, REFUSED = Attempt(None, 204), Attempt("status", 500)


async def happen(world: World, *queues: str, roll_back: bool = False) -> None:
    """An event for each, in one transaction."""

    async def work(connection: AsyncConnection) -> None:
        for queue in queues:
            hooks.tell(connection, Happening("space.started", world.clock(), queue, None, {"space": queue}))
        if roll_back:
            raise ZeroDivisionError

    await write(world.engine, work)


async def claim(world: World, most: int = 10) -> list[Job]:
    return await world.access.hooks.claim((), most, LEASE)


async def settle(world: World, job: Job, attempt: Attempt) -> Job | None:
    return await world.access.hooks.settle(job, attempt, LEASE, 0.0)


async def endpoint(world: World, url: str = "https://example.org/hooks", **options: object) -> int:
    made, _ = await world.access.hooks.add(None, None, url=url, **options)  # type: ignore[arg-type]
    return made.id


async def test_without_an_endpoint_nothing_is_written(world: World) -> None:
    await happen(world, "one")
    made = await endpoint(world)
    assert await claim(world) == []
    await world.access.hooks.set_enabled(None, None, made, False)
    await happen(world, "one")
    assert await world.rows("SELECT count(*) FROM webhook_messages") == [(0,)]


async def test_what_is_rolled_back_is_not_told(world: World) -> None:
    await endpoint(world)
    with pytest.raises(ZeroDivisionError):
        await happen(world, "one", roll_back=True)
    await happen(world, "two")
    assert [job.queue for job in await claim(world)] == ["two"]


async def test_a_queue_is_sent_in_order_by_one_at_a_time(world: World) -> None:
    await endpoint(world)
    await happen(world, "one", "one", "two")
    await happen(world, "one")
    jobs = await claim(world)
    assert [job.queue for job in jobs] == ["one", "two"]
    assert await claim(world) == []
    following = await settle(world, jobs[0], TAKEN)
    assert following is not None
    last = await settle(world, following, TAKEN)
    assert last is not None
    assert jobs[0].seq < following.seq < last.seq
    assert await settle(world, last, TAKEN) is None
    assert await settle(world, jobs[1], TAKEN) is None
    assert await claim(world) == []


async def test_a_failure_holds_back_its_queue_longer_and_longer_and_no_other(world: World) -> None:
    await endpoint(world)
    await happen(world, "bad", "bad", "good")
    pauses = []
    for _ in range(14):
        bad = next(job for job in await claim(world) if job.queue == "bad")
        assert await settle(world, bad, REFUSED) is None
        waited = 0.0
        while not any(job.queue == "bad" for job in await claim(world)):
            waited += 0.5 if waited < 4 else waited / 8
            world.clock.forward(seconds=0.5 if waited <= 4 else waited / 9)
            assert waited < 8_000
        world.clock.forward(seconds=LEASE.total_seconds())  # that claim is not used
        pauses.append(waited)
    assert pauses[:3] == sorted(pauses[:3])
    assert pauses[0] < 2 < pauses[4]
    assert max(pauses) < 6_000


async def test_whoever_dies_with_a_claim_has_it_until_it_runs_out(world: World) -> None:
    await endpoint(world)
    await happen(world, "one", "one")
    [dead] = await claim(world)
    world.clock.forward(seconds=14)
    assert await claim(world) == []
    world.clock.forward(seconds=2)
    [again] = await claim(world)
    assert again.id == dead.id
    assert await settle(world, dead, TAKEN) is None, "the queue is somebody else's now"
    following = await settle(world, again, TAKEN)
    assert following is not None
    assert following.id != dead.id


async def test_a_message_is_given_up_after_three_days_and_the_next_has_its_turn(world: World) -> None:
    made = await endpoint(world)
    await happen(world, "one")
    world.clock.forward(hours=1)
    await happen(world, "one")
    [job] = await claim(world)
    world.clock.forward(days=3)
    following = await settle(world, job, REFUSED)
    assert following is not None
    [dead], _ = await world.access.hooks.deliveries(None, made, "dead")
    assert dead.id == job.id
    await settle(world, following, TAKEN)
    assert await world.access.hooks.redeliver(None, None, made) == 1
    [again] = await claim(world)
    assert again.id == job.id
    assert await settle(world, again, TAKEN) is None
    assert (await world.access.hooks.endpoint(None, made)).dead == 0


async def test_what_is_done_is_forgotten_in_time(world: World) -> None:
    await endpoint(world)
    await happen(world, "one")
    [job] = await claim(world)
    await settle(world, job, TAKEN)
    for days, left in ((29, 1), (2, 0)):
        world.clock.forward(days=days)
        await world.access.sweep()
        for table in ("webhook_messages", "webhook_deliveries", "webhook_queues"):
            assert await world.rows(f"SELECT count(*) FROM {table}") == [(left,)]


async def test_two_who_send_at_once_have_no_queue_in_common(world: World) -> None:
    await endpoint(world)
    await happen(world, *(f"q{n}" for n in range(30)))
    claims = await asyncio.gather(*(claim(world, 10) for _ in range(6)))
    queues = [job.queue for jobs in claims for job in jobs]
    assert len(queues) == len(set(queues))
    queues += [job.queue for job in await claim(world, 30)]
    assert sorted(queues) == sorted(f"q{n}" for n in range(30))


async def test_many_at_once_are_numbered_as_they_are_committed(world: World) -> None:
    await endpoint(world)
    await asyncio.gather(*(happen(world, "one", "two") for _ in range(20)))
    rows = await world.rows("SELECT seq FROM webhook_messages ORDER BY seq")
    assert [row.seq for row in rows] == list(range(1, 41))


# --- who came and went


async def admit(world: World, somebody: Account | None, creator: Creator) -> int:
    admitted = await world.access.admit(somebody, Action.JOIN, Resource("aSpace", creator.id, (Policy("open"),)))
    assert isinstance(admitted, Admission)
    return admitted.id


async def told(world: World) -> list[tuple[str, list[int]]]:
    """What is told now, and of whom."""
    await world.access.hooks.tell_participants()
    found = []
    for job in await claim(world):
        following: Job | None = job
        while following is not None:
            people = [int(one["account"]["id"]) for one in following.body["participants"]]
            found.append((following.kind, people))
            following = await settle(world, following, TAKEN)
    return found


async def test_somebody_is_in_while_any_of_his_devices_is(world: World) -> None:
    _, creator = await world.creator()
    ada, bob = await world.person(), await world.person()
    early = await admit(world, bob, creator)
    await endpoint(world)
    phone, desk = await admit(world, ada, creator), await admit(world, ada, creator)
    await admit(world, None, creator)
    assert await told(world) == [("participant.joined", [ada.id])]
    await world.access.leave(phone)
    assert await told(world) == []
    other = await admit(world, ada, creator)
    await world.access.leave(desk)
    assert await told(world) == []
    await world.access.leave(other, evicted=True)
    assert await told(world) == [("participant.left", [ada.id])]
    await world.access.leave(await admit(world, ada, creator))
    assert await told(world) == [("participant.joined", [ada.id]), ("participant.left", [ada.id])]
    await world.access.leave(early)  # who was in before anybody was told: his whole visit
    assert await told(world) == [("participant.joined", [bob.id]), ("participant.left", [bob.id])]


async def test_everybody_leaves_when_a_node_begins_anew(world: World) -> None:
    _, creator = await world.creator()
    people = [await world.person() for _ in range(3)]
    await endpoint(world)
    for one in people:
        await admit(world, one, creator)
    assert await told(world) == [("participant.joined", [one.id for one in people])]
    await world.access.leave_all()
    assert await told(world) == [("participant.left", [one.id for one in people])]
    async with world.engine.connect() as connection:
        left = await connection.execute(text("SELECT count(*) FROM webhook_participants"))
        assert left.scalar_one() == 0
