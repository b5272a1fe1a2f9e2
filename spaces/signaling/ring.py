"""The last numbered events of a Space, so that a socket that was away for a moment misses nothing."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime

KEPT_MAX = 256
"""Events per Space: some minutes of a busy stage; whoever was away longer gets a snapshot."""
REPLAYED_BYTES_MAX = 131_072
"""More than this at once is dearer than a snapshot, and half of what may wait for a reader."""

NUMBERS_PER_MILLISECOND = 1 << 11
"""Numbers of a life begin in a part of their own of this many: no Space has as many events in a millisecond."""


def first_number(now: datetime) -> int:
    """Where a Space's numbers begin that comes alive now: beyond any of a life that began before this millisecond.

    By chance others than those of Spaces that began in the same one. Below 2⁵³, which JavaScript's numbers end at, until 2109.
    """
    return int(now.timestamp() * 1000) * NUMBERS_PER_MILLISECOND + secrets.randbelow(NUMBERS_PER_MILLISECOND // 2)


@dataclass(frozen=True, slots=True)
class Kept:
    seq: int
    hosts_only: bool
    frame: bytes
    role_of: int | None
    """The account whose role changed with this."""


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

    def add(self, frame: bytes, *, hosts_only: bool = False, role_of: int | None = None) -> None:
        """Keep an event, encoded with `next` as its number."""
        self.seq += 1
        self._kept.append(Kept(self.seq, hosts_only, frame, role_of))

    def redact(self, seq: int, frame: bytes) -> None:
        """Have an event that is kept say something else, with the same number: what it told is not to be told again."""
        for index, kept in enumerate(self._kept):
            if kept.seq == seq:
                self._kept[index] = replace(kept, frame=frame)

    def since(self, cursor: int, account: int | None, *, is_host: bool) -> list[bytes] | None:
        """The events after this cursor that the account may see. None: they are not all here any more, they are too much,
        or the cursor is not one of ours.

        What is for hosts goes to who is one now and was one when it happened: nothing of that from before his role changed.
        """
        oldest = self._kept[0].seq if self._kept else self.seq + 1
        if not max(self._first, oldest - 1) <= cursor <= self.seq:
            return None
        frames: list[bytes] = []
        size = 0
        for kept in reversed(self._kept):
            if kept.seq <= cursor:
                break
            if kept.role_of is not None and kept.role_of == account:
                is_host = False
            if kept.hosts_only and not is_host:
                continue
            size += len(kept.frame)
            if size > REPLAYED_BYTES_MAX:
                return None
            frames.append(kept.frame)
        frames.reverse()
        return frames
