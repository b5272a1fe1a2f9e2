"""Hears every packet of a Space's relay, with the nodes' key: who was on air, and when."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sqlalchemy import select

from access.database import make_engine, reading
from spaces.db.tables import server_keys
from spaces.redis_client import AWAY, connect
from spaces.sfu.relay import channel_of
from spaces.sfu.relay_packet import parse_relay_untrusted


@dataclass
class RelayEar:
    heard: list[tuple[float, int]] = field(default_factory=list)
    """When a packet came, and of which number."""

    def out_of_turn(self) -> list[tuple[float, int]]:
        """Packets of an owner after whom a newer one had been heard already."""
        newest, found = 0, []
        for at, fence in self.heard:
            if fence < newest:
                found.append((at, fence))
            newest = max(newest, fence)
        return found


async def nodes_key(database_url: str) -> bytes:
    engine = make_engine(database_url)
    try:
        async with reading(engine) as connection:
            query = select(server_keys.c.secret).where(server_keys.c.name == "nodes")
            return bytes((await connection.execute(query)).scalar_one())
    finally:
        await engine.dispose()


@contextlib.asynccontextmanager
async def relay_ear(redis_url: str, database_url: str, space: str) -> AsyncIterator[RelayEar]:
    ear, key = RelayEar(), await nodes_key(database_url)

    client = connect(redis_url)
    over = asyncio.Event()

    async def listen() -> None:
        while not over.is_set():
            with contextlib.suppress(*AWAY):
                async with client.pubsub() as pubsub:
                    await pubsub.ssubscribe(channel_of(space))
                    while not over.is_set():
                        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.5)
                        if message is not None:
                            ear.heard.append((time.monotonic(), parse_relay_untrusted(message["data"], key).fence))
            await asyncio.sleep(0.05)

    task = asyncio.create_task(listen())
    try:
        yield ear
    finally:
        over.set()  # redis-py can take a cancellation for something that went wrong, and go on
        await asyncio.gather(task, return_exceptions=True)
        await client.aclose()
