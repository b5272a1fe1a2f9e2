"""Invitations to a Space over HTTP: given, listed and taken back by its hosts; found by whoever is invited."""

from __future__ import annotations

from access.invitations import Invitation
from access.model import Account
from spaces.errors import RequestError
from spaces.room_record import Record
from spaces.room_rules import PERMISSIONS, Act, State
from spaces.signaling.accounts import HOSTING_ROLES, need_account
from spaces.signaling.answers import SpacesView
from spaces.signaling.bodies import SpaceInvitation
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.rest_spaces import LISTED, show_many
from spaces.signaling.schemas_invitations import InvitationsView, InvitationView
from spaces.signaling.views import account_view


async def invite(call: Call) -> Answer:
    body: SpaceInvitation = call.body
    access, record = call.services.access, await _hosted(call)
    if record.state is State.CANCELLED:
        raise RequestError(410, "cancelled", "this Space is cancelled")
    account = await need_account(access, call.me, body.account)
    given = await access.invite(call.me, account, space=record.id, creator=record.creator)
    call.services.rights.nudge()
    return Answer((await _show(call, [given], call.me))[0], 201)


async def take_back(call: Call) -> None:
    access, record = call.services.access, await _hosted(call)
    account = await need_account(access, call.me, call.match("account"))
    await access.take_invitation_back(call.me, account, space=record.id, creator=record.creator)
    call.services.rights.nudge()


async def list_of_space(call: Call) -> InvitationsView:
    record = await _hosted(call)
    return InvitationsView(invitations=await _show(call, await call.services.access.invited(record.id), call.me))


async def list_mine(call: Call) -> SpacesView:
    """Those that are still to be, or are live, and are not suspended."""
    access = call.services.access
    to = await access.invitations_of(call.me)
    known = await call.services.rooms.records(to)
    suspended = await access.operators.kept_back({one.id: one.creator for one in known.values()})
    records = [known[space] for space in to if space in known and space not in suspended]
    return SpacesView(spaces=await show_many(call, [record for record in records if record.state in LISTED]))


async def _hosted(call: Call) -> Record:
    """The Space, if the caller is its host or co-host, or hosts for its creator. Raises RequestError(403 | 404)."""
    services = call.services
    record = await services.rooms.record(call.match("space"))
    if record.role_of(call.me.id) in PERMISSIONS[Act.INVITE]:
        if refused := await services.door.look(record, call.me):
            raise refused  # a place on stage is worth nothing to somebody who is kept out
    elif not await services.access.offers.may(call.me, record.creator, HOSTING_ROLES):
        raise RequestError(403, "not_permitted", "only the hosts may invite")
    return record


async def _show(call: Call, invitations: list[Invitation], viewer: Account) -> list[InvitationView]:
    named = {account for one in invitations for account in (one.account, one.by)}
    accounts = await call.services.access.accounts(named)
    return [
        InvitationView(
            account=account_view(accounts[one.account], viewer),
            by=account_view(accounts[one.by], viewer),
            created_at=one.created_at,
        )
        for one in invitations
    ]
