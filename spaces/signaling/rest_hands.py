"""Asking to speak over HTTP, and its answer; and one's own mute."""

from __future__ import annotations

from spaces.room_commands import AcceptHand, DeclineHand, LowerHand, MuteSelf, StoredAfter
from spaces.room_record import Record
from spaces.room_rules import Act
from spaces.signaling import room_requests
from spaces.signaling.accounts import need_account
from spaces.signaling.answers import SpaceView
from spaces.signaling.endpoint import Call
from spaces.signaling.live import Live
from spaces.signaling.rest_spaces import do, inside, present, show
from spaces.signaling.schemas_rooms import HandsView, OwnHandView
from spaces.signaling.views import hands_view


async def raise_hand(call: Call) -> OwnHandView:
    async with present(call, Act.RAISE_HAND) as entry:
        await room_requests.raise_hand(call.services, entry.live, call.me)
        return _own(call, entry.live)


async def lower_hand(call: Call) -> None:
    await _act(call, LowerHand(call.me.id))


async def get_own_hand(call: Call) -> OwnHandView:
    async with inside(call) as live:
        return _own(call, live)


async def list_hands(call: Call) -> HandsView:
    async with inside(call) as live:
        live.room.permit(Act.SEE_HANDS, call.me.id)
        return HandsView(hands=hands_view(live.room, live.accounts))


async def accept_hand(call: Call) -> SpaceView:
    return await do(call, AcceptHand(call.me.id, await _whose(call)))


async def decline_hand(call: Call) -> None:
    await _act(call, DeclineHand(call.me.id, await _whose(call)))


async def mute(call: Call) -> SpaceView:
    return await show(call, await _act(call, MuteSelf(call.me.id, True)))


async def unmute(call: Call) -> SpaceView:
    return await show(call, await _act(call, MuteSelf(call.me.id, False)))


async def _act(call: Call, command: StoredAfter) -> Record:
    async with inside(call) as live:
        await call.services.rooms.act(live, command)
        return live.room.record


async def _whose(call: Call) -> int:
    return (await need_account(call.services.access, call.me, call.match("account"))).id


def _own(call: Call, live: Live) -> OwnHandView:
    since = live.room.hands.get(call.me.id)
    return OwnHandView(raised=since is not None, since=since)
