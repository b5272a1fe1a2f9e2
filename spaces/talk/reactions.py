"""Reactions: a fixed set, counted, and told as counts; how many people tap makes no difference to who is told."""

from __future__ import annotations

import enum
import math
from collections import Counter

from spaces.errors import RequestError
from spaces.pace import Pace

TOLD_SECONDS = 0.2
"""Five times a second at most: often enough to feel alive, and one message per listener each."""
TAP_SECONDS = 0.2
TAPS_AT_ONCE = 10
"""Of one person: as fast as a thumb taps; faster is a machine."""


class Reaction(enum.StrEnum):
    HEART = "heart"
    CLAP = "clap"
    LAUGH = "laugh"
    FIRE = "fire"
    WOW = "wow"
    SAD = "sad"
    HUNDRED = "hundred"
    WAVE = "wave"


class Reactions:
    """Of one Space. It holds a number for each reaction, and one for each person who has just tapped."""

    def __init__(self) -> None:
        self._pace = Pace(TAP_SECONDS, TAPS_AT_ONCE)
        self._counts: Counter[Reaction] = Counter()

    def tap(self, account: int, reaction: Reaction, now: float) -> None:
        """Raises RequestError(429), which counts nothing."""
        if wait := self._pace.wait(account, now):
            raise RequestError(
                429, "too_many_reactions", "that is faster than anybody taps", retry_after_seconds=math.ceil(wait)
            )
        self._counts[reaction] += 1

    def take(self) -> dict[str, int]:
        """What has come since it was last asked; the most frequent first."""
        counts = {str(reaction): count for reaction, count in self._counts.most_common()}
        self._counts.clear()
        return counts
