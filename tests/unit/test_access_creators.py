"""Creators, tiers and prices, and who may change them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from access import members
from access.errors import AccessError
from access.model import Creator
from tests.harness.world import World

pytestmark = pytest.mark.thorough


async def test_a_creator_has_a_handle_of_his_own(world: World) -> None:
    ada, bob = await world.person(), await world.person("bob")
    creator = await world.access.create_creator(ada, handle="@Ada", name="Ada Lovelace")
    assert (creator.id, creator.handle, creator.name, creator.kind) == (ada.id, "Ada", "Ada Lovelace", "person")
    assert await world.access.creator("ADA") == creator
    assert await world.access.creator("@ada") == creator
    assert await world.access.creator_of(bob.id) is None
    with pytest.raises(AccessError, match="409 already_creator"):
        await world.access.create_creator(ada, handle="ada2")
    with pytest.raises(AccessError, match="409 handle_taken"):
        await world.access.create_creator(bob, handle="aDa")
    assert (await world.access.create_creator(bob, handle="bob")).handle == "bob"
    for handle in ("nobody", "", "\0", "17"):
        with pytest.raises(AccessError, match="404 unknown_creator"):
            await world.access.creator(handle)


async def test_he_says_of_himself_what_fits_and_it_goes_with_him(world: World) -> None:
    ada, creator = await world.creator("ada")
    bob = await world.person("bob")
    offers = world.access.offers
    assert (await world.access.creator("ada")).about == ""
    described = await offers.describe(ada, creator, "  I play.\r\nOften.\n")
    assert described.about == (await world.access.creator("ada")).about == "I play.\nOften."
    for text in ("x" * 1_001, "a\0b"):
        with pytest.raises(AccessError, match="422 bad_field"):
            await offers.describe(ada, creator, text)
    with pytest.raises(AccessError, match="403 not_creator"):
        await offers.describe(bob, creator, "Not me.")
    assert "I play" in str(await world.access.people.export(ada))
    await world.access.people.delete(ada)
    assert "I play" not in str((await world.access.creator_of(ada.id),))


async def test_of_two_who_want_a_handle_at_once_one_gets_it(world: World) -> None:
    people = [await world.person() for _ in range(4)]

    async def attempt(number: int) -> Creator | AccessError:
        try:
            return await world.access.create_creator(people[number], handle="wanted")
        except AccessError as error:
            return error

    outcomes = await asyncio.gather(*(attempt(number) for number in range(4)))
    assert sum(isinstance(outcome, Creator) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, AccessError)} == {"handle_taken"}


NO_HANDLES = ["", "@", "two words", "a/b", "x" * 65, "ünï", "a\n"]


async def test_a_handle_must_fit_in_an_address(world: World) -> None:
    person = await world.person()
    for handle in NO_HANDLES:
        with pytest.raises(AccessError) as caught:
            await world.access.create_creator(person, handle=handle)
        assert (caught.value.status, caught.value.field) == (422, "handle"), handle


BAD_TIERS: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "name"),
    ({"name": "x\0"}, "name"),
    ({"level": -1}, "level"),
    ({"level": 10**12}, "level"),
    ({"amount_minor": 0}, "amount_minor"),
    ({"amount_minor": -5}, "amount_minor"),
    ({"amount_minor": 10**18}, "amount_minor"),
    ({"currency": "ABC"}, "currency"),
    ({"currency": ""}, "currency"),
    ({"interval": "week"}, "interval"),
    ({"benefits": ["space.join", "gold"]}, "benefits"),
    ({"state": "archived"}, "state"),
]


async def test_a_bad_field_is_named_and_nothing_is_kept(world: World) -> None:
    owner, creator = await world.creator()
    for options, field in BAD_TIERS:
        with pytest.raises(AccessError) as caught:
            await world.tier(owner, creator, **options)
        assert (caught.value.status, caught.value.code, caught.value.field) == (422, "bad_field", field), options
        assert await world.access.tiers(creator.id, drafts=True) == []


async def test_a_tier_goes_from_draft_to_published_to_archived(world: World) -> None:
    owner, creator = await world.creator()
    other, _ = await world.creator()
    draft = await world.tier(owner, creator, state="draft", currency="eur")
    assert (draft.state, draft.prices[0].currency, draft.benefits) == (
        "draft",
        "EUR",
        ("space.join", "space.speak", "space.replay"),
    )
    assert await world.access.tiers(creator.id) == []
    assert await world.access.tiers(creator.id, drafts=True) == [draft]
    with pytest.raises(AccessError, match="409 not_on_sale"):
        await world.access.follows.subscribe(await world.person(), creator, tier=draft.id)
    with pytest.raises(AccessError, match="403 not_creator"):
        await world.access.publish_tier(other, draft.id)
    published = await world.access.publish_tier(owner, draft.id)
    assert await world.access.tiers(creator.id) == [published]
    with pytest.raises(AccessError, match="409 bad_state"):
        await world.access.publish_tier(owner, draft.id)
    archived = await world.access.archive_tier(owner, draft.id)
    assert archived.state == "archived"
    assert await world.access.tiers(creator.id) == []
    assert await world.access.tier(draft.id) == archived
    assert await world.access.tier(10**19) is None


async def test_a_published_price_is_replaced_never_changed(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    paid = await world.subscribe(fan, creator, tier)
    dearer = await world.access.replace_price(owner, tier.id, amount_minor=999, currency="USD")
    assert [price.amount_minor for price in dearer.prices] == [999]
    assert dearer.prices[0].id != tier.prices[0].id
    assert (await world.access.follows.of_account(fan))[0].amount_minor == paid.amount_minor == 199
    history = await world.rows("SELECT amount_minor, state FROM tier_prices ORDER BY id")
    assert history == [(199, "archived"), (999, "published")]
    both = await world.access.replace_price(owner, tier.id, amount_minor=500, currency="JPY")
    assert [(price.currency, price.amount_minor) for price in both.prices] == [("JPY", 500), ("USD", 999)]


async def test_only_the_creator_makes_tiers(world: World) -> None:
    _, creator = await world.creator()
    with pytest.raises(AccessError, match="403 not_creator"):
        await world.tier(await world.person(), creator)


async def test_a_tier_of_another_creator_is_not_sold_or_given_here(world: World) -> None:
    owner, creator = await world.creator()
    _, other = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    with pytest.raises(AccessError, match="404 unknown_tier"):
        await world.access.follows.subscribe(fan, other, tier=tier.id)
    with pytest.raises(AccessError, match="404 unknown_tier"):
        await world.access.follows.subscribe(fan, creator, tier=10**19)


async def test_every_deed_is_in_the_audit_trail_and_no_secret_is(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    paid = await world.subscribe(fan, creator, tier)
    await world.access.follows.cancel(owner, paid.id, at="now")
    rows = await world.rows(
        "SELECT action, by_whom.account, of_whom.account FROM audit_log"
        " LEFT JOIN pseudonyms by_whom ON by_whom.pseudonym = actor"
        " LEFT JOIN pseudonyms of_whom ON of_whom.pseudonym = audit_log.account ORDER BY seq"
    )
    assert [tuple(row) for row in rows] == [
        ("key.added", None, None),
        ("creator.created", owner.id, None),
        ("tier.created", owner.id, None),
        ("subscription.begun", fan.id, fan.id),
        ("subscription.checkout_paid", None, fan.id),
        ("subscription.paid", None, fan.id),
        ("subscription.told", None, fan.id),
        ("subscription.ended", owner.id, fan.id),
        ("subscription.told", None, fan.id),
    ]
    bodies = await world.rows("SELECT body FROM audit_log")
    assert "secret" not in str(bodies)


async def test_tiers_and_comps_are_few_enough_to_decide_by(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every decision reads them all: nobody can make his own Spaces' decisions slow for the whole node."""
    monkeypatch.setattr("access.creators.TIERS_MAX", 3)
    monkeypatch.setattr("access.comps.COMPS_MAX", 2)
    owner, creator = await world.creator()
    tiers = [await world.tier(owner, creator) for _ in range(3)]
    with pytest.raises(AccessError, match="409 too_many_tiers"):
        await world.tier(owner, creator)
    fan, other = await world.person(), await world.person()
    for _ in range(2):
        await world.access.create_comp(owner, creator, fan, tier=tiers[0].id)
    with pytest.raises(AccessError, match="409 too_many_comps"):
        await world.access.create_comp(owner, creator, fan, tier=tiers[0].id)
    await world.access.create_comp(owner, creator, other, tier=tiers[0].id)


async def test_a_suspended_account_does_not_become_a_creator(world: World) -> None:
    await world.access.suspend(ada := await world.person())
    suspended = (await world.access.accounts([ada.id]))[ada.id]
    with pytest.raises(AccessError, match="403 suspended"):
        await world.access.create_creator(suspended, handle="ada")


async def test_nobody_takes_handles_without_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "OWNED_MAX", 2)
    founder = await world.person()
    found = [world.access.offers.found_publication(founder, handle=f"paper-{n}", name=None) for n in range(4)]
    made = await asyncio.gather(*found, return_exceptions=True)
    assert len([one for one in made if isinstance(one, Creator)]) == 2
    assert {one.code for one in made if isinstance(one, AccessError)} == {"too_many_publications"}
    await world.access.create_creator(founder, handle="himself")
