"""What a ticket gives: to come into its one Space, and to hear it again. And where one is to be had. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """The grant of a paid ticket for the Space in question."""

    grant: int
    start: datetime
    end: datetime
    revoked_at: datetime | None = None

    def ends(self) -> datetime:
        return self.end if self.revoked_at is None else min(self.end, self.revoked_at)

    def covers(self, now: datetime) -> bool:
        return self.start <= now < self.ends()


@dataclass(frozen=True, slots=True)
class TicketTerms:
    """The offer of tickets for the Space in question."""

    space: str
    amount_minor: int
    currency: str
    quantity: int
    left: int
    state: str
    """on_sale, paused, ended or cancelled."""
    sale_start: datetime | None = None
    sale_end: datetime | None = None

    def sale(self, now: datetime) -> str:
        """on_sale, sold_out, not_yet or closed."""
        if self.state != "on_sale" or (self.sale_end is not None and self.sale_end <= now):
            return "closed"
        if self.sale_start is not None and now < self.sale_start:
            return "not_yet"
        return "on_sale" if self.left > 0 else "sold_out"


@dataclass(frozen=True, slots=True)
class TicketWay:
    """Tickets that admit, and whether one can be bought now."""

    terms: TicketTerms
    sale: str

    @property
    def on_sale(self) -> bool:
        return self.sale == "on_sale"
