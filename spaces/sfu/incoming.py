"""Whose a datagram is, by its address, user fragment or SSRC, and what becomes of it. Bytes from anywhere raise nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping

from spaces.errors import RemoteError
from spaces.sfu.demux import Kind, demux_untrusted
from spaces.sfu.ice_lite import IceLite, Path
from spaces.sfu.peer import ADDRESSES_MAX, Peer

ADDRESS_HELD_SECONDS = 12.0
"""An address whose peer was heard this lately is not given to another peer: its source may be forged. Consent is asked for
every 6 s at most (RFC 7675 §5.1), and one check may be lost."""


class Incoming:
    def __init__(
        self,
        respond: Callable[[bytes, Path], None],
        monotonic: Callable[[], float],
        dropped: Callable[[str], None],
        mixed: Container[str],
    ) -> None:
        """`respond` sends an answer to a check; `dropped` is told the cause of each datagram that came to nothing.

        `mixed`: the Spaces whose mix is made here, at any time.
        """
        self._respond = respond
        self._monotonic = monotonic
        self._dropped = dropped
        self._ice = IceLite()
        self.addresses: dict[tuple[str, int], Peer] = {}
        self._speakers: dict[int, Peer] = {}
        """Who sends under which SSRC, once a packet of it has been authenticated."""
        self.received = 0
        """Datagrams so far."""
        self._mixed = mixed
        self.deadlines: Mapping[str, float] | None = None
        """Until when each Space is on air: what its speakers send after that is not heard. None: this node is alone."""

    def expect(self, peer: Peer) -> None:
        """From now on what is his is taken."""
        peer.ice = self._ice.add(peer.ufrag, peer.pwd, peer)

    def forget(self, peer: Peer) -> None:
        self._ice.remove(peer.ufrag)
        for address in peer.addresses:
            del self.addresses[address]
        for ssrc in peer.ssrcs_in:
            if self._speakers.get(ssrc) is peer:
                del self._speakers[ssrc]

    def datagram(self, data: bytes, source: Path) -> None:
        """One datagram from anywhere. Whatever it holds, it ends as a change of state, an answer or a counted drop."""
        self.received += 1
        now = self._monotonic()
        try:
            kind = demux_untrusted(data)
            if kind is Kind.STUN:
                self._stun_untrusted(data, source, now)
                return
            if kind is None:
                raise RemoteError("unknown_protocol")
            peer = self.addresses.get((source.host, source.port))
            if kind is Kind.RTP:
                self._rtp_untrusted(data, peer, now)
            elif peer is None:
                raise RemoteError("unknown_address")
            elif kind is Kind.RTCP:
                peer.receive_rtcp_untrusted(data, now)
            elif not peer.endpoint.receive(data):
                raise RemoteError("dtls_queue_full")
        except RemoteError as error:
            self._dropped(error.cause)

    def _rtp_untrusted(self, data: bytes, peer: Peer | None, now: float) -> None:
        """A speaker whose address has changed is heard before his next check comes, in up to 2.5 s: his packets say whose they
        are by their keys. Nothing is sent to where they come from until a check has come from there."""
        ssrc = int.from_bytes(data[8:12], "big")
        if peer is None:
            peer = self._speakers.get(ssrc)
        if peer is None:
            raise RemoteError("unknown_address")
        if self.deadlines is not None and now >= self._deadline(peer.space.name, self.deadlines):
            raise RemoteError("off_air")
        peer.receive_rtp_untrusted(data, now)
        if peer.keys is not None:  # else it waits, and nobody knows yet whose it is
            self._speakers.setdefault(ssrc, peer)

    def _deadline(self, space: str, deadlines: Mapping[str, float]) -> float:
        """Of one that another node mixes now there is none: who speaks here is heard there."""
        return deadlines.get(space, -math.inf if space in self._mixed else math.inf)

    def _stun_untrusted(self, data: bytes, source: Path, now: float) -> None:
        address = (source.host, source.port)
        holder = self.addresses.get(address)
        heard = holder is not None and now - holder.heard_at < ADDRESS_HELD_SECONDS
        checked = self._ice.receive_untrusted(data, source, now, holder if heard else None)
        peer = checked.peer.key
        assert isinstance(peer, Peer)
        peer.heard_at = now
        self._respond(checked.response, source)
        if holder is not peer and source == peer.path and (checked.moved or not heard):
            if holder is not None:
                holder.addresses.remove(address)
            self.addresses[address] = peer
            peer.addresses.append(address)
            if len(peer.addresses) > ADDRESSES_MAX:
                del self.addresses[peer.addresses.popleft()]
        if checked.moved:
            peer.moved()
