"""A host's short sounds: brought in from files that nobody trusts, played into a Space and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from access.fields import text
from access.model import Account
from spaces.db.stingers import StoredStinger, check_room
from spaces.errors import RemoteError, RequestError
from spaces.mixing.opus import SAMPLE_RATE
from spaces.mixing.stored_sound import pack, unpack
from spaces.room_rules import Act
from spaces.signaling.live import Live
from spaces.signaling.messages import StingerPlaying
from spaces.signaling.services import Services
from spaces.signaling.views import account_view

NAME_LENGTH_MAX = 60


async def add(
    services: Services, live: Live, me: Account, name: str, file: Callable[[], Awaitable[bytes]]
) -> StoredStinger:
    """`file` is asked for only of who may add one. Raises RequestError (422 `bad_sound` among them), AccessError."""
    live.room.permit(Act.USE_STINGERS, me.id)
    name = text(name, "name", NAME_LENGTH_MAX)
    creator = live.room.record.creator
    check_room(len(await services.stingers.of_creator(creator)))
    with services.limiters.uploads.one(str(me.id)):
        try:
            samples = await services.sounds.read_untrusted(await file())
        except RemoteError as error:
            raise RequestError(422, error.cause, error.detail, field="") from None
        stored = await asyncio.to_thread(pack, samples)
    live.room.permit(Act.USE_STINGERS, me.id)  # that took a while
    return await services.stingers.add(creator, name, len(samples), stored, me.id, live.id, services.now())


async def of_space(services: Services, live: Live, me: Account) -> list[StoredStinger]:
    live.room.permit(Act.USE_STINGERS, me.id)
    return await services.stingers.of_creator(live.room.record.creator)


async def remove(services: Services, live: Live, me: Account, stinger: int) -> None:
    """What is played of it ends. Raises RequestError(404)."""
    live.room.permit(Act.USE_STINGERS, me.id)
    await services.stingers.remove(live.room.record.creator, stinger, me.id, live.id, services.now())
    if live.stinger is not None and live.stinger.id == str(stinger):
        services.media.stop_playing(live.id)


async def play(services: Services, live: Live, me: Account, stinger: int) -> StingerPlaying:
    """Instead of what is played now. Raises RequestError(404)."""
    live.room.permit(Act.USE_STINGERS, me.id)
    found, stored = await services.stingers.sound(live.room.record.creator, stinger)
    samples = await asyncio.to_thread(unpack, stored)
    live.room.permit(Act.USE_STINGERS, me.id)  # that took a moment
    playing = StingerPlaying(
        id=str(found.id), name=found.name, seconds=seconds_of(found), by=account_view(live.accounts.get(me.id, me))
    )  # fmt: skip

    def over() -> None:
        if live.stinger is playing:
            live.set_stinger(None)

    live.set_stinger(playing)
    services.media.play(live.id, samples, over)
    return playing


def stop(services: Services, live: Live, me: Account) -> None:
    """It fades out; nothing happens if nothing is played."""
    live.room.permit(Act.USE_STINGERS, me.id)
    services.media.stop_playing(live.id)


def seconds_of(stinger: StoredStinger) -> float:
    return round(stinger.samples / SAMPLE_RATE, 2)
