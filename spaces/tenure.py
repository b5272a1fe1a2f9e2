"""How long a node may be on air for a Space. No I/O, no clock: times are seconds of the node's own monotonic clock.

By its lease, as long as Redis says that it holds; without Redis by the database, in which whoever takes a Space over commits
his larger number at least ROW_SECONDS before he is on air. With neither it ends with the lease.
"""

from __future__ import annotations

from dataclasses import dataclass

from spaces.directory import LEASE_SECONDS, Lease

RENEW_SECONDS = 0.4
"""Between two renewals: three may fail before the lease ends."""
MARGIN_SECONDS = 0.1
"""The node gives up so much earlier than others may begin: clocks of two machines run differently, and a tick takes time."""
ROW_SECONDS = 1.0
"""How long what the database said holds: it is asked every 0.5 s while Redis is away."""
ROW_ASKED_SECONDS = 0.5
HANDOVER_SECONDS = ROW_SECONDS + MARGIN_SECONDS
"""From the commit of a new number until its holder is on air, unless the one before has said that he is gone."""


@dataclass(slots=True)
class Tenure:
    lease: Lease
    _until: float
    lost: bool = False
    """Another holds it, or has: this tenure never comes back."""
    yields: bool = False
    """Another is having it, at our word: on air as long as we know that we may be, but nothing is stored any more."""
    waits: bool = False
    """The one before has not said yet that he is silent."""

    @staticmethod
    def begun(lease: Lease, asked_at: float) -> Tenure:
        return Tenure(lease, asked_at + LEASE_SECONDS - MARGIN_SECONDS)

    @property
    def fence(self) -> int:
        return self.lease.fence

    @property
    def on_air_until(self) -> float:
        return float("-inf") if self.lost or self.waits else self._until

    def on_air(self, now: float) -> bool:
        return now < self.on_air_until

    def renewed(self, held: bool, asked_at: float) -> None:
        """The directory has answered what it was asked at that time."""
        if held:
            self._until = max(self._until, asked_at + LEASE_SECONDS - MARGIN_SECONDS)
        elif not self.yields:
            self.lost = True

    def row_read(self, newest: int, asked_at: float) -> None:
        """The database has answered what it was asked at that time: the newest number of this Space."""
        if newest > self.fence:
            self.lost = self.lost or not self.yields
        elif newest == self.fence:
            self._until = max(self._until, asked_at + ROW_SECONDS)
