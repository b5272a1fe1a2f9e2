"""The directory of several nodes, in Redis. What is decided is decided by one script, by Redis' time; everything expires.

The keys of one Space have its id between braces, those of the nodes the word `nodes`: each lie in one slot of a Cluster.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import msgspec

from spaces.directory import (
    LEASE_SECONDS,
    NODE_SECONDS,
    Card,
    DirectoryAwayError,
    ForgottenError,
    Lease,
    Place,
    TakenError,
    address_taken,
    name_taken,
    sealed,
)
from spaces.redis_client import AWAY, Client, heed_cancellation

FENCE_SECONDS = 604_800
"""How long the last number of a Space is remembered that nobody holds; a new one begins beyond Redis' time all the same."""
ASKED_SECONDS = 60
COMMANDS_AT_ONCE = 32
"""Each has a connection, of which redis-py opens a hundred and then refuses; a node may have thousands of Spaces to renew."""

_CLAIM = """
local held = redis.call('HMGET', KEYS[1], 'node', 'lease')
if held[1] and held[1] ~= ARGV[6] then
  if held[1] == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return held[2]
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local fence = string.format('%.0f', math.max(last + 1, now, tonumber(ARGV[3])))
local lease = string.gsub(ARGV[4], '"fence":0', '"fence":' .. fence, 1)
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'fence', fence, 'lease', lease)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], fence, 'EX', ARGV[5])
return lease
"""
_RENEW = """
local held = redis.call('HMGET', KEYS[1], 'node', 'fence')
if held[1] then
  if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
else
  local last = redis.call('GET', KEYS[2])
  if not last and ARGV[6] == '' then return -1 end
  if last and tonumber(last) > tonumber(ARGV[2]) then return 0 end
end
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'fence', ARGV[2], 'lease', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[5])
return 1
"""
_LAPSED = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('GET', KEYS[2]) == ARGV[1] then return 1 end
return 0
"""
_RELEASE = """
local held = redis.call('HMGET', KEYS[1], 'node', 'fence')
if held[1] == ARGV[1] and held[2] == ARGV[2] then return redis.call('DEL', KEYS[1]) end
return 0
"""
_ENTER = """
for i = 3, #KEYS do
  local holder = redis.call('HMGET', KEYS[i], 'node', 'card')
  if holder[1] and holder[1] ~= ARGV[1] then return {i - 3, holder[2]} end
end
for i = 3, #KEYS do
  redis.call('HSET', KEYS[i], 'node', ARGV[1], 'card', ARGV[2])
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
end
redis.call('HSET', KEYS[1], ARGV[4], KEYS[3])
redis.call('EXPIRE', KEYS[1], 86400)
return {-1, redis.call('DEL', KEYS[2])}
"""
_LEAVE = """
for i = 1, #KEYS do
  if redis.call('HGET', KEYS[i], 'node') == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
return 0
"""

INDEX = "spaces:{nodes}:index"

_card = msgspec.json.Decoder(Card)
_lease = msgspec.json.Decoder(Lease)

T = TypeVar("T", Card, Lease)


class RedisDirectory:
    def __init__(
        self, client: Client, key: bytes | None = None, dropped: Callable[[str], None] = lambda cause: None
    ) -> None:
        """`key`: what is said of nodes whose place is not sealed with it is dropped; None: of whoever only looks on.

        `dropped`: told why something was.
        """
        self._client = client
        self._key = key
        self._dropped = dropped
        self._turns = asyncio.Semaphore(COMMANDS_AT_ONCE)
        register = client.register_script
        self._claim, self._renew, self._release = register(_CLAIM), register(_RENEW), register(_RELEASE)
        self._enter, self._leave, self._lapsed = register(_ENTER), register(_LEAVE), register(_LAPSED)

    async def enter(self, card: Card) -> bool:
        keys = [INDEX, _asked(card.name), _node(card.name), *map(_udp, card.udp_addresses)]
        said = msgspec.json.encode(replace(card, place=self._sealed(card.place)))
        arguments = [card.place.node, said, _milliseconds(NODE_SECONDS), card.name]
        async with self._turns, answering():
            taken, answer = await self._enter(keys=keys, args=arguments)
        if taken == -1:
            return bool(answer)
        other = self._read(_card, answer)
        if taken == 0:
            raise TakenError(name_taken(card.name, other.place.url if other else "an address that cannot be read"))
        raise TakenError(address_taken(card.udp_addresses[taken - 1], other.name if other else "?"))

    async def leave(self, card: Card) -> None:
        keys = [_node(card.name), *map(_udp, card.udp_addresses)]
        async with self._turns, answering():
            await self._leave(keys=keys, args=[card.place.node])

    async def nodes(self) -> list[Card]:
        async with self._turns, answering():
            names = sorted(name.decode() for name in await self._client.hkeys(INDEX))
            said = await asyncio.gather(*(self._client.hget(_node(name), "card") for name in names))
            if gone := [name for name, card in zip(names, said, strict=True) if card is None]:
                await self._client.hdel(INDEX, *gone)
        cards = [self._read(_card, card) for card in said if card is not None]
        return [card for card in cards if card is not None]

    async def ask_to_drain(self, name: str) -> None:
        async with self._turns, answering():
            await self._client.set(_asked(name), 1, ex=ASKED_SECONDS)

    async def claim(self, space: str, place: Place, at_least: int = 0, *, instead_of: str = "") -> Lease:
        lease = msgspec.json.encode(Lease(self._sealed(place), 0))
        arguments = [place.node, _milliseconds(LEASE_SECONDS), at_least, lease, FENCE_SECONDS, instead_of]
        async with self._turns, answering():
            said = await self._claim(keys=_keys(space), args=arguments)
        if (held := self._read(_lease, said)) is None:
            raise DirectoryAwayError("who has this Space cannot be read")
        return held

    async def renew(self, space: str, lease: Lease) -> bool:
        held = await self._renewed(space, lease, "")
        if held < 0:
            raise ForgottenError(space)
        return bool(held)

    async def restore(self, space: str, lease: Lease) -> bool:
        return bool(await self._renewed(space, lease, "restore"))

    async def _renewed(self, space: str, lease: Lease, how: str) -> int:
        said = msgspec.json.encode(replace(lease, place=self._sealed(lease.place)))
        arguments = [lease.place.node, lease.fence, _milliseconds(LEASE_SECONDS), said, FENCE_SECONDS, how]
        async with self._turns, answering():
            return int(await self._renew(keys=_keys(space), args=arguments))

    async def lapsed(self, space: str, fence: int) -> bool:
        async with self._turns, answering():
            return bool(await self._lapsed(keys=_keys(space), args=[fence]))

    async def find(self, space: str) -> Lease | None:
        if (said := await self._said(space)) is None:
            return None
        if (lease := self._read(_lease, said)) is None:
            raise DirectoryAwayError("who has this Space cannot be read")
        return lease

    async def find_many(self, spaces: Iterable[str]) -> dict[str, Lease]:
        asked = list(spaces)
        said = await asyncio.gather(*(self._said(space) for space in asked))
        found = {space: self._read(_lease, one) for space, one in zip(asked, said, strict=True) if one is not None}
        return {space: lease for space, lease in found.items() if lease is not None}

    async def _said(self, space: str) -> bytes | None:
        async with self._turns, answering():
            said: bytes | None = await self._client.hget(_keys(space)[0], "lease")
        return said

    def _sealed(self, place: Place) -> Place:
        return place if self._key is None else sealed(place, self._key)

    def _read(self, decoder: msgspec.json.Decoder[T], said: bytes | None) -> T | None:
        """None: it is of another version, broken, or of none of our nodes."""
        try:
            found = decoder.decode(said or b"")
        except msgspec.MsgspecError:
            self._dropped("directory_malformed")
            return None
        seal, due = found.place.seal, self._sealed(found.place).seal
        if not hmac.compare_digest(seal.encode(), due.encode()):
            self._dropped("directory_forged")
            return None
        return found

    async def release(self, space: str, lease: Lease) -> None:
        async with self._turns, answering():
            await self._release(keys=_keys(space)[:1], args=[lease.place.node, lease.fence])


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Raises DirectoryAwayError in place of whatever redis-py raises."""
    try:
        yield
    except AWAY as error:
        heed_cancellation()
        raise DirectoryAwayError(f"Redis does not answer: {type(error).__name__}") from error


def _keys(space: str) -> list[str]:
    return [f"spaces:{{space:{space}}}:owner", f"spaces:{{space:{space}}}:fence"]


def _node(name: str) -> str:
    return f"spaces:{{nodes}}:name:{name}"


def _asked(name: str) -> str:
    return f"spaces:{{nodes}}:drain:{name}"


def _udp(address: str) -> str:
    return f"spaces:{{nodes}}:udp:{address}"


def _milliseconds(seconds: float) -> int:
    return round(1_000 * seconds)
