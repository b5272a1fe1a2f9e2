"""Places of those who were in when a Space came from another node: nobody else has them before they could be back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spaces.room_commands import SeatKey

KEPT_TIME = timedelta(seconds=10)
"""As long as edges keep the media of who has no owner; a page that was told, or has found out, is back before."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Somebody who was in, by what is written of him."""

    seat: SeatKey
    connected: bool
    """His media was. Without that he may be one who was being refused when the node died."""


@dataclass(slots=True)
class KeptSeats:
    sure: dict[SeatKey, None] = field(default_factory=dict)
    unsure: dict[SeatKey, None] = field(default_factory=dict)
    _by_account: dict[int, list[SeatKey]] = field(default_factory=dict)
    _until: datetime | None = None

    @staticmethod
    def of_those(inside: Iterable[Inside], seats_per_account_max: int, now: datetime) -> KeptSeats:
        """`inside`: the oldest first. Of an account the newest seats: an older one had given way, and that was not written."""
        kept = KeptSeats(_until=now + KEPT_TIME)
        newest_first: dict[SeatKey, bool] = {}
        for one in reversed(list(inside)):
            newest_first[one.seat] = newest_first.get(one.seat, False) or one.connected
        for seat, connected in newest_first.items():
            if seat.account is not None:
                of_account = kept._by_account.setdefault(seat.account, [])
                if len(of_account) >= seats_per_account_max:
                    continue
                of_account.insert(0, seat)
            (kept.sure if connected else kept.unsure)[seat] = None
        return kept

    def __len__(self) -> int:
        return len(self.sure) + len(self.unsure)

    def __contains__(self, seat: SeatKey) -> bool:
        return seat in self.sure or seat in self.unsure

    def of(self, account: int) -> list[SeatKey]:
        """The oldest first."""
        return list(self._by_account.get(account, ()))

    def let_go(self, seat: SeatKey) -> None:
        """He is back, or does not come. Idempotent."""
        self.sure.pop(seat, None)
        self.unsure.pop(seat, None)
        if seat.account is not None and seat in (of_account := self._by_account.get(seat.account, [])):
            of_account.remove(seat)
            if not of_account:
                del self._by_account[seat.account]

    def put_out(self, account: int) -> None:
        for seat in self.of(account):
            self.let_go(seat)

    def tick(self, now: datetime) -> None:
        if self._until is not None and now >= self._until:
            self.end()

    def end(self) -> None:
        """Whoever comes from now on is a newcomer."""
        self.sure.clear()
        self.unsure.clear()
        self._by_account.clear()
        self._until = None
