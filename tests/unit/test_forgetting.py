"""What only grows is forgotten when nobody can ask for it any more; what it was needed for still holds."""

from __future__ import annotations

from datetime import timedelta

from access.facts import RefundChanged
from tests.harness.newsletters import a_press
from tests.harness.world import World

LONG = timedelta(days=91)


async def test_tasks_that_were_done_are_forgotten_and_a_refund_after_that_is_another(world: World) -> None:
    owner, creator = await world.creator("ada")
    tier = await world.tier(owner, creator, amount_minor=1_000)
    await world.subscribe(await world.person(), creator, tier)
    books = world.access.books
    [payment] = await books.payments(owner, creator)
    await books.refund(owner, creator, payment.id, amount_minor=100, key="k")
    assert len(await world.rows("SELECT id FROM provider_tasks")) == 1
    world.clock.now += LONG - timedelta(days=2)
    await world.access.sweep()
    assert (await books.refund(owner, creator, payment.id, amount_minor=100, key="k")).refunded_minor == 100
    world.clock.now += timedelta(days=2)
    await world.access.sweep()
    assert await world.rows("SELECT id FROM provider_tasks WHERE kind = 'refund'") == []
    assert (await books.refund(owner, creator, payment.id, amount_minor=100)).refunded_minor == 200
    assert await books.check() == []


async def test_tasks_that_wait_or_were_refused_stay(world: World) -> None:
    then = "'2020-01-01 00:00:00'"
    async with world.engine.begin() as connection:
        for key, done, error in (("waits", "NULL", "'away'"), ("refused", then, "'no'"), ("done", then, "''")):
            await connection.exec_driver_sql(
                "INSERT INTO provider_tasks (key, provider, kind, subject, due_at, done_at, error, created_at) "
                f"VALUES ('{key}', 'stripe', 'cancel', 'sub_1', {then}, {done}, {error}, {then})"
            )
    await world.access.sweep()
    left = await world.rows("SELECT key FROM provider_tasks ORDER BY key")
    assert [row.key for row in left] == ["refused", "waits"]


async def test_a_fact_that_waited_in_vain_is_forgotten(world: World) -> None:
    fact = RefundChanged(
        provider="test", event="re_1:1", at=world.clock(), refund="re_1", payment="pi_unknown", state="succeeded",
        amount_minor=100,
    )  # fmt: skip
    await world.access.desk.take([fact])
    world.clock.now += LONG - timedelta(days=2)
    await world.access.sweep()
    assert len(await world.rows("SELECT id FROM pending_facts")) == 1
    world.clock.now += timedelta(days=2)
    await world.access.sweep()
    assert await world.rows("SELECT id FROM pending_facts") == []


async def test_of_an_old_issue_only_how_many_it_went_to_is_known_and_nobody_gets_it_again(world: World) -> None:
    press = await a_press(world)
    for name in ("bob", "cleo", "dan"):
        await press.reader(f"{name}@example.org")
    newsletters = world.access.newsletters
    issue, other = await press.sending(), await press.sending(subject="Stopped")
    while (delivery := await newsletters.claim()) is not None:
        if delivery.issue == issue.id:
            await newsletters.settle(delivery, "refused" if delivery.address.startswith("dan") else "sent")
    await newsletters.stop(press.owner, press.creator, other.id)
    await newsletters.tidy()
    before = [await press.states(one) for one in (issue, other)]
    assert before[0] == {"sent": 2, "refused": 1}
    await world.access.sweep()
    world.clock.now += LONG
    await newsletters.tidy()
    assert len(await world.rows("SELECT id FROM deliveries")) == 6
    await world.access.sweep()
    assert await world.rows("SELECT id FROM deliveries") == []
    assert await press.states(issue) == before[0]
    assert not await newsletters.due()
    await world.access.sweep()  # again: what has been counted is not counted anew
    assert await press.states(issue) == before[0]


async def test_an_issue_that_is_still_being_sent_is_kept_however_old(world: World) -> None:
    press = await a_press(world)
    await press.reader("bob@example.org")
    issue = await press.sending()
    world.clock.now += LONG
    await world.access.sweep()
    assert await press.states(issue) == {"queued": 1}
