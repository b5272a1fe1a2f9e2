"""Communities over HTTP: found, govern, join, leave."""

from __future__ import annotations

from access.benefit_model import CommunityMember
from access.communities import Settings
from access.community_members import LISTED_MAX
from access.community_rights import CommunityWay, Member
from access.community_service import CommunityState
from access.model import Account
from spaces.errors import RequestError
from spaces.room_rules import State
from spaces.signaling.accounts import need_account
from spaces.signaling.answers import SpacesView
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.rest_creators import read_id
from spaces.signaling.rest_spaces import show_many
from spaces.signaling.schemas_communities import (
    CommunitiesView,
    CommunityBan,
    CommunityChanges,
    CommunityMembersView,
    CommunityMemberView,
    CommunityView,
    Invitation,
    MembershipView,
    NewCommunity,
    NewOffice,
    NewRules,
    RequestAnswer,
    RulesAccepted,
)
from spaces.signaling.views import account_view, way_view


async def found(call: Call) -> Answer:
    body: NewCommunity = call.body
    access = call.services.access
    creator = await access.creator(call.match("handle"))
    settings = Settings(
        name=body.name,
        description=body.description,
        topics=body.topics,
        joining=body.joining,
        tier=None if body.tier is None else int(body.tier),
    )
    made = await access.communities.found(call.me, creator, settings, rules=body.rules)
    return Answer(await _show(call, made.id), 201, (("Location", f"/v1/communities/{made.id}"),))


async def list_of_creator(call: Call) -> CommunitiesView:
    access = call.services.access
    creator = await access.creator(call.match("handle"))
    found = await access.communities.of_creator(creator.id)
    return CommunitiesView(communities=[await _show(call, community.id) for community in found])


async def list_mine(call: Call) -> CommunitiesView:
    mine = await call.services.access.communities.of_account(call.me)
    return CommunitiesView(communities=[await _show(call, community.id) for _, community in mine])


async def get(call: Call) -> CommunityView:
    return await _show(call, _id(call))


async def change(call: Call) -> CommunityView:
    body: CommunityChanges = call.body
    settings = Settings(
        name=body.name,
        description=body.description,
        topics=body.topics,
        joining=body.joining,
        tier=None if body.tier is None else int(body.tier),
    )
    await call.services.access.communities.change(call.me, _id(call), settings)
    return await _done(call)


async def publish_rules(call: Call) -> CommunityView:
    body: NewRules = call.body
    await call.services.access.communities.publish_rules(call.me, _id(call), body.text)
    return await _done(call)


async def close(call: Call) -> CommunityView:
    await call.services.access.communities.close(call.me, _id(call))
    return await _done(call)


async def join(call: Call) -> CommunityView:
    body: RulesAccepted = call.body
    await call.services.access.communities.join(call.me, _id(call), rules_version=body.rules_version)
    return await _done(call)


async def leave(call: Call) -> CommunityView:
    await call.services.access.communities.leave(call.me, _id(call))
    return await _done(call)


async def list_spaces(call: Call) -> SpacesView:
    """Live and scheduled ones that name the community among those whose members they admit."""
    services = call.services
    community = await services.access.communities.get(_id(call))
    records = await services.rooms.listed((State.LIVE, State.SCHEDULED), creator=community.creator, suspended=False)
    ours = [record for record in records if any(rule.community == community.id for rule in record.access)]
    return SpacesView(spaces=await show_many(call, ours))


async def list_members(call: Call) -> CommunityMembersView:
    query = call.request.query
    after = read_after(query.get("after", "0"))
    access = call.services.access
    found = await access.communities.members(
        call.account, _id(call), state=query.get("state", "active"), after=after
    )  # fmt: skip
    accounts = await access.accounts({member.account for member in found})
    return CommunityMembersView(
        members=[_member_view(member, accounts[member.account], call.account) for member in found],
        after=str(found[-1].account) if len(found) == LISTED_MAX else None,
    )


async def invite(call: Call) -> CommunityMemberView:
    body: Invitation = call.body
    account = await need_account(call.services.access, call.me, body.account)
    return await _changed(call, await call.services.access.communities.invite(call.me, _id(call), account))


async def answer_request(call: Call) -> CommunityMemberView:
    body: RequestAnswer = call.body
    account, communities = await _named(call), call.services.access.communities
    return await _changed(call, await communities.answer(call.me, _id(call), account, accept=body.accept))


async def set_role(call: Call) -> CommunityMemberView:
    body: NewOffice = call.body
    account, communities = await _named(call), call.services.access.communities
    return await _changed(call, await communities.set_role(call.me, _id(call), account, role=body.role))


async def remove(call: Call) -> CommunityMemberView:
    account = await _named(call)
    return await _changed(call, await call.services.access.communities.remove(call.me, _id(call), account))


async def ban(call: Call) -> None:
    body: CommunityBan = call.body
    services = call.services
    account = await need_account(services.access, call.me, body.account)
    await services.access.communities.ban(call.me, _id(call), account, until=body.until, reason=body.reason)
    services.rights.nudge()


async def unban(call: Call) -> None:
    await call.services.access.communities.unban(call.me, _id(call), await _named(call))


def read_after(text: str) -> int:
    """Of a list's continuation. Raises RequestError(422)."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise RequestError(422, "bad_field", "after: as the last answer gave it", field="after")
    return int(text)


async def _named(call: Call) -> Account:
    return await need_account(call.services.access, call.me, call.match("account"))


async def _done(call: Call) -> CommunityView:
    call.services.rights.nudge()
    return await _show(call, _id(call))


async def _changed(call: Call, member: CommunityMember) -> CommunityMemberView:
    call.services.rights.nudge()
    accounts = await call.services.access.accounts({member.account})
    return _member_view(member, accounts[member.account], call.account)


async def _show(call: Call, community: int) -> CommunityView:
    access = call.services.access
    state = await access.communities.look(community, call.account)
    found = state.community
    creator = (await access.accounts({found.creator}))[found.creator]
    return CommunityView(
        id=str(found.id),
        creator=account_view(creator, call.account),
        name=found.name,
        description=found.description,
        topics=list(found.topics),
        joining=found.joining,  # type: ignore[arg-type]
        tier=None if found.tier is None else str(found.tier),
        rules=found.rules,
        rules_version=found.rules_version,
        members=state.members,
        created_at=found.created_at,
        closed_at=found.closed_at,
        you=_membership_view(state),
    )


def _membership_view(state: CommunityState) -> MembershipView:
    mine, way = state.mine, state.standing
    return MembershipView(
        member=isinstance(way, Member),
        role=mine.role if mine is not None and mine.state == "active" else None,  # type: ignore[arg-type]
        state=None if mine is None else mine.state,  # type: ignore[arg-type]
        blocked=state.blocked,
        way=way_view(way) if isinstance(way, CommunityWay) else None,
    )


def _member_view(member: CommunityMember, account: Account, viewer: Account | None) -> CommunityMemberView:
    return CommunityMemberView(
        account=account_view(account, viewer),
        role=member.role,  # type: ignore[arg-type]
        state=member.state,  # type: ignore[arg-type]
        rules_version=member.rules_version,
        since=member.since,
    )


def _id(call: Call) -> int:
    return read_id(call.match("community"), "community")
