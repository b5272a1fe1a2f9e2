"""The WHIP and WHEP sessions of this node: media that was set up by one HTTP request and ends by another."""

from __future__ import annotations

from access.model import Account
from spaces.errors import RequestError
from spaces.room_rules import Kind, Role
from spaces.sfu.session import Closed, MediaSession, Plan
from spaces.signaling import sdp
from spaces.signaling.answers import StageInvitationView
from spaces.signaling.door import Door
from spaces.signaling.link_messages import Adopt
from spaces.signaling.live import Ending, Entry
from spaces.signaling.remote_media import Planes, RemotePlane


class WhipPeer:
    """The Peer of a WHIP or WHEP session: it has no ears for events."""

    def __init__(self, entry: Entry, sessions: WhipSessions) -> None:
        self.entry = entry
        self._sessions = sessions
        self.session: MediaSession | None = None

    @property
    def etag(self) -> str:
        assert self.session is not None
        return f'"{self.session.ufrag}"'

    def tell(self, frame: bytes) -> None: ...
    def role_changed(self, role: Role) -> None: ...
    def hand_changed(self, raised: bool) -> None: ...

    def invitation_changed(self, invitation: StageInvitationView | None) -> None: ...

    def mute_changed(self, muted: bool) -> None:
        if self.session is not None and self.entry.kind is Kind.WHIP:
            self.session.set_muted(muted)

    def end(self, ending: Ending) -> None:
        self._sessions.forget(self)
        if self.session is not None:
            self.session.close()

    def let_go(self) -> MediaSession | None:
        self._sessions.forget(self)
        if self.session is not None and not self.session.connected:
            self.session.close()
            return None
        return self.session


class WhipSessions:
    def __init__(self, planes: Planes, door: Door) -> None:
        self._planes = planes
        self._door = door
        self._peers: dict[str, WhipPeer] = {}

    def start(self, entry: Entry, offer: sdp.Offer) -> tuple[WhipPeer, str]:
        """Media for an entry that was just let in, and the answer. Raises RequestError(429 | 503): the entry has left."""
        peer = WhipPeer(entry, self)
        entry.peer = peer
        try:
            session, reach = self._planes.open_session(
                entry,
                confirm=lambda: self._door.confirm(entry),
                on_connected=lambda: self._door.media_changed(entry, True),
                on_closed=lambda why: self._closed(peer, why),
            )
        except RequestError:
            self._door.leave(entry)
            raise
        peer.session = session
        self._peers[entry.id] = peer
        sending = entry.kind is Kind.WHEP
        session.set_plan(Plan(mix=offer.send()) if sending else Plan(receive=offer.receive()))
        session.set_muted(entry.kind is Kind.WHIP and entry.seat.account in entry.live.room.muted)
        session.start(offer.remote)
        return peer, sdp.answer(offer, session, reach, sending=sending)

    def adopt(self, entry: Entry, plane: RemotePlane, adopted: Adopt) -> None:
        """Media that an edge goes on with, for an entry that was just let in."""
        peer = WhipPeer(entry, self)
        entry.peer = peer
        peer.session = plane.adopt(
            adopted.session,
            entry,
            confirm=lambda: self._door.confirm(entry),
            on_connected=lambda: self._door.media_changed(entry, True),
            on_closed=lambda why: self._closed(peer, why),
        )
        self._peers[entry.id] = peer

    def find(self, session: str, caller: Account | None) -> WhipPeer:
        """By the id in its address, which is the capability. Raises RequestError(404, or 403 for somebody else)."""
        peer = self._peers.get(session)
        if peer is None:
            raise RequestError(404, "unknown_session", "there is no such session any more")
        if caller is not None and peer.entry.account is not None and caller.id != peer.entry.account.id:
            raise RequestError(403, "not_yours", "this session is somebody else's")
        return peer

    def leave(self, peer: WhipPeer) -> None:
        peer.end(Ending("left"))
        self._door.leave(peer.entry)

    def forget(self, peer: WhipPeer) -> None:
        self._peers.pop(peer.entry.id, None)

    def _closed(self, peer: WhipPeer, why: Closed) -> None:
        self.forget(peer)
        self._door.leave(peer.entry)
