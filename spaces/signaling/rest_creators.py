"""Creators over HTTP: their public profile, what they offer, and what they give away."""

from __future__ import annotations

from access import comps
from access.creators import FINANCE_ROLES
from access.errors import AccessError
from access.model import Account, Creator
from spaces.errors import RequestError
from spaces.room_record import Record
from spaces.room_rules import State
from spaces.signaling.accounts import HOSTING_ROLES, need_account
from spaces.signaling.answers import (
    CompsView,
    CompView,
    CreatorView,
    MeView,
    MyCreatorsView,
    MyCreatorView,
    TierView,
)
from spaces.signaling.bodies import CreatorChanges, NewComp, NewCreator, NewTier
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.rest_spaces import show_many
from spaces.signaling.views import account_view, comp_view, standing_view, tier_view


async def get_me(call: Call) -> MeView:
    creator = await call.services.access.creator_of(call.me.id)
    profile = await call.services.access.people.profile(call.me)
    return MeView(
        account=account_view(profile.account, profile.account),
        is_creator=creator is not None,
        creator=None if creator is None else creator.handle,
        address=profile.address,
        is_operator=profile.is_operator,
    )


async def list_mine(call: Call) -> MyCreatorsView:
    access = call.services.access
    found = await access.offers.acted_for(call.me)
    accounts = await access.accounts({creator.id for creator, _ in found})
    return MyCreatorsView(
        creators=[
            MyCreatorView(
                account=account_view(accounts[creator.id], call.me),
                handle=creator.handle,
                name=creator.name,
                kind=creator.kind,  # type: ignore[arg-type]
                role=role,  # type: ignore[arg-type]
            )
            for creator, role in found
        ]
    )


async def create_creator(call: Call) -> Answer:
    body: NewCreator = call.body
    access = call.services.access
    if body.kind == "publication":
        creator = await access.offers.found_publication(call.me, handle=body.handle, name=body.name)
    else:
        creator = await access.create_creator(call.me, handle=body.handle, name=body.name)
    return Answer(await _show(call, creator), 201, (("Location", f"/v1/creators/{creator.handle}"),))


async def get_creator(call: Call) -> CreatorView:
    return await _show(call, await creator_named(call))


async def change_creator(call: Call) -> CreatorView:
    body: CreatorChanges = call.body
    return await _show(call, await call.services.access.offers.describe(call.me, await creator_named(call), body.about))


async def create_tier(call: Call) -> TierView:
    body: NewTier = call.body
    tier = await call.services.access.create_tier(
        call.me,
        await creator_named(call),
        name=body.name,
        level=body.level,
        amount_minor=body.price.amount_minor,
        currency=body.price.currency,
        interval=body.price.interval,
        benefits=body.benefits,
        state=body.state,
        trial_days=body.trial_days,
    )
    return tier_view(tier)


async def create_comp(call: Call) -> CompView:
    body: NewComp = call.body
    services = call.services
    creator = await creator_named(call)
    account = await need_account(services.access, call.me, body.account)
    comp = await services.access.create_comp(call.me, creator, account, tier=int(body.tier), ends_at=body.ends_at)
    services.rights.nudge()
    return comp_view(comp, {account.id: account}, call.me)


async def list_comps(call: Call) -> CompsView:
    access = call.services.access
    before = call.request.query.get("before")
    creator, last = await creator_named(call), None if before is None else read_id(before, "before")
    found = await access.comps(call.me, creator, before=last)
    accounts = await access.accounts({comp.account for comp in found})
    return CompsView(
        comps=[comp_view(comp, accounts, call.me) for comp in found],
        next=str(found[-1].id) if len(found) == comps.LISTED_MAX else None,
    )


async def end_comp(call: Call) -> CompView:
    services, number = call.services, call.match("comp")
    creator = await creator_named(call)
    comp = await services.access.end_comp(call.me, creator, read_id(number, "comp"))
    services.rights.nudge()
    return comp_view(comp, await services.access.accounts({comp.account}), call.me)


def read_id(text: str, what: str) -> int:
    """A decimal id in a path. Raises RequestError(404)."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) < 2**63):
        raise RequestError(404, f"unknown_{what}", f"there is no such {what}")
    return int(text)


async def creator_named(call: Call) -> Creator:
    return await call.services.access.creator(call.match("handle"))


async def _show(call: Call, creator: Creator) -> CreatorView:
    services, viewer = call.services, call.account
    drafts = viewer is not None and await services.access.offers.may(viewer, creator.id, FINANCE_ROLES)
    tiers = await services.access.tiers(creator.id, drafts=drafts)
    if not drafts and await services.access.operators.house_suspended(creator.id, None) is not None:
        tiers = []  # nothing of his is sold
    his_own = viewer is not None and viewer.id == creator.id  # also suspended: there is what he may cancel
    hosts = his_own or (viewer is not None and await services.access.offers.may(viewer, creator.id, HOSTING_ROLES))
    spaces = await services.rooms.listed((State.LIVE, State.SCHEDULED), creator=creator.id, suspended=hosts)
    standing = None if viewer is None else await services.access.follows.standing(viewer, creator.id)
    return CreatorView(
        account=account_view(await _account_of(call, creator), viewer),
        handle=creator.handle,
        name=creator.name,
        kind=creator.kind,  # type: ignore[arg-type]
        about=creator.about,
        tiers=[tier_view(tier) for tier in tiers],
        spaces=await show_many(call, sorted(spaces, key=_coming)),
        you=None if standing is None else standing_view(standing),
    )


def _coming(record: Record) -> tuple[int, float]:
    """Who is live first, then what is soonest, then what has no time."""
    if record.state is State.LIVE and record.started_at is not None:
        return 0, -record.started_at.timestamp()
    start = record.scheduled_start
    return (2, -record.created_at.timestamp()) if start is None else (1, start.timestamp())


async def _account_of(call: Call, creator: Creator) -> Account:
    found = await call.services.access.accounts({creator.id})
    if creator.id not in found:
        raise AccessError(404, "unknown_creator", "there is no such creator")
    return found[creator.id]
