"""A Space's audio to the nodes that have listeners of it, and theirs to us, by Redis' pub/sub.

Each program is published once, on the Space's own channel, sharded where Redis knows that (7.0). A node is subscribed only
while somebody listens there. What does not come is lost: the next packet is 20 ms away.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from redis.asyncio import RedisCluster

from spaces.errors import RemoteError
from spaces.metrics import Metrics
from spaces.mixing.engine import Made
from spaces.redis_client import AWAY, Client, heed_cancellation, knows_shards
from spaces.redis_publisher import Publisher
from spaces.sfu.relay_packet import RelayPacket, pack, parse_relay_untrusted
from spaces.sfu.relay_shards import Shards
from spaces.sfu.relayed import RelayedSound

WAITING_MAX = 512
"""Packets that wait for Redis: half a second of twenty Spaces. Older ones are of no use by then."""
PUBLISH_SECONDS_MAX = 0.5
OLD_SECONDS = 0.5
MESSAGE_SECONDS = 0.5
"""How long a read waits."""
AGAIN_SECONDS = 0.1
SUBSCRIBED_SECONDS_MAX = 0.6
"""A connection that takes longer to be made is given up for the next: what went into a network that is away is not heard."""
CONFIRMED_SECONDS_MAX = 1.0
QUIET_SECONDS = 0.8
"""Without a message for so long, Redis is asked whether it is still there: a network can go without a word."""
GONE_SECONDS = 1.6
"""Without any sign for so long, the connection is given up. A Redis that only stood still answers the next one at once."""
STANDSTILL_SECONDS = 1.5
"""Between two messages that were waiting already: this process stood still, and what else waits is of then."""

log = structlog.get_logger()


class Relay:
    def __init__(
        self, client: Client, hearing: Client, key: bytes, fence_of: Callable[[str], int | None], metrics: Metrics
    ) -> None:
        """`hearing`: with connections of its own, so that none is used again that others have left behind, dead or not.

        `fence_of`: our number for a Space; None: we are not on air for it.
        """
        self._client = client
        self._publisher = None if isinstance(client, RedisCluster) else Publisher(client)
        self._hearing = hearing
        self._key = key
        self._fence_of = fence_of
        self._metrics = metrics
        self._sharded = False
        self._kind_stays = False
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, str, bytes]] = deque(maxlen=WAITING_MAX)
        self._work = asyncio.Event()
        self._published = True
        """Whether Redis took the last batch."""
        self._sequences: dict[tuple[str, int], tuple[int, int]] = {}
        """Of each Space and length of packets: (our number, packets published under it)."""
        self._wanted: set[str] = set()
        self._changed = asyncio.Event()
        self._sound: RelayedSound | None = None

    async def begin(self, sound: RelayedSound) -> None:
        """Raises what `redis_client.AWAY` names."""
        self._sound = sound
        await self._find_kind(self._client)

    async def _find_kind(self, client: Client) -> None:
        """Asked again with every connection that is made anew: another Redis may have taken this one's place.

        A Cluster once: its nodes are of one kind, and each question would wait for the one that has that channel's slot.
        """
        if self._kind_stays:
            return
        sharded = await knows_shards(client)
        self._kind_stays = isinstance(client, RedisCluster)
        if sharded is not self._sharded:
            log.info("relay", sharded=sharded)
            self._sharded = sharded

    # --- out

    def made(self, made: list[Made]) -> None:
        """Called on the audio thread."""
        self._loop.call_soon_threadsafe(self._take, made)

    def forget(self, space: str) -> None:
        """It is not ours any more."""
        for key in [key for key in self._sequences if key[0] == space]:
            del self._sequences[key]

    def _take(self, made: list[Made]) -> None:
        for one in made:
            fence = self._fence_of(one.space)
            if fence is None:
                continue
            of, count = self._sequences.get((one.space, one.frames), (fence, 0))
            sequence = count + 1 if of == fence else 1
            self._sequences[one.space, one.frames] = (fence, sequence)
            packet = RelayPacket(one.space, fence, one.frames, sequence, one.timestamp, one.payload)
            if one.space in self._wanted:  # listeners of the owner before, whom we had already
                assert self._sound is not None  # they hear us without Redis
                self._sound.packet(packet)
            self._waiting.append((time.monotonic(), one.space, pack(packet, self._key)))
        self._work.set()

    async def publish(self) -> None:
        """Runs until it is cancelled."""
        try:
            await self._publish()
        finally:
            if self._publisher is not None:
                await self._publisher.close()

    async def _publish(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            batch: list[tuple[str, bytes]] = []
            try:
                async with asyncio.timeout(PUBLISH_SECONDS_MAX):
                    if not self._published:
                        await self._client.ping()  # until it answers, what is newest by then waits
                        await self._find_kind(self._client)
                    if batch := self._take_batch():
                        await self._send(batch)
                self._published = True
                self._metrics.relayed_out.inc(len(batch))
            except AWAY:
                heed_cancellation()
                self._published = False
                self._metrics.drops.labels("relay_unpublished").inc(len(batch))

    def _take_batch(self) -> list[tuple[str, bytes]]:
        """What is still ours to say, and not so old that it would be heard in one burst: we, or Redis, may have stood still."""
        since = time.monotonic() - OLD_SECONDS
        fresh = [one for one in self._waiting if one[0] > since and self._fence_of(one[1]) is not None]
        self._metrics.drops.labels("relay_unpublished").inc(len(self._waiting) - len(fresh))
        self._waiting.clear()
        return [(channel_of(space), data) for _, space, data in fresh]

    async def _send(self, batch: Iterable[tuple[str, bytes]]) -> None:
        commands = [("SPUBLISH" if self._sharded else "PUBLISH", *one) for one in batch]
        if self._publisher is not None:
            await self._publisher.publish(commands)
        else:
            await asyncio.gather(*(self._client.execute_command(*command) for command in commands))

    # --- in

    def want(self, space: str) -> None:
        """Somebody here listens to it."""
        self._wanted.add(space)
        self._changed.set()

    def leave(self, space: str) -> None:
        """Nobody does."""
        self._wanted.discard(space)
        self._changed.set()

    async def listen(self) -> None:
        """Runs until it is cancelled."""
        while True:
            try:
                if isinstance(self._hearing, RedisCluster):  # it learns where what is only by being asked
                    await self._hearing.aclose()
                    await self._hearing.initialize()
                else:
                    async with asyncio.timeout(SUBSCRIBED_SECONDS_MAX):
                        await self._find_kind(self._hearing)
                async with self._hearing.pubsub() as pubsub:
                    await self._listen(pubsub, self._sharded)
            except AWAY as error:
                heed_cancellation()
                log.warning("relay interrupted", error=type(error).__name__, reason=str(error))
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self, pubsub: Any, sharded: bool) -> None:
        """Raises what `redis_client.AWAY` names: another connection is to be made."""
        heard: set[str] = set()
        confirmed: set[str] = set()
        confirmed_at = time.monotonic()
        turned_at = heard_at = time.monotonic()
        asked = False
        shards = Shards(self._hearing, pubsub, MESSAGE_SECONDS)
        changing = asyncio.create_task(self._follow_wishes(pubsub, heard, sharded), name="relay subscriptions")
        try:
            while True:
                if changing.done():
                    changing.result()
                if sharded is not self._sharded:
                    raise TimeoutError("this is another kind of Redis")
                if not heard:
                    await asyncio.wait({changing}, timeout=0.02)
                    turned_at = confirmed_at = time.monotonic()
                    if not self._wanted:
                        heard_at = turned_at
                    elif turned_at - heard_at > SUBSCRIBED_SECONDS_MAX:
                        raise TimeoutError("Redis takes no subscription")
                    continue
                message = await self._next(pubsub, shards if sharded else None)
                before, turned_at = turned_at, (now := time.monotonic())
                if message is not None:
                    if now - before > STANDSTILL_SECONDS:
                        raise TimeoutError("this process stood still")
                    heard_at, asked = now, False
                    if message["type"] in ("message", "smessage"):
                        self._receive(message["data"])
                    elif message["type"] in ("subscribe", "ssubscribe"):
                        confirmed.add(message["channel"].decode())
                elif now - heard_at > GONE_SECONDS and asked:
                    raise TimeoutError("Redis says nothing")
                elif now - heard_at > QUIET_SECONDS and not asked and self._can_ask:
                    asked = True
                    await pubsub.ping()
                if confirmed.issuperset(map(channel_of, heard)):
                    confirmed_at = now
                elif now - confirmed_at > CONFIRMED_SECONDS_MAX:
                    raise TimeoutError("Redis has not confirmed a subscription")
        finally:
            await shards.end()
            while not changing.done():  # redis-py can take a cancellation for something that went wrong, and go on
                changing.cancel()
                await asyncio.wait({changing}, timeout=AGAIN_SECONDS)
            if not changing.cancelled():
                changing.exception()  # what went wrong is what ends this, or comes of it

    @property
    def _can_ask(self) -> bool:
        """Of a Cluster a subscription has several connections, which redis-py looks after."""
        return not isinstance(self._client, RedisCluster)

    def _next(self, pubsub: Any, shards: Shards | None) -> Any:
        if shards is not None and isinstance(self._client, RedisCluster):
            return shards.next()
        return pubsub.get_message(timeout=MESSAGE_SECONDS)

    async def _follow_wishes(self, pubsub: Any, heard: set[str], sharded: bool) -> None:
        subscribe, unsubscribe = (
            (pubsub.ssubscribe, pubsub.sunsubscribe) if sharded else (pubsub.subscribe, pubsub.unsubscribe)
        )
        while True:
            self._changed.clear()
            if new := self._wanted - heard:
                await subscribe(*map(channel_of, new))
            if gone := heard - self._wanted:
                await unsubscribe(*map(channel_of, gone))
            heard |= new
            heard -= gone
            await self._changed.wait()

    def _receive(self, data: bytes) -> None:
        assert self._sound is not None
        try:
            packet = parse_relay_untrusted(data, self._key)
            if packet.fence == self._fence_of(packet.space):
                return  # our own: it has been heard here already
            self._sound.packet(packet)
            self._metrics.relayed_in.inc()
        except RemoteError as error:
            self._metrics.drops.labels(error.cause).inc()


def channel_of(space: str) -> str:
    """In the slot of the Space's other keys."""
    return f"spaces:{{space:{space}}}:mix"
