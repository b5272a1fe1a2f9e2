"""A host's short sounds over HTTP."""

from __future__ import annotations

import asyncio
import io
import wave

import numpy as np
from aiohttp import web

from spaces.db.stingers import StoredStinger
from spaces.errors import RequestError
from spaces.mixing.opus import SAMPLE_RATE
from spaces.mixing.stored_sound import unpack
from spaces.signaling import stingers
from spaces.signaling.endpoint import Call, read_up_to
from spaces.signaling.messages import StingerPlaying
from spaces.signaling.rest_creators import read_id
from spaces.signaling.rest_spaces import inside
from spaces.signaling.schemas_stingers import StingersView, StingerView
from spaces.signaling.views import account_view

FILE_BYTES_MAX = 4 << 20
"""15 s of a stereo WAV file at 48 kHz and 16 bits take 2.9 MB."""
FILE_SECONDS_MAX = 60.0


async def add(call: Call) -> StingerView:
    request = call.request
    if not request.content_type.startswith("audio/"):
        raise RequestError(
            415, "bad_content_type", "the body is to be a sound file: audio/wav, audio/mpeg, audio/ogg …"
        )
    name = request.query.get("name", "")
    async with inside(call) as live:
        made = await stingers.add(
            call.services, live, call.me, name, lambda: read_up_to(request, FILE_BYTES_MAX, FILE_SECONDS_MAX)
        )
        return (await _views(call, [made]))[0]


async def list_stingers(call: Call) -> StingersView:
    async with inside(call) as live:
        found = await stingers.of_space(call.services, live, call.me)
        return StingersView(stingers=await _views(call, found), playing=live.stinger)


async def remove(call: Call) -> None:
    async with inside(call) as live:
        await stingers.remove(call.services, live, call.me, _id(call))


async def sound(call: Call) -> web.Response:
    """As it is played, but for the fades."""
    async with inside(call) as live:
        await stingers.of_space(call.services, live, call.me)
        _, stored = await call.services.stingers.sound(live.room.record.creator, _id(call))
    body = await asyncio.to_thread(_wav, stored)
    return web.Response(body=body, content_type="audio/wav", headers={"Cache-Control": "no-store"})


async def play(call: Call) -> StingerPlaying:
    async with inside(call) as live:
        return await stingers.play(call.services, live, call.me, _id(call))


async def stop(call: Call) -> None:
    async with inside(call) as live:
        stingers.stop(call.services, live, call.me)


def _id(call: Call) -> int:
    return read_id(call.match("stinger"), "stinger")


async def _views(call: Call, found: list[StoredStinger]) -> list[StingerView]:
    accounts = await call.services.access.accounts({one.made_by for one in found})
    return [
        StingerView(
            id=str(one.id),
            name=one.name,
            seconds=stingers.seconds_of(one),
            made_by=account_view(accounts[one.made_by], call.me),
            created_at=one.created_at,
        )
        for one in found
    ]


def _wav(stored: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(np.clip(unpack(stored), -1.0, 1.0) * 32_767).astype("<i2").tobytes())
    return out.getvalue()
