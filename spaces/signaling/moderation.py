"""What hosts do to people and for guests, where a room's change and rows beside it belong to one transaction."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from access import bans
from access.bans import Blocked
from access.errors import AccessError
from access.guests import Pass
from access.model import Account
from spaces.db import guest_links
from spaces.db.guest_links import GuestLink
from spaces.db.reports import Report
from spaces.errors import RequestError
from spaces.room_commands import Block, Invite, Unblock, UseGuestLink
from spaces.room_permit import permit
from spaces.room_record import Invitation, Record
from spaces.room_rules import Act, Role
from spaces.signaling.live import Live
from spaces.signaling.services import Services

HOUR = timedelta(hours=1)


async def invite(services: Services, live: Live, me: Account, account: Account, role: Role) -> Invitation:
    """To the stage; he may accept or decline. Raises RequestError, 409 may_not_speak for who is kept out among them."""
    now = services.now()
    await services.door.change(live, Invite(me.id, account.id, now, role))
    return live.room.record.invitation_of(account.id) or Invitation(account.id, role, me.id, now)  # accepted already


async def block(services: Services, live: Live, me: Account, account: Account, reason: str) -> None:
    """Out now, and kept out of all Spaces of this creator from now on. Raises RequestError, AccessError."""
    creator = live.room.record.creator

    async def keep_out(connection: AsyncConnection) -> None:
        await bans.set_once(connection, me, account, creator, reason, services.access.now())

    await services.door.change(live, Block(me.id, account.id), [keep_out])
    services.rights.nudge()


async def unblock(services: Services, live: Live, me: Account, account: Account) -> None:
    """Whatever keeps him out of this creator's Spaces ends; what a community has against him stays."""
    creator = live.room.record.creator

    async def let_in(connection: AsyncConnection) -> None:
        await bans.end(connection, me, account, creator, services.access.now(), but_communities=True)

    await services.door.change(live, Unblock(me.id, account.id), [let_in])
    services.rights.nudge()


async def blocked(services: Services, record: Record, me: Account) -> list[Blocked]:
    permit(record, Act.SEE_BLOCKS, me.id)
    return await services.access.blocked(record.creator)


async def make_guest_link(services: Services, record: Record, me: Account, hours: int) -> tuple[GuestLink, str]:
    """The link, and what it carries. Raises RequestError(403 | 409 | 410 | 422)."""
    permit(record, Act.MAKE_GUEST_LINK, me.id)
    most = services.rooms.guest_link_hours_max
    if hours > most:
        raise RequestError(422, "bad_field", f"hours: {most} at most", field="hours")
    return await services.guest_links.make(record.id, record.creator, me.id, hours * HOUR, services.now())


async def use_guest_link(services: Services, live: Live, me: Account, token: str) -> None:
    """To the stage; the link is used up with that, and only with that. Raises RequestError(403 | 404 | 409 | 410)."""
    space = live.id

    async def use_up(connection: AsyncConnection) -> None:
        await guest_links.use(connection, space, token, me.id, services.now())

    await services.door.change(live, UseGuestLink(me.id), [use_up])


async def let_guest_in(services: Services, live: Live, token: str, name: str) -> Pass:
    """Somebody without an account, to the stage by a link. Raises RequestError(403 | 404 | 409 | 410 | 422), AccessError."""
    now = services.now()
    await services.guest_links.check(live.id, token, now)
    begins = max(now, live.room.record.scheduled_start or now)
    people = services.access.people
    made = await people.make_guest(live.id, name, begins + services.config.guest_hours_max * HOUR)
    try:
        await use_guest_link(services, live, made.account, token)
    except (RequestError, AccessError):
        await people.delete(made.account)  # nobody: the link is as good as before, or somebody else has used it
        raise
    return made


async def report(
    services: Services, record: Record, me: Account, about: Account | None, reason: str, detail: str
) -> Report:
    """Into the operators' queue. Raises RequestError(409 | 429)."""
    permit(record, Act.REPORT, me.id)
    if me.status != "active":
        raise RequestError(403, "suspended", "this account is suspended")
    if about is not None and about.id == me.id:
        raise RequestError(409, "own_account", "nobody reports himself")
    about_id = None if about is None else about.id
    return await services.reports.make(me.id, record.id, record.creator, about_id, reason, detail, services.now())
