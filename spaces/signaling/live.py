"""One Space that is alive on this node: its room, who is connected to it, and how they are told what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from access.decide import Allow
from access.model import Account
from spaces.db.store import Note
from spaces.errors import RequestError
from spaces.room import Room
from spaces.room_commands import SeatKey
from spaces.room_events import (
    ClosingChanged,
    DetailsChanged,
    Event,
    HandChanged,
    HandsChanged,
    InvitationChanged,
    InvitationsChanged,
    MuteChanged,
    PinsChanged,
    RoleChanged,
    SessionEnded,
    StageChanged,
    StateChanged,
)
from spaces.room_record import Kept
from spaces.room_rules import PERMISSIONS, Act, Kind, Role, State
from spaces.sfu.session import MediaSession
from spaces.signaling.answers import SpaceView, StageInvitationView
from spaces.signaling.broadcast import Broadcast
from spaces.signaling.frames import frame_of
from spaces.signaling.messages import (
    ClosingEvent,
    EndedEvent,
    HandsEvent,
    InvitationsEvent,
    NumberedEvent,
    RoleEvent,
    ServerMessage,
    SpaceEvent,
    StageEvent,
    StingerEvent,
    StingerPlaying,
)
from spaces.signaling.messages_talk import PinsEvent
from spaces.signaling.ring import EventRing
from spaces.signaling.talk import Talk
from spaces.signaling.views import hands_view, invitation_view, invitations_view, pins_view, space_view, stage_view


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session is ended by us."""

    reason: str
    """replaced, displaced, off_stage, removed, blocked, ended, evicted, left or draining."""
    problem: RequestError | None = None
    """evicted: what joining again would be refused with."""


class Peer(Protocol):
    """A connected client: a socket, or a WHIP or WHEP session."""

    def tell(self, frame: bytes) -> None:
        """An event for some, as a ready frame. A socket takes it; a WHIP or WHEP session has no ears for it.

        What all are told is said to `Live.broadcast`, which a socket joins and, when it ends, leaves.
        """

    def role_changed(self, role: Role) -> None: ...
    def hand_changed(self, raised: bool) -> None: ...
    def mute_changed(self, muted: bool) -> None: ...
    def invitation_changed(self, invitation: StageInvitationView | None) -> None: ...
    def end(self, ending: Ending) -> None:
        """Stop its media before returning; say goodbye. Its entry is gone already."""

    def let_go(self) -> MediaSession | None:
        """Another node has the Space: say so. Its media here, if it flows, which goes on without this. Its entry is gone."""


@dataclass(slots=True, eq=False)
class Entry:
    """One session in a Space, with the right it hangs on."""

    id: str
    """Unguessable: the WHIP or WHEP session's address is made of it."""
    kind: Kind
    seat: SeatKey
    account: Account | None
    address: str
    """The client's, as limits count it."""
    admission: int
    allow: Allow
    """As decided last."""
    live: Live
    anonymous: bool = False
    """Others are not told that he listens."""
    peer: Peer | None = None
    edge: str = ""
    """The other node that the client has reached; empty: this one."""
    replaces: Entry | None = None
    """The session of the same kind that was in this seat before."""

    @property
    def role(self) -> Role:
        return self.live.room.role_of(self.seat.account)

    @property
    def owner(self) -> str:
        """The media plane's name for whose sound this is."""
        return str(self.seat)[:64] if self.seat.account is None else str(self.seat.account)


@dataclass(slots=True, eq=False)
class Live:
    room: Room
    ring: EventRing
    accounts: dict[int, Account]
    """Creator, stage, invited, whoever asks to speak and everybody seated: whoever may be shown."""
    stored: Kept
    """As the database has it."""
    talk: Talk = field(default_factory=Talk)
    """What goes on around it."""
    notes: list[Note] = field(default_factory=list)
    """What the audit log has not been told yet, for the database was away."""
    entries: dict[str, Entry] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a lasting change is stored, so that they come one after the other."""
    frozen: bool = False
    """Another node is reading what is stored, to go on from there."""
    broadcast: Broadcast = field(default_factory=Broadcast)
    tell_edges: Callable[[list[str], bytes], frozenset[str]] = lambda edges, frame: frozenset()
    """Tells nodes something of the moment once for all their sockets; which of them it has told."""
    holds: int = 0
    """Requests that work on it now: it is not put away under their hands."""
    idle_since: float = 0.0
    levels: dict[str, float] = field(default_factory=dict)
    """Loudness as last told."""
    listeners: int = -1
    """As last told."""
    stinger: StingerPlaying | None = None
    """What is played."""

    @property
    def id(self) -> str:
        return self.room.record.id

    def entry_of(self, account: int) -> Entry:
        """The newest session of who is in: what he does over HTTP is done from there. Raises RequestError(409)."""
        self.room.check_inside(account)
        return self.entries_of(account)[-1]

    def view(self) -> SpaceView:
        """As everybody may see it."""
        return space_view(self.room.record, self.room, self.accounts)

    def entries_of(self, account: int) -> list[Entry]:
        return [self.entries[s.id] for s in self.room.seated(account) if s.id in self.entries]

    def publish(self, events: list[Event]) -> list[tuple[Entry, Ending]]:
        """Tell everybody what happened. The entries that ended with it, each told and silent already."""
        gone: list[tuple[Entry, Ending]] = []
        for event in events:
            match event:
                case StateChanged(state):
                    self.announce(SpaceEvent(seq=self.ring.next, space=self.view()))
                    if state in (State.ENDED, State.CANCELLED):
                        self.announce(EndedEvent(seq=self.ring.next))
                case DetailsChanged():
                    self.announce(SpaceEvent(seq=self.ring.next, space=self.view()))
                case RoleChanged(account, role):
                    self.announce(RoleEvent(seq=self.ring.next, account=str(account), role=role.value), role_of=account)
                    self.talk.captions.forget(account)
                    for peer in self._peers_of(account):
                        peer.role_changed(role)
                case StageChanged():
                    stage = stage_view(self.room.record, self.room, self.accounts, None)
                    self.announce(StageEvent(seq=self.ring.next, stage=stage))
                case HandsChanged():
                    hands = hands_view(self.room, self.accounts)
                    self.announce(HandsEvent(seq=self.ring.next, hands=hands), hosts_only=True)
                case InvitationsChanged():
                    invitations = invitations_view(self.room.record, self.accounts)
                    self.announce(InvitationsEvent(seq=self.ring.next, invitations=invitations), hosts_only=True)
                case InvitationChanged(account):
                    standing = self.room.record.invitation_of(account)
                    for peer in self._peers_of(account):
                        peer.invitation_changed(None if standing is None else invitation_view(standing, self.accounts))
                case PinsChanged():
                    self.announce(PinsEvent(seq=self.ring.next, pins=pins_view(self.room.record)))
                case ClosingChanged(at):
                    self.announce(ClosingEvent(seq=self.ring.next, at=at))
                case HandChanged(account, raised):
                    for peer in self._peers_of(account):
                        peer.hand_changed(raised)
                case MuteChanged(account, muted):
                    for peer in self._peers_of(account):
                        peer.mute_changed(muted)
                case SessionEnded(session, reason):
                    if (entry := self.entries.pop(session, None)) is not None:
                        ending = Ending(reason.value)
                        gone.append((entry, ending))
                        if entry.peer is not None:
                            entry.peer.end(ending)
                case _:
                    assert_never(event)
        return gone

    def set_stinger(self, playing: StingerPlaying | None) -> None:
        """This is played now; nothing is."""
        self.stinger = playing
        self.announce(StingerEvent(seq=self.ring.next, playing=playing))

    def announce(self, event: NumberedEvent, *, hosts_only: bool = False, role_of: int | None = None) -> None:
        """An event with the ring's next number, to everybody who may see it, also to those who come back with a cursor."""
        frame = frame_of(event)
        self.ring.add(frame, hosts_only=hosts_only, role_of=role_of)
        if not hosts_only:
            self.broadcast.say(frame)
            return
        for member in self.room.record.stage:
            if sees_hands(member.role):
                for peer in self._peers_of(member.account):
                    peer.tell(frame)

    def tell_all(self, message: ServerMessage) -> None:
        """An event of the moment, to every socket."""
        frame = frame_of(message)
        self.broadcast.say(frame, self.tell_edges(self.broadcast.edges, frame))

    def missed(self, entry: Entry, cursor: int) -> list[bytes] | None:
        """The events after a cursor that this entry may see; None: a snapshot is all there is."""
        return self.ring.since(cursor, entry.seat.account, is_host=sees_hands(entry.role))

    def _peers_of(self, account: int) -> list[Peer]:
        return [entry.peer for entry in self.entries_of(account) if entry.peer is not None]


def sees_hands(role: Role) -> bool:
    return role in PERMISSIONS[Act.SEE_HANDS]
