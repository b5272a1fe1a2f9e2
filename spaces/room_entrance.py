"""Who may come in where: what a join has to pass in the room itself, after access has let it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from spaces.errors import RequestError
from spaces.room_change import Limits
from spaces.room_commands import SeatKey
from spaces.room_permit import gone
from spaces.room_record import Record
from spaces.room_rules import BEFORE_END, JOINABLE, Kind, Role, State
from spaces.room_seats import Seats


@dataclass(slots=True)
class Entrance(Seats):
    record: Record = field(kw_only=True)
    limits: Limits = field(kw_only=True)
    blocked: set[int] = field(default_factory=set)
    """Blocked here since the node has it; that it holds for good is decided by access."""
    blocks: int = 0
    """How often somebody has been blocked here: a decision that saw fewer is made again."""
    insiders: set[int] = field(default_factory=set)
    """While it is locked: who was in, and may come back."""

    def role_of(self, account: int | None) -> Role:
        return self.record.role_of(account)

    @property
    def capacity(self) -> int:
        return min(self.record.capacity or self.limits.capacity_max, self.limits.capacity_max)

    def readmit(self, account: int | None) -> None:
        """Access admits it, and knew of every block made here when it did."""
        if account is not None:
            self.blocked.discard(account)

    def check_joinable(self, kind: Kind, now: datetime) -> None:
        """Raises RequestError(409 | 410) if the Space's state has no place for this kind of session."""
        self.check_over()
        if self.record.state not in JOINABLE[kind]:
            raise RequestError(409, "not_live", "this Space has not started")
        if kind is Kind.WHIP:
            self.check_green_room(now)

    def check_over(self) -> None:
        """Raises RequestError(410)."""
        if self.record.state not in BEFORE_END:
            raise gone(self.record.state)

    def check_green_room(self, now: datetime) -> None:
        """Raises RequestError(409) if the stage is too early."""
        start = self.record.scheduled_start
        if self.record.state is State.SCHEDULED and start is not None and now < start - self.limits.green_room:
            raise RequestError(
                409, "not_live", f"the green room opens at {(start - self.limits.green_room).isoformat()}"
            )

    def check_listen(self, account: int | None, now: datetime) -> None:
        """Whether a socket may have media: the stage from the green room on, the audience while live. Raises RequestError."""
        self.check_over()
        if self.role_of(account) is not Role.LISTENER:
            self.check_green_room(now)
        elif self.record.state is not State.LIVE:
            raise RequestError(409, "not_live", "this Space has not started")

    def check_stage(self, account: int | None) -> None:
        """Raises RequestError(403) unless this account may send sound."""
        if self.role_of(account) is Role.LISTENER:
            raise RequestError(403, "not_on_stage", "only the stage may send sound here: ask to speak first")

    def check_inside(self, account: int) -> None:
        """Raises RequestError(409) for who has no session here: some acts are done from a place in the room."""
        if account not in self.by_account:
            raise RequestError(409, "not_inside", "come in first: by a socket, WHEP or WHIP")

    def check_lock(self, account: int | None) -> None:
        """Raises RequestError(403) for who is new to a locked Space."""
        known = account is not None and (account in self.insiders or account in self.by_account)
        if self.record.locked and self.role_of(account) is Role.LISTENER and not known:
            raise RequestError(403, "locked", "this Space is locked: nobody new comes in")

    def check_block(self, account: int | None) -> None:
        """Raises RequestError(403)."""
        if account in self.blocked:
            raise RequestError(403, "blocked", "you have been blocked here")

    def check_place(self, seat: SeatKey, *, one_gives_way: bool) -> None:
        """Raises RequestError(503) if there is none; there is always one for the stage, and for who sat here before."""
        if self.role_of(seat.account) is not Role.LISTENER or seat in self.kept_seats.sure:
            return
        kept = len(self.kept_seats.sure) if seat in self.kept_seats else len(self.kept_seats)
        if len(self.seats) + kept + self.unwritten - one_gives_way >= self.capacity:
            raise RequestError(503, "full", "this Space is full", retry_after_seconds=30)
