"""The backchannel chat of one Space: its last lines, and how fast who may write."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from spaces.errors import RequestError
from spaces.pace import Pace

LINE_CHARACTERS_MAX = 500
"""A backchannel, not a forum; a phone shows so much at once."""
TAIL_MAX = 100
"""Lines in memory, which who comes in is shown; the database has the others."""
LINE_SECONDS = 1.0
LINES_AT_ONCE = 5
"""Of one person, also without slow mode."""
SPACE_LINE_SECONDS = 0.1
SPACE_LINES_AT_ONCE = 30
"""Of the whole audience: each line is a message to everybody, and nobody reads more than ten a second."""
SLOW_SECONDS_MAX = 3_600


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    account: int
    at: datetime
    text: str


class Chat:
    """Times are seconds of one steady clock."""

    def __init__(self) -> None:
        self.lines: OrderedDict[int, Line] = OrderedDict()
        """By id, the oldest first; TAIL_MAX at most."""
        self._pace = Pace(LINE_SECONDS, LINES_AT_ONCE)
        self._together = Pace(SPACE_LINE_SECONDS, SPACE_LINES_AT_ONCE)
        self._wrote_at: OrderedDict[int, float] = OrderedDict()
        """Who of the audience wrote when last; nobody for longer than slow mode can ask."""

    def restore(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._keep(line)

    def check_pace(self, account: int, now: float, slow_seconds: int, *, on_stage: bool) -> None:
        """May this account write a line now? Slow mode and the crowd's limit are for the audience. RequestError(429)."""
        if not on_stage and (wait := self._wrote_at.get(account, -math.inf) + slow_seconds - now) > 0:
            raise _too_early("chat_slow_mode", f"slow mode: one line every {slow_seconds} s", wait)
        if wait := self._pace.wait(account, now):
            raise _too_early("too_many_lines", "that is faster than anybody reads", wait)
        if not on_stage and (wait := self._together.wait(None, now)):
            raise _too_early("chat_busy", "everybody writes at once: try again in a moment", wait)

    def add(self, line: Line, now: float) -> None:
        self._keep(line)
        self._wrote_at[line.account] = now
        self._wrote_at.move_to_end(line.account)
        while self._wrote_at and next(iter(self._wrote_at.values())) <= now - SLOW_SECONDS_MAX:
            self._wrote_at.popitem(last=False)

    def remove(self, line: int) -> Line | None:
        """None: it is not among the last lines."""
        return self.lines.pop(line, None)

    def clear(self, account: int) -> list[Line]:
        """Everything of this account that is among the last lines."""
        mine = [line for line in self.lines.values() if line.account == account]
        for line in mine:
            del self.lines[line.id]
        return mine

    def _keep(self, line: Line) -> None:
        self.lines[line.id] = line
        while len(self.lines) > TAIL_MAX:
            self.lines.popitem(last=False)


def _too_early(code: str, detail: str, wait: float) -> RequestError:
    return RequestError(429, code, detail, retry_after_seconds=max(1, math.ceil(wait)))
