"""How many listen, and who speaks, is told to everybody by itself, within the time that is promised. Time is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from spaces.metrics import Metrics
from spaces.room_commands import Leave
from spaces.sfu.speakers import LoudestN
from spaces.signaling.broadcast import EARS_PER_TURN
from spaces.signaling.live import Live
from spaces.signaling.pulse import COUNT_SECONDS, SPEAKING_SECONDS, Pulse
from spaces.signaling.ring import EventRing
from tests.harness.frames import messages
from tests.harness.rooms import HOST, live_room, sit

COUNTED_SECONDS_MAX = 2.0
SPEAKING_SECONDS_MAX = 0.2
"""Promised."""
FRAME_SECONDS = 0.02
EARS = 2 * EARS_PER_TURN + 100
TURNS = 4
"""Of the loop, in which all of them have been told: they take no time."""


class Periods:
    """A Stop in virtual time: in each period something happens, at any moment of it; then it is told to stop."""

    told = False

    def __init__(self, happenings: list[Callable[[], object]]) -> None:
        self.now = 100.0
        self._happenings = iter(happenings)

    async def within(self, seconds: float) -> bool:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        happening = next(self._happenings, None)
        if happening is None:
            return True
        happening()
        self.now += seconds
        return False


class Rooms:
    """The Spaces of a node; none is put away here."""

    def __init__(self, lives: list[Live]) -> None:
        self._lives = {live.id: live for live in lives}

    def alive(self) -> list[Live]:
        return list(self._lives.values())

    def get(self, space: str) -> Live | None:
        return self._lives.get(space)

    async def put_away_idle(self) -> None: ...


class Ear:
    def __init__(self, periods: Periods) -> None:
        self.heard: list[tuple[float, dict[str, Any]]] = []
        """When, and what."""
        self._periods = periods

    def hear(self, frames: bytes) -> None:
        self.heard += [(self._periods.now, message) for message in messages(frames)]


Heard = list[tuple[float, dict[str, Any]]]


async def told(live: Live, periods: Periods, levels: Callable[[str], dict[str, float]] | None = None) -> Heard:
    """What everybody has heard when all has happened: the count, or with `levels` who speaks."""
    listening = [Ear(periods) for _ in range(EARS)]
    for ear in listening:
        live.broadcast.join(ear)
    nothing: Any = SimpleNamespace()
    media: Any = SimpleNamespace(levels=levels)
    pulse = Pulse(
        cast(Any, Rooms([live])), media, nothing, Metrics(), cast(Any, periods), lambda: periods.now, nothing
    )  # fmt: skip
    await (pulse.counts() if levels is None else pulse.speaking())
    for ear in listening:
        live.broadcast.leave(ear)  # with what it is still to hear
    assert all(ear.heard == listening[0].heard for ear in listening), "also who is told in a later turn of the loop"
    return listening[0].heard


async def test_everybody_is_told_within_the_period_how_many_listen_now_and_nothing_twice() -> None:
    room = live_room()
    sit(room, HOST)
    sessions: list[str] = []

    def some_come() -> None:
        sessions.extend(sit(room, account)[0] for account in (7, 8, None))

    def one_goes() -> None:
        room.apply(Leave(sessions.pop()))

    def one_comes_and_goes() -> None:
        room.apply(Leave(sit(room, None)[0]))

    def nothing() -> None: ...

    periods = Periods([nothing, nothing, some_come, nothing, one_goes, one_comes_and_goes, nothing])
    began = periods.now
    heard = await told(Live(room, EventRing(1), {}, room.kept), periods)
    assert [message for _, message in heard] == [
        {"type": "count", "listeners": listeners, "peak_listeners": most}
        for listeners, most in ((0, 0), (3, 3), (2, 3))
    ]
    assert [at - began for at, _ in heard] == [period * COUNT_SECONDS for period in (1, 3, 5)], (
        "at the end of its period"
    )
    assert COUNT_SECONDS <= COUNTED_SECONDS_MAX


async def test_who_speaks_is_shown_within_200_ms_and_who_stops_100_ms_later_however_many_hear_it() -> None:
    room, loudest = live_room(), LoudestN[str](2)
    live = Live(room, EventRing(1), {}, room.kept)
    live.entries = cast(Any, dict.fromkeys(map(str, range(EARS))))  # so many are told of mere loudness twice a second
    frames: list[float] = []

    def speaks() -> None:
        for _ in range(5):
            frames.append(periods.now)
            loudest.observe("17", -20.0, FRAME_SECONDS, periods.now)

    def nothing() -> None: ...

    periods = Periods([nothing, speaks, *[nothing] * 10])
    heard = await told(live, periods, lambda space: loudest.levels(periods.now))
    (began, first), (stopped, last) = heard
    assert (first["type"], list(first["levels"]), last["levels"]) == ("speaking", ["17"], {})
    assert began - frames[0] <= SPEAKING_SECONDS_MAX
    assert stopped - frames[-1] <= SPEAKING_SECONDS_MAX + SPEAKING_SECONDS + 1e-9
