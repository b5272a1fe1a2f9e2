"""Who is in a Space: sessions in seats, one of each kind in a seat. It knows nothing of roles."""

from __future__ import annotations

from dataclasses import dataclass, field

from spaces.errors import RequestError
from spaces.room_commands import SeatKey
from spaces.room_kept import KeptSeats
from spaces.room_rules import Kind


@dataclass(slots=True)
class Session:
    id: str
    kind: Kind
    seat: SeatKey
    media: bool = False
    """Whether its media is connected now."""

    @property
    def on_air(self) -> bool:
        """Whether it brings sound from somebody on stage."""
        return self.media and self.kind is not Kind.WHEP


@dataclass(slots=True)
class Seats:
    seats: dict[SeatKey, dict[Kind, Session]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    by_account: dict[int, dict[str, Session]] = field(default_factory=dict)
    """The sessions of everybody signed in, so that a join does not look through ten thousand seats."""
    kept_seats: KeptSeats = field(default_factory=KeptSeats)
    """Of who was in at the node before, and is not back yet."""
    unwritten: int = 0
    """Seats given up of which nothing is written yet: were another node to have the Space now, it would keep them."""

    def of(self, account: int) -> list[Session]:
        return list(self.by_account.get(account, {}).values())

    def add(self, session: Session) -> None:
        self.seats.setdefault(session.seat, {})[session.kind] = self.sessions[session.id] = session
        if session.seat.account is not None:
            self.by_account.setdefault(session.seat.account, {})[session.id] = session

    def forget(self, session: Session) -> None:
        del self.sessions[session.id]
        if (account := session.seat.account) is not None:
            del self.by_account[account][session.id]
            if not self.by_account[account]:
                del self.by_account[account]
        held = self.seats[session.seat]
        del held[session.kind]
        if not held:
            del self.seats[session.seat]

    def giving_way(self, seat: SeatKey, seats_max: int, *, displace: bool) -> SeatKey | None:
        """The seat of the same account that gives way to this new one, if one has to. Raises RequestError(409)."""
        if seat.account is None:
            return None
        newest_first = list(dict.fromkeys(session.seat for session in reversed(self.of(seat.account))))
        newest_first += [kept for kept in reversed(self.kept_seats.of(seat.account)) if kept != seat]
        if len(newest_first) < seats_max:
            return None
        if not displace:
            raise RequestError(
                409, "too_many_seats", f"this account has {len(newest_first)} seats in this Space already"
            )
        return newest_first[-1]
