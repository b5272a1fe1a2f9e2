"""What hosts do in a Space over HTTP: lock, hand over, mute, remove, block, and whom they invite to the stage."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from access.model import Account
from spaces.db.guest_links import GuestLink
from spaces.errors import RequestError
from spaces.room_commands import (
    AcceptInvitation,
    DeclineInvitation,
    HandOver,
    MuteAll,
    MuteOther,
    Remove,
    SetLock,
    Uninvite,
)
from spaces.room_rules import Act, Role
from spaces.signaling import moderation
from spaces.signaling.accounts import need_account
from spaces.signaling.answers import SpaceView, StageInvitationView
from spaces.signaling.endpoint import Call
from spaces.signaling.rest_creators import read_id
from spaces.signaling.rest_spaces import do, inside, show
from spaces.signaling.schemas_rooms import (
    BlocksView,
    BlockView,
    GuestLinksView,
    GuestLinkUse,
    GuestLinkView,
    GuestPassView,
    NewBlock,
    NewGuest,
    NewGuestLink,
    NewGuestLinkView,
    NewMute,
    NewStageInvitation,
    SomebodyInSpace,
    StageInvitationsView,
)
from spaces.signaling.views import Accounts, account_view, invitation_view, invitations_view


async def lock(call: Call) -> SpaceView:
    return await do(call, SetLock(call.me.id, True))


async def unlock(call: Call) -> SpaceView:
    return await do(call, SetLock(call.me.id, False))


async def hand_over(call: Call) -> SpaceView:
    body: SomebodyInSpace = call.body
    return await do(call, HandOver(call.me.id, (await _account(call, body.account)).id))


async def mute(call: Call) -> SpaceView:
    body: NewMute = call.body
    muting = MuteAll(call.me.id)
    one = None if body.account is None else MuteOther(call.me.id, (await _account(call, body.account)).id)
    async with inside(call) as live:
        await call.services.rooms.act(live, one or muting)
        return await show(call, live.room.record)


async def remove(call: Call) -> None:
    body: SomebodyInSpace = call.body
    await do(call, Remove(call.me.id, (await _account(call, body.account)).id))


# --- blocks


async def block(call: Call) -> None:
    body: NewBlock = call.body
    account = await _account(call, body.account)
    async with inside(call) as live:
        await moderation.block(call.services, live, call.me, account, body.reason)


async def unblock(call: Call) -> None:
    account = await _account(call, call.match("account"))
    async with inside(call) as live:
        await moderation.unblock(call.services, live, call.me, account)


async def list_blocks(call: Call) -> BlocksView:
    async with inside(call) as live:
        found = await moderation.blocked(call.services, live.room.record, call.me)
    accounts = await call.services.access.accounts({id for one in found for id in (one.account, one.by) if id})
    return BlocksView(
        blocks=[
            BlockView(
                account=account_view(accounts[one.account], call.me),
                space=one.space,
                since=one.since,
                until=one.until,
                by=None if one.by is None else account_view(accounts[one.by], call.me),
                reason=one.reason,
            )
            for one in found
        ]
    )


# --- invitations to the stage


async def invite(call: Call) -> StageInvitationView:
    body: NewStageInvitation = call.body
    account = await _account(call, body.account)
    async with inside(call) as live:
        invitation = await moderation.invite(call.services, live, call.me, account, Role(body.role))
        return invitation_view(invitation, live.accounts)


async def uninvite(call: Call) -> None:
    await do(call, Uninvite(call.me.id, (await _account(call, call.match("account"))).id))


async def list_invitations(call: Call) -> StageInvitationsView:
    async with inside(call) as live:
        live.room.permit(Act.SEE_INVITATIONS, call.me.id)
        return StageInvitationsView(invitations=invitations_view(live.room.record, live.accounts))


async def accept_invitation(call: Call) -> SpaceView:
    return await do(call, AcceptInvitation(call.me.id))


async def decline_invitation(call: Call) -> None:
    await do(call, DeclineInvitation(call.me.id))


# --- guest links


async def make_guest_link(call: Call) -> NewGuestLinkView:
    body: NewGuestLink = call.body
    services = call.services
    async with inside(call) as live:
        link, token = await moderation.make_guest_link(services, live.room.record, call.me, body.hours)
    [view] = await _link_views(call, [link])
    return NewGuestLinkView(
        **structs.asdict(view),
        url=f"{services.url()}/s/{live.id}#guest={token}",  # a fragment is sent to no server and stands in no log
        token=token,
    )


async def list_guest_links(call: Call) -> GuestLinksView:
    async with inside(call) as live:
        live.room.permit(Act.SEE_INVITATIONS, call.me.id)
    return GuestLinksView(guest_links=await _link_views(call, await call.services.guest_links.of_space(live.id)))


async def revoke_guest_link(call: Call) -> None:
    services, link = call.services, read_id(call.match("link"), "link")
    async with inside(call) as live:
        live.room.permit(Act.MAKE_GUEST_LINK, call.me.id)
        record = live.room.record
    await services.guest_links.revoke(record.id, record.creator, call.me.id, link, services.now())


async def use_guest_link(call: Call) -> SpaceView:
    body: GuestLinkUse = call.body
    async with inside(call) as live:
        await moderation.use_guest_link(call.services, live, call.me, body.token)
        return await show(call, live.room.record)


async def let_guest_in(call: Call) -> GuestPassView:
    body: NewGuest = call.body
    services = call.services
    services.limiters.sign_ins.take(call.address, services.clock())
    if call.account is not None:
        raise RequestError(409, "signed_in", "who is signed in uses the link by that account")
    async with services.rooms.hold(call.match("space")) as live:
        made = await moderation.let_guest_in(services, live, body.token, body.name)
    return GuestPassView(account=account_view(made.account), token=made.token, expires_at=made.expires_at)


async def _account(call: Call, ref: str) -> Account:
    return await need_account(call.services.access, call.me, ref)


async def _link_views(call: Call, links: list[GuestLink]) -> list[GuestLinkView]:
    ids = {id for link in links for id in (link.made_by, link.used_by) if id is not None}
    accounts, now = await call.services.access.accounts(ids), call.services.now()
    return [_link_view(link, accounts, call.me, now) for link in links]


def _link_view(link: GuestLink, accounts: Accounts, viewer: Account, now: datetime) -> GuestLinkView:
    if link.used_at is not None:
        state = "used"
    elif link.revoked_at is not None:
        state = "revoked"
    else:
        state = "open" if link.expires_at > now else "expired"
    return GuestLinkView(
        id=str(link.id),
        state=state,  # type: ignore[arg-type]
        made_by=account_view(accounts[link.made_by], viewer),
        created_at=link.created_at,
        expires_at=link.expires_at,
        used_by=None if link.used_by is None else account_view(accounts[link.used_by], viewer),
        used_at=link.used_at,
    )
