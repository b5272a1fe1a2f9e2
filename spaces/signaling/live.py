"""One Space that is alive on this node: its room, who is connected to it, and how they are told what happens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol, assert_never

import msgspec

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
    RoleChanged,
    SessionEnded,
    StageChanged,
    StateChanged,
)
from spaces.room_record import Kept
from spaces.room_rules import PERMISSIONS, Act, Kind, Role, State
from spaces.signaling.answers import SpaceView, StageInvitationView
from spaces.signaling.messages import (
    ClosingEvent,
    EndedEvent,
    HandsEvent,
    InvitationsEvent,
    NumberedEvent,
    RoleEvent,
    SpaceEvent,
    StageEvent,
)
from spaces.signaling.ring import EventRing
from spaces.signaling.views import hands_view, invitation_view, invitations_view, space_view, stage_view


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session is ended by us."""

    reason: str
    """replaced, displaced, off_stage, removed, blocked, ended, evicted, left or draining."""
    problem: RequestError | None = None
    """evicted: what joining again would be refused with."""


class Peer(Protocol):
    """A connected client: a socket, or a WHIP or WHEP session."""

    def tell(self, text: str) -> None:
        """An event, encoded. Sockets take it; a WHIP or WHEP session has no ears for it."""

    def role_changed(self, role: Role) -> None: ...
    def hand_changed(self, raised: bool) -> None: ...
    def mute_changed(self, muted: bool) -> None: ...
    def invitation_changed(self, invitation: StageInvitationView | None) -> None: ...
    def end(self, ending: Ending) -> None:
        """Stop its media before returning; say goodbye. Its entry is gone already."""


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
    peer: Peer | None = None
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
    notes: list[Note] = field(default_factory=list)
    """What the audit log has not been told yet, for the database was away."""
    entries: dict[str, Entry] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a lasting change is stored, so that they come one after the other."""
    holds: int = 0
    """Requests that work on it now: it is not put away under their hands."""
    idle_since: float = 0.0
    levels: dict[str, float] = field(default_factory=dict)
    """Loudness as last told."""
    listeners: int = -1
    """As last told."""

    @property
    def id(self) -> str:
        return self.room.record.id

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
                    self._announce(SpaceEvent(seq=self.ring.next, space=self.view()))
                    if state in (State.ENDED, State.CANCELLED):
                        self._announce(EndedEvent(seq=self.ring.next))
                case DetailsChanged():
                    self._announce(SpaceEvent(seq=self.ring.next, space=self.view()))
                case RoleChanged(account, role):
                    self._announce(RoleEvent(seq=self.ring.next, account=str(account), role=role.value))
                    for peer in self._peers_of(account):
                        peer.role_changed(role)
                case StageChanged():
                    stage = stage_view(self.room.record, self.room, self.accounts, None)
                    self._announce(StageEvent(seq=self.ring.next, stage=stage))
                case HandsChanged():
                    hands = hands_view(self.room, self.accounts)
                    self._announce(HandsEvent(seq=self.ring.next, hands=hands), hosts_only=True)
                case InvitationsChanged():
                    invitations = invitations_view(self.room.record, self.accounts)
                    self._announce(InvitationsEvent(seq=self.ring.next, invitations=invitations), hosts_only=True)
                case InvitationChanged(account):
                    standing = self.room.record.invitation_of(account)
                    for peer in self._peers_of(account):
                        peer.invitation_changed(None if standing is None else invitation_view(standing, self.accounts))
                case ClosingChanged(at):
                    self._announce(ClosingEvent(seq=self.ring.next, at=at))
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

    def tell_all(self, text: str) -> None:
        """An event of the moment, to every socket."""
        for entry in self.entries.values():
            if entry.peer is not None:
                entry.peer.tell(text)

    def missed(self, entry: Entry, cursor: int) -> list[str] | None:
        """The events after a cursor that this entry may see; None: a snapshot is needed."""
        kept = self.ring.since(cursor)
        return None if kept is None else [k.text for k in kept if not k.hosts_only or sees_hands(entry.role)]

    def _announce(self, event: NumberedEvent, *, hosts_only: bool = False) -> None:
        text = msgspec.json.encode(event).decode()
        self.ring.add(text, hosts_only=hosts_only)
        for entry in self.entries.values():
            if entry.peer is not None and (not hosts_only or sees_hands(entry.role)):
                entry.peer.tell(text)

    def _peers_of(self, account: int) -> list[Peer]:
        return [entry.peer for entry in self.entries_of(account) if entry.peer is not None]


def sees_hands(role: Role) -> bool:
    return role in PERMISSIONS[Act.SEE_HANDS]
