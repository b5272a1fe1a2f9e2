"""Which nodes there are and where a Space lives: exactly one node runs its room, and every node can find out which.

A node holds a Space by a *lease*, which ends by itself unless it is renewed, under a *fencing number*, which grows with every
holder: what an earlier holder still says can be told by its smaller number. Two implementations: this one for a node that is
alone, `redis_directory` for several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import NamedTuple, Protocol

LEASE_SECONDS = 1.5
"""How long a node holds a Space without renewing it: long enough for a full second's stall, and another node has the Space
within 3 s of the end of this one."""
NODE_SECONDS = LEASE_SECONDS
"""How long a node and its name live without a sign: no longer than its leases, so that its Spaces are looked for in time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node that Spaces can live on."""

    node: str
    """Unique per process: a node that is started again is another."""
    url: str
    """Where other nodes reach its HTTP."""
    seal: str = ""
    """Shows that a node of this server has said so (`sealed`)."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a node says of itself, again and again."""

    name: str
    """As the operator knows it; one node at a time has it."""
    place: Place
    udp_addresses: tuple[str, ...] = ()
    """`address:port` of its media, which no other node may have."""
    seats: int = 0
    """Its load."""
    draining: bool = False


class Audience(NamedTuple):
    """How many are in a Space, on all nodes together."""

    listeners: int = 0
    peak: int = 0
    participants: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a Space."""

    place: Place
    fence: int
    """Larger than that of any holder before."""
    listeners: int = 0
    """As its holder said last, of all nodes together."""
    peak: int = 0
    participants: int = 0
    """Listeners and stage."""

    @property
    def audience(self) -> Audience:
        return Audience(self.listeners, self.peak, self.participants)


class TakenError(Exception):
    """Another node has this node's name or UDP address. The message says which, and who."""


class DirectoryAwayError(Exception):
    """The directory does not answer. What it would have said is unknown."""


class ForgottenError(Exception):
    """The directory knows nothing of this Space, nor of who had it."""


class Directory(Protocol):
    """Everything raises DirectoryAwayError."""

    async def enter(self, card: Card) -> bool:
        """Say that this node lives, within NODE_SECONDS of the last time. Whether it has been asked to drain.

        Raises TakenError.
        """

    async def leave(self, card: Card) -> None:
        """This node is no more; its name is free."""

    async def nodes(self) -> list[Card]:
        """All that live, by name."""

    async def ask_to_drain(self, name: str) -> None:
        """The node of that name is told when it enters next."""

    async def claim(self, space: str, place: Place, at_least: int = 0, *, instead_of: str = "") -> Lease:
        """The Space is this place's for LEASE_SECONDS unless another has it; whose it is.

        A new holder's number is larger than any that was given for this Space, and `at_least` so large. `instead_of`: the
        node that gives it up to this one.
        """

    async def renew(self, space: str, lease: Lease) -> bool:
        """For LEASE_SECONDS from now, with what it says of its audience; False: it is another's, or was since.

        Raises ForgottenError where the directory has lost what it knew: who has not looked elsewhere cannot know.
        """

    async def restore(self, space: str, lease: Lease) -> bool:
        """The same, by a holder who knows: where the directory has lost what it knew, he has it again."""

    async def lapsed(self, space: str, fence: int) -> bool:
        """Its last holder, by that number, has not renewed: it is not only that the directory has lost what it knew."""

    async def find(self, space: str) -> Lease | None: ...

    async def find_many(self, spaces: Iterable[str]) -> dict[str, Lease]:
        """Those of them that somebody holds."""

    async def release(self, space: str, lease: Lease) -> None:
        """It is nobody's any more. Nothing happens if it is not this place's by this number: it may have it anew."""


@dataclass(slots=True)
class _Held:
    lease: Lease
    until: float


@dataclass(slots=True)
class LocalDirectory:
    """The directory of nodes in one process."""

    clock: Callable[[], float]
    _held: dict[str, _Held] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _cards: dict[str, tuple[Card, float]] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    async def enter(self, card: Card) -> bool:
        for other in await self.nodes():
            if other.place.node == card.place.node:
                continue
            if other.name == card.name:
                raise TakenError(name_taken(card.name, other.place.url))
            if shared := set(other.udp_addresses) & set(card.udp_addresses):
                raise TakenError(address_taken(min(shared), other.name))
        self._cards[card.name] = (card, self.clock() + NODE_SECONDS)
        asked = card.name in self._asked
        self._asked.discard(card.name)
        return asked

    async def leave(self, card: Card) -> None:
        held = self._cards.get(card.name)
        if held is not None and held[0].place == card.place:
            del self._cards[card.name]

    async def nodes(self) -> list[Card]:
        now = self.clock()
        return [card for name, (card, until) in sorted(self._cards.items()) if until > now]

    async def ask_to_drain(self, name: str) -> None:
        self._asked.add(name)

    async def claim(self, space: str, place: Place, at_least: int = 0, *, instead_of: str = "") -> Lease:
        held = self._held.get(space)
        if held is not None and held.until > self.clock() and held.lease.place.node != instead_of:
            if held.lease.place == place:
                held.until = self.clock() + LEASE_SECONDS
            return held.lease
        number = self._numbers[space] = max(self._numbers.get(space, 0) + 1, at_least)
        lease = Lease(place, number)
        self._held[space] = _Held(lease, self.clock() + LEASE_SECONDS)
        return lease

    async def renew(self, space: str, lease: Lease) -> bool:
        if space not in self._numbers:
            raise ForgottenError(space)
        return await self.restore(space, lease)

    async def restore(self, space: str, lease: Lease) -> bool:
        held = self._held.get(space)
        if held is not None and held.until > self.clock():
            if (held.lease.place, held.lease.fence) != (lease.place, lease.fence):
                return False
        elif self._numbers.get(space, 0) > lease.fence:
            return False
        self._numbers[space] = lease.fence
        self._held[space] = _Held(lease, self.clock() + LEASE_SECONDS)
        return True

    async def lapsed(self, space: str, fence: int) -> bool:
        return self._numbers.get(space) == fence and await self.find(space) is None

    async def find(self, space: str) -> Lease | None:
        held = self._held.get(space)
        return replace(held.lease) if held is not None and held.until > self.clock() else None

    async def find_many(self, spaces: Iterable[str]) -> dict[str, Lease]:
        found = {space: await self.find(space) for space in spaces}
        return {space: lease for space, lease in found.items() if lease is not None}

    async def release(self, space: str, lease: Lease) -> None:
        held = self._held.get(space)
        if held is not None and (held.lease.place, held.lease.fence) == (lease.place, lease.fence):
            del self._held[space]


def sealed(place: Place, key: bytes) -> Place:
    """By the nodes' own key: people's requests, with what proves who they are, go where a place says."""
    said = f"{place.node}\n{place.url}".encode()
    return replace(place, seal=blake2b(said, digest_size=16, key=key, person=b"spaces place").hexdigest())


def name_taken(name: str, url: str) -> str:
    return f"another node, at {url}, is called {name!r}: give this one another node_name"


def address_taken(address: str, name: str) -> str:
    return f"the node {name!r} has the UDP address {address}: give this one another udp_port or public_addresses"
