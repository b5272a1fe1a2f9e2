"""A page as client.js is one: it stays in a Space, comes again when told to, and has new sound before it ends the old."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

from spaces.demo.link import LinkError
from spaces.demo.offer import Answer, read_answer
from spaces.demo.publisher import play
from spaces.demo.speech import Speech
from spaces.demo.stream import OpusStream
from tests.harness.accounts import Person
from tests.harness.api import Api
from tests.harness.channel import Channel, PageMedia, entered

AGAIN_SECONDS = 0.1


class Page:
    """Of one person, who says `sound` again and again if he is on stage; one node is tried after the other."""

    def __init__(self, apis: Sequence[Api], space: str, by: Person | None, sound: Speech | None = None) -> None:
        self.apis = apis
        self.space = space
        self.by = by
        self.sound = sound
        self.client = f"page-{secrets.token_hex(4)}"
        self.arrivals: list[float] = []
        """Of every packet heard, over whichever media; the event loop's clock."""
        self.ports: list[int] = []
        """Of the nodes that had his media."""
        self.closed: list[int | None] = []
        """How his sockets were closed."""
        self.welcome: dict[str, Any] = {}
        self.media: PageMedia | None = None
        self._played = itertools.count()
        self._playing: list[asyncio.Task[None]] = []

    async def stay(self) -> None:
        """Runs until it is cancelled."""
        for api in itertools.cycle(self.apis):
            with contextlib.suppress(AssertionError, TimeoutError, LinkError, aiohttp.ClientError, OSError):
                async with entered(api, self.space, self.by, client=self._known_as) as (channel, welcome):
                    self.welcome = welcome
                    await self._hear(channel)
                    self.closed.append(await channel.until_closed())
            await asyncio.sleep(AGAIN_SECONDS)

    @property
    def _known_as(self) -> str:
        """Whom nobody knows says which seat he had."""
        you = self.welcome.get("you", {"account": ""})
        return self.client if you["account"] is not None else str(you["seat"]).removeprefix("~/")

    async def _hear(self, channel: Channel) -> None:
        await channel.ok("listen")
        offer = await channel.event("offer")
        described = read_answer(offer["sdp"])
        new, before = PageMedia(offer["session"], self._heard), self.media
        await channel.ok("answer", session=new.session, sdp=new.answer(offer["sdp"]))
        new.connect(offer["sdp"])
        await channel.event("media", session=new.session, state="connected")
        self.media = new
        self.ports.append(described.candidates[0][1])
        if self.sound is not None:
            self._playing.append(asyncio.create_task(self._play(new, described, self.sound)))
        if before is not None:
            await before.close()

    def _heard(self, data: bytes) -> None:
        self.arrivals.append(asyncio.get_running_loop().time())

    async def _play(self, media: PageMedia, described: Answer, sound: Speech) -> None:
        def packet() -> tuple[bytes, int]:
            at = next(self._played) % len(sound.packets)
            return sound.packets[at], sound.levels[at]

        stream = OpusStream(
            payload_type=described.opus_payload_type, level_extension_id=described.level_extension_id,
            ssrc=secrets.randbits(32), cname=self.client,
        )  # fmt: skip
        with contextlib.suppress(LinkError):
            await play(media.link, stream, packet)

    async def close(self) -> None:
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)
        if self.media is not None:
            await self.media.close()


@contextlib.asynccontextmanager
async def staying(
    apis: Sequence[Api], space: str, by: Person | None = None, sound: Speech | None = None
) -> AsyncIterator[Page]:
    page = Page(apis, space, by, sound)
    task = asyncio.create_task(page.stay())
    try:
        yield page
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await page.close()
