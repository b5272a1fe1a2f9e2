"""The last numbered events of a Space, so that a socket that was away for a moment misses nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

KEPT_MAX = 256
"""Events per Space: some minutes of a busy stage; whoever was away longer gets a snapshot."""


@dataclass(frozen=True, slots=True)
class Kept:
    seq: int
    hosts_only: bool
    text: str


class EventRing:
    def __init__(self, seq: int) -> None:
        """`seq`: larger than any that an earlier life of this Space has given, so that its cursors are never met here."""
        self.seq = seq
        self._first = seq
        self._kept: deque[Kept] = deque(maxlen=KEPT_MAX)

    @property
    def next(self) -> int:
        """The number that the next event is to carry."""
        return self.seq + 1

    def add(self, text: str, *, hosts_only: bool = False) -> Kept:
        """Keep an event, encoded with `next` as its number."""
        self.seq += 1
        kept = Kept(self.seq, hosts_only, text)
        self._kept.append(kept)
        return kept

    def since(self, cursor: int) -> list[Kept] | None:
        """The events after this cursor; None: they are not all here any more, or the cursor is not one of ours."""
        oldest = self._kept[0].seq if self._kept else self.seq + 1
        if not max(self._first, oldest - 1) <= cursor <= self.seq:
            return None
        return [kept for kept in self._kept if kept.seq > cursor]
