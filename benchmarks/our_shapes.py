"""Our server as scenes see it: the audience's mix over WHEP, and the stage's forwarding over the page's socket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from urllib.parse import urljoin

from benchmarks.scenes import Listening, Room, Speaking
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered, hearing
from tests.harness.client import RtcClient

RED_PAYLOAD_TYPE = 63


class Spaces:
    """Speakers by WHIP, listeners by WHEP."""

    def __init__(self, api: Api) -> None:
        self.api = api

    @contextlib.asynccontextmanager
    async def room(self, name: str) -> AsyncIterator[Room]:
        handle = "".join(letter for letter in name if letter.isalnum())
        host = await self.api.creator(handle)
        space = await self.api.space(host)
        try:
            yield self._room(space, host)
        finally:
            await self.api.ok("POST", f"/v1/spaces/{space}/end", by=host)

    def known_room(self, reference: str) -> Room:
        return self._room(reference, None)

    def _room(self, space: str, host: Person | None) -> Room:
        return _Audience(self.api, space, host)


class SpacesStage(Spaces):
    """The same, listeners being on stage."""

    def _room(self, space: str, host: Person | None) -> Room:
        return _Stage(self.api, space, host)


class _Audience:
    def __init__(self, api: Api, space: str, host: Person | None) -> None:
        self.reference = space
        self._api = api
        self._host = host

    @contextlib.asynccontextmanager
    async def speaker(self, number: int, *, red: bool = False) -> AsyncIterator[Speaking]:
        by = await self._on_stage(f"s{number}") if number else self._host
        assert by is not None, "a room known by reference alone has no stage"
        client = RtcClient(self._api)
        try:
            path, payload_type = f"/v1/spaces/{self.reference}/whip", RED_PAYLOAD_TYPE if red else None
            await client.connect(path, "sendonly", by=by, red_payload_type=payload_type)
            yield Speaking(client.link, client.stream(), client.answer.red_payload_type)
        finally:
            await client.close()

    @contextlib.asynccontextmanager
    async def listener(
        self, number: int, on_rtp: Callable[[bytes], None], *, decrypt: bool = True
    ) -> AsyncIterator[Listening]:
        client = RtcClient(self._api, on_rtp=on_rtp, decrypt=decrypt)
        try:
            path = f"/v1/spaces/{self.reference}/whep?client=ear{number}"
            await client.connect(path, "recvonly", red_payload_type=RED_PAYLOAD_TYPE)
            yield Listening(client.link, client.answer.red_payload_type)
            await self._api.request("DELETE", urljoin(self._api.url, client.session_path))
        finally:
            await client.close()

    async def _on_stage(self, name: str) -> Person:
        assert self._host is not None
        guest = person(f"{self._host.handle}{name}")
        await self._api.to_stage(self.reference, self._host, guest)
        return guest


class _Stage(_Audience):
    @contextlib.asynccontextmanager
    async def listener(
        self, number: int, on_rtp: Callable[[bytes], None], *, decrypt: bool = True
    ) -> AsyncIterator[Listening]:
        guest = await self._on_stage(f"e{number}")
        async with entered(self._api, self.reference, guest) as (channel, _), hearing(channel, on_rtp) as media:
            yield Listening(media.link, RED_PAYLOAD_TYPE)
