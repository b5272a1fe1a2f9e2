"""ICE-lite (RFC 8445 §2.5) for all peers of the one UDP port, with consent (RFC 7675): pure, time is a parameter.

A peer is found by the user fragment that we gave him; his path (the address we send to) is taken from a Binding request
whose integrity holds and whose transaction was not seen before. Nothing that is not authenticated allocates.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from spaces.errors import RemoteError
from spaces.sfu.stun import binding_success, integrity_holds, parse_binding_request_untrusted

TRANSACTION_BYTES = 8
"""Of the twelve: random, and enough to tell one from another."""
TRANSACTIONS_REMEMBERED_MAX = 4096
"""Per peer, 8 bytes each: at a check every 2.5 s (Chromium) those of the last 2.8 hours."""

PATH_SILENT_SECONDS = 6.0
"""A plain check from another candidate takes the path only if the nominated one has been silent for this long: two
consent intervals and a bit. Firefox and libdatachannel go on sending plain checks on pairs they do not use."""


class Path(NamedTuple):
    """Where a peer is: his address, and which of our addresses he reached (None: the system chooses)."""

    host: str
    port: int
    local: bytes | None = None


@dataclass(slots=True)
class IcePeer:
    ufrag: str
    password: bytes
    key: Hashable
    path: Path | None = None
    path_priority: int = 0
    path_heard_at: float = 0.0
    seen: bytearray = field(default_factory=bytearray)
    """TRANSACTION_BYTES each, one behind the other: bytes are searched fifty times faster than objects made of them."""
    seen_next: int = 0

    def has_seen(self, transaction: bytes) -> bool:
        at = self.seen.find(transaction)
        while at % TRANSACTION_BYTES and at >= 0:  # across two of them
            at = self.seen.find(transaction, at + 1)
        return at >= 0

    def remember(self, transaction: bytes) -> None:
        """Once: else somebody who repeats one often enough, in its own source's name, would have all others forgotten."""
        if self.has_seen(transaction):
            return
        at = self.seen_next * TRANSACTION_BYTES
        self.seen[at : at + TRANSACTION_BYTES] = transaction
        self.seen_next = (self.seen_next + 1) % TRANSACTIONS_REMEMBERED_MAX


class Checked(NamedTuple):
    """What became of a valid Binding request."""

    peer: IcePeer
    response: bytes
    moved: bool
    """The peer's path is now the source of this request, and was not before."""


class IceLite:
    """All peers of a node's UDP port."""

    def __init__(self) -> None:
        self._peers: dict[str, IcePeer] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def add(self, ufrag: str, password: str, key: Hashable) -> IcePeer:
        if ufrag in self._peers:
            raise KeyError(f"ufrag {ufrag} is taken")
        peer = self._peers[ufrag] = IcePeer(ufrag, password.encode(), key)
        return peer

    def remove(self, ufrag: str) -> None:
        self._peers.pop(ufrag, None)

    def receive_untrusted(self, data: bytes, source: Path, now: float, holder: Hashable = None) -> Checked:
        """A STUN datagram from `source`, an address that belongs to the peer with key `holder`, if to any.

        Raises RemoteError: `stun_…`, `ice_unknown_ufrag`, `ice_integrity`, `ice_replay`, `ice_address_taken`.
        """
        request = parse_binding_request_untrusted(data)
        peer = self._peers.get(request.local_ufrag)
        if peer is None:
            raise RemoteError("ice_unknown_ufrag")
        if not integrity_holds(data, request, peer.password):
            raise RemoteError("ice_integrity")
        transaction = request.transaction_id[:TRANSACTION_BYTES]
        moved = False
        if source != peer.path:
            # Only what would move the path is refused: a replay from the path itself changes nothing.
            if peer.has_seen(transaction):
                raise RemoteError("ice_replay", "transaction seen from another address")
            moved = self._takes_path(peer, source, request.use_candidate, request.priority, now)
            if moved and holder is not None and holder is not peer.key:
                raise RemoteError("ice_address_taken", "its source may be forged")
            if moved:
                peer.path = source
        if source == peer.path:
            peer.path_heard_at = now
            peer.path_priority = request.priority
        peer.remember(transaction)
        response = binding_success(request.transaction_id, source.host, source.port, peer.password)
        return Checked(peer, response, moved)

    @staticmethod
    def _takes_path(peer: IcePeer, source: Path, use_candidate: bool, priority: int, now: float) -> bool:
        """Whether a fresh, authenticated check from a new address makes it the path.

        The first check does (media can flow before nomination), a nomination does, and so does a check of the very
        candidate that holds the path (same PRIORITY) to the same address of ours: its NAT binding has changed, which comes
        without a nomination. To another address of ours it belongs to another pair of that candidate.
        """
        if peer.path is None or use_candidate:
            return True
        if priority == peer.path_priority and source.local == peer.path.local:
            return True
        return now - peer.path_heard_at > PATH_SILENT_SECONDS
