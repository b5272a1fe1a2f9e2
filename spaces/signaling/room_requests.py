"""What a socket may ask of the room: each request as a command, by whoever sent it."""

from __future__ import annotations

from typing import assert_never

from access.model import Account
from spaces.errors import RequestError
from spaces.room_commands import (
    AcceptHand,
    AcceptInvitation,
    DeclineHand,
    DeclineInvitation,
    End,
    HandOver,
    LowerHand,
    MuteAll,
    MuteOther,
    MuteSelf,
    RaiseHand,
    Remove,
    SetLock,
    Start,
    TakeFromStage,
    Uninvite,
)
from spaces.room_rules import Role
from spaces.signaling import moderation, stingers
from spaces.signaling.accounts import need_account
from spaces.signaling.live import Entry, Live
from spaces.signaling.messages import (
    AccountBlock,
    AccountRemove,
    AccountUnblock,
    HandAccept,
    HandDecline,
    HandLower,
    HandRaise,
    InvitationAccept,
    InvitationDecline,
    Mute,
    RoomRequest,
    SpaceEnd,
    SpaceHandOver,
    SpaceLock,
    SpaceReport,
    SpaceStart,
    SpeakerMute,
    SpeakerRemove,
    StageInvite,
    StageMute,
    StageUninvite,
    StingerPlay,
    StingerStop,
)
from spaces.signaling.services import Services


async def do(services: Services, entry: Entry, request: RoomRequest) -> None:
    """Raises what problems.as_request_error knows."""
    live, me, now = entry.live, entry.account, services.now()
    if me is None:
        raise RequestError(401, "not_signed_in", "sign in first")
    rooms, door, by = services.rooms, services.door, me.id
    match request:
        case HandRaise():
            await raise_hand(services, live, me)
        case HandLower():
            await rooms.act(live, LowerHand(by))
        case HandDecline(account=whose):
            await rooms.act(live, DeclineHand(by, int(whose)))
        case HandAccept(account=whose):
            await door.change(live, AcceptHand(by, int(whose)))
        case SpeakerRemove(account=whose):
            await door.change(live, TakeFromStage(by, int(whose)))
        case Mute(muted=muted):
            await rooms.act(live, MuteSelf(by, muted))
        case SpeakerMute(account=whose):
            await rooms.act(live, MuteOther(by, int(whose)))
        case StageMute():
            await rooms.act(live, MuteAll(by))
        case StageInvite(account=whom, role=role):
            await moderation.invite(services, live, me, await need_account(services.access, me, whom), Role(role))
        case StageUninvite(account=whom):
            await door.change(live, Uninvite(by, int(whom)))
        case InvitationAccept():
            await door.change(live, AcceptInvitation(by))
        case InvitationDecline():
            await door.change(live, DeclineInvitation(by))
        case AccountRemove(account=whom):
            await door.change(live, Remove(by, int(whom)))
        case AccountBlock(account=whom, reason=reason):
            await moderation.block(services, live, me, await need_account(services.access, me, whom), reason)
        case AccountUnblock(account=whom):
            await moderation.unblock(services, live, me, await need_account(services.access, me, whom))
        case SpaceLock(locked=locked):
            await door.change(live, SetLock(by, locked))
        case SpaceHandOver(account=whom):
            await door.change(live, HandOver(by, int(whom)))
        case SpaceReport():
            await _report(services, live, me, request)
        case StingerPlay(stinger=stinger):
            await stingers.play(services, live, me, int(stinger))
        case StingerStop():
            stingers.stop(services, live, me)
        case SpaceStart():
            await door.change(live, Start(by, now))
        case SpaceEnd():
            await door.change(live, End(by, now))
        case _:
            assert_never(request)


async def raise_hand(services: Services, live: Live, me: Account) -> None:
    """Raises RequestError(402 | 403 | 409 | 429)."""
    subscriber = await services.door.check_promotion(live, me)
    await services.rooms.act(live, RaiseHand(me.id, services.now(), subscriber))


async def _report(services: Services, live: Live, me: Account, request: SpaceReport) -> None:
    about = None if request.account is None else await need_account(services.access, me, request.account)
    await moderation.report(services, live.room.record, me, about, request.reason, request.detail)
