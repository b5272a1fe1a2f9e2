"""Live captions of one Space: what each speaker is saying, from his own client or from an engine of ours."""

from __future__ import annotations

import enum
import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from spaces.errors import RequestError
from spaces.pace import Pace

CAPTION_CHARACTERS_MAX = 400
"""Two or three sentences: longer ones are to be told in parts, or nobody keeps up."""
CAPTION_SECONDS = 0.2
CAPTIONS_AT_ONCE = 10
"""Of one speaker, guesses that change while he speaks included."""
OWN_SECONDS = 30.0
"""Whoever has sent captions of his own this lately is left to himself by our engine."""
TAIL_MAX = 5
"""Finished captions that are told to who asks for captions in the middle of a talk."""
UNSTORED_MAX = 500
"""While the database is away: an hour of talk."""


class Source(enum.StrEnum):
    SPEAKER = "speaker"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Caption:
    """Something said, finished."""

    account: int
    began_at: datetime
    ended_at: datetime
    text: str
    source: Source


class Captions:
    """`now` is seconds of one steady clock, `at` the time of day."""

    def __init__(self) -> None:
        self.tail: deque[Caption] = deque(maxlen=TAIL_MAX)
        self.unstored: deque[Caption] = deque(maxlen=UNSTORED_MAX)
        """Finished, and not in the database yet; the oldest first."""
        self._pace = Pace(CAPTION_SECONDS, CAPTIONS_AT_ONCE)
        self._own_at: dict[int, float] = {}
        self._began_at: dict[int, datetime] = {}
        """Of what is being said now."""

    def say(self, account: int, text: str, now: float, at: datetime, source: Source, *, final: bool) -> bool:
        """A caption, or what there is of it so far; whether it is to be shown.

        Raises RequestError(429) for a client that sends more than anybody reads; an engine of ours is merely not shown.
        """
        if source is Source.SERVER and now - self._own_at.get(account, -math.inf) < OWN_SECONDS:
            return False
        if wait := self._pace.wait(account, now):
            if source is Source.SERVER and not final:
                return False
            if source is Source.SPEAKER:
                raise RequestError(
                    429, "too_many_captions", "that is more than anybody reads", retry_after_seconds=math.ceil(wait)
                )
        if source is Source.SPEAKER:
            self._own_at[account] = now
        began_at = self._began_at.setdefault(account, at)
        if final:
            del self._began_at[account]
            caption = Caption(account, min(began_at, at), at, text, source)
            self.tail.append(caption)
            self.unstored.append(caption)
        return True

    def forget(self, account: int) -> None:
        """Who left the stage: what he was saying is left unfinished."""
        self._began_at.pop(account, None)
        self._own_at.pop(account, None)

    def erase(self, account: int) -> None:
        """Whose account is gone: nothing of him is left here."""
        self.forget(account)
        for kept in (self.tail, self.unstored):
            others = [caption for caption in kept if caption.account != account]
            kept.clear()
            kept.extend(others)
