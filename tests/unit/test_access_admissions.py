"""Between being let in and hearing: admissions, epochs, bans, and the news that a right has changed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from access import admissions
from access.decide import Action, Allow, Deny, Policy, Resource
from access.errors import AccessError
from access.model import Admission, RightsChanged
from tests.harness.world import World, open_to_all, subscribers_only


async def admitted(world: World) -> tuple[Admission, tuple[object, ...]]:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    paid = await world.subscribe(fan, creator, tier)
    admission = await world.access.admit(fan, Action.JOIN, subscribers_only(creator, tier))
    assert isinstance(admission, Admission)
    assert admission.allow.not_after == paid.until
    return admission, (owner, creator, tier, fan, paid)


async def state_of(world: World, admission: Admission) -> str:
    return str((await world.rows(f"SELECT state FROM admissions WHERE id = {admission.id}"))[0][0])


async def test_an_admission_goes_from_pending_to_seated_to_left(world: World) -> None:
    admission, _ = await admitted(world)
    assert await state_of(world, admission) == "pending"
    assert await world.access.confirm(admission.id)
    assert await world.access.confirm(admission.id)
    assert await state_of(world, admission) == "seated"
    await world.access.leave(admission.id)
    await world.access.leave(admission.id, evicted=True)
    assert await state_of(world, admission) == "left"
    assert not await world.access.confirm(admission.id)
    assert not await world.access.confirm(10**6)


async def test_who_is_denied_leaves_no_row(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    assert isinstance(await world.access.admit(fan, Action.JOIN, subscribers_only(creator, tier)), Deny)
    assert await world.rows("SELECT count(*) FROM admissions") == [(0,)]


async def test_a_right_that_ends_between_admission_and_media_is_noticed(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    resource = subscribers_only(creator, tier)
    paid = await world.subscribe(fan, creator, tier)
    first = await world.access.admit(fan, Action.JOIN, resource)
    await world.access.follows.cancel(owner, paid.id, at="now")
    await world.access.create_comp(owner, creator, fan, tier=tier.id, ends_at=world.clock.now + timedelta(seconds=9))
    second = await world.access.admit(fan, Action.JOIN, resource)
    assert isinstance(first, Admission)
    assert isinstance(second, Admission)
    assert not await world.access.confirm(first.id), "admitted on a right that has ended, though there is a new one"
    assert await world.access.confirm(second.id)
    world.clock.forward(seconds=9)
    assert not await world.access.confirm(second.id), "no event told of it: its date came"


async def test_leaving_all_seats(world: World) -> None:
    _, creator = await world.creator()
    seats = [await world.access.admit(None, Action.JOIN, open_to_all(creator, space)) for space in ("one", "two")]
    one, two = (seat for seat in seats if isinstance(seat, Admission))
    await world.access.leave_all("one")
    assert (await state_of(world, one), await state_of(world, two)) == ("left", "pending")
    await world.access.leave_all()
    assert await state_of(world, two) == "left"


async def test_a_stage_role_admits_whoever_does_not_pay_and_no_other_may_speak(world: World) -> None:
    owner, creator = await world.creator()
    tier, guest = await world.tier(owner, creator), await world.person()
    resource = subscribers_only(creator, tier)
    assert isinstance(await world.access.decide(guest, Action.SPEAK, resource, role="speaker"), Allow)
    assert isinstance(await world.access.decide(owner, Action.SPEAK, resource), Allow)
    denied = await world.access.decide(guest, Action.SPEAK, resource)
    assert isinstance(denied, Deny)
    assert denied.status == 402
    await world.subscribe(guest, creator, tier)
    denied = await world.access.decide(guest, Action.SPEAK, resource)
    assert isinstance(denied, Deny)
    assert (denied.status, denied.reason) == (403, "not_on_stage")


async def test_anonymous_people_hear_open_spaces_and_are_asked_to_sign_in_elsewhere(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    assert isinstance(await world.access.decide(None, Action.JOIN, open_to_all(creator)), Allow)
    denied = await world.may_join(None, creator, tier)
    assert isinstance(denied, Deny)
    assert (denied.status, denied.reason, len(denied.offers)) == (401, "not_signed_in", 1)
    members = Resource("aSpace", creator.id, (Policy("members"),))
    denied = await world.access.decide(None, Action.JOIN, members)
    assert isinstance(denied, Deny)
    assert (denied.status, denied.offers) == (401, ())
    assert isinstance(await world.access.decide(await world.person(), Action.JOIN, members), Allow)
    assert isinstance(await world.access.decide(None, Action.SPEAK, open_to_all(creator), role="speaker"), Deny)


async def test_a_ban_overrides_grant_and_role_until_it_is_lifted(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    await world.subscribe(fan, creator, tier)
    admission = await world.access.admit(fan, Action.JOIN, open_to_all(creator))
    assert isinstance(admission, Admission)
    cursor = await world.access.cursor()
    await world.access.ban(owner, fan, creator=creator.id, reason="shouting")
    assert not await world.access.confirm(admission.id)
    for resource in (open_to_all(creator), subscribers_only(creator, tier)):
        denied = await world.access.decide(fan, Action.JOIN, resource, role="cohost")
        assert isinstance(denied, Deny)
        assert (denied.status, denied.reason) == (403, "blocked")
    await world.access.unban(owner, fan, creator=creator.id)
    assert isinstance(await world.may_join(fan, creator, tier), Allow)
    changes, _ = await world.access.changes(cursor)
    assert changes == [RightsChanged(fan.id, creator.id)] * 2


async def test_a_ban_from_one_space_and_one_with_an_end(world: World) -> None:
    owner, creator = await world.creator()
    fan = await world.person()
    await world.access.ban(owner, fan, creator=creator.id, space="one", until=world.clock.now + timedelta(hours=1))
    assert isinstance(await world.access.decide(fan, Action.JOIN, open_to_all(creator, "one")), Deny)
    assert isinstance(await world.access.decide(fan, Action.JOIN, open_to_all(creator, "two")), Allow)
    world.clock.forward(hours=1)
    assert isinstance(await world.access.decide(fan, Action.JOIN, open_to_all(creator, "one")), Allow)
    with pytest.raises(AccessError, match="409 own_house"):
        await world.access.ban(owner, owner, creator=creator.id)


async def test_changes_come_in_order_and_none_is_skipped(world: World) -> None:
    owner, creator = await world.creator()
    tier = await world.tier(owner, creator)
    fans = [await world.person() for _ in range(6)]
    cursor = await world.access.cursor()
    seen: list[int] = []

    async def watch() -> None:
        nonlocal cursor
        while len(seen) < len(fans):
            changes, cursor = await world.access.changes(cursor)
            seen.extend(change.account for change in changes)
            await asyncio.sleep(0.005)

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        for fan in fans:
            tasks.create_task(world.subscribe(fan, creator, tier))
    assert sorted(seen) == sorted(fan.id for fan in fans)
    assert await world.access.changes(cursor) == ([], cursor)


async def test_a_refused_change_publishes_nothing(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    await world.subscribe(fan, creator, tier)
    cursor, trail = await world.access.cursor(), await world.rows("SELECT count(*) FROM audit_log")
    with pytest.raises(AccessError):
        await world.access.follows.subscribe(fan, creator, tier=tier.id)
    with pytest.raises(AccessError):
        await world.access.ban(owner, fan, creator=creator.id, until=world.clock.now)
    assert await world.access.cursor() == cursor
    assert await world.rows("SELECT count(*) FROM audit_log") == trail


async def test_ended_admissions_are_forgotten_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admissions, "FORGOTTEN_AT_ONCE", 2)
    _, creator = await world.creator()
    resource = open_to_all(creator)

    async def come() -> int:
        admission = await world.access.admit(None, Action.JOIN, resource)
        assert isinstance(admission, Admission)
        return admission.id

    stays, *old = [await come() for _ in range(6)]
    for id in old:
        await world.access.leave(id)
    world.clock.forward(days=30)
    recent = await come()
    await world.access.leave(recent, evicted=True)
    await world.access.sweep()
    assert len(await world.rows("SELECT id FROM admissions")) == 7
    world.clock.forward(days=60, seconds=1)
    await world.access.sweep()
    assert await world.rows("SELECT id FROM admissions ORDER BY id") == [(stays,), (recent,)]
    assert await world.access.confirm(stays), "whoever is still there is no matter of age"


async def test_the_sweep_forgets_old_news_only(world: World) -> None:
    admission, _ = await admitted(world)
    before = await world.access.cursor()
    await world.access.sweep()
    assert len((await world.access.changes(0))[0]) == 1
    world.clock.forward(days=8)
    await world.access.sweep()
    assert (await world.access.changes(0))[0] == []
    assert await world.access.cursor() == before, "numbers go on, so that no cursor is left behind"
    assert admission.id
