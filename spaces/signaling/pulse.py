"""What is told by the clock: who is speaking, how many listen, the gauges; and Spaces put away when nobody is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.service import Access
from spaces.errors import RequestError
from spaces.metrics import Metrics
from spaces.room_rules import Role, State
from spaces.sfu.session import MediaPlane
from spaces.signaling.live import Live
from spaces.signaling.messages import Count, Speaking
from spaces.signaling.rooms import Rooms
from spaces.tasks import Stop

log = structlog.get_logger()

SPEAKING_SECONDS = 0.1
"""Ten a second: who is speaking is shown within 200 ms."""
LEVELS_SECONDS_PER_ENTRY = 0.0005
"""Mere changes of loudness are told less often to many: 1,000 sockets get two a second."""
REPEAT_SECONDS = 1.0
"""Who has just come must hear of it, also while nothing changes: a tone, an even hum."""
COUNT_SECONDS = 1.0
TICK_SECONDS = 0.5
SWEEP_SECONDS = 3_600.0
SETTINGS_SECONDS = 2.0
MONEY_SECONDS = 1.0
"""Nobody waits for it: rights go by dates, and renewals are charged ahead of time."""


class Pulse:
    def __init__(
        self,
        rooms: Rooms,
        media: MediaPlane,
        access: Access,
        metrics: Metrics,
        stop: Stop,
        clock: Callable[[], float],
        forget_talk: Callable[[], Awaitable[None]],
    ) -> None:
        self._rooms = rooms
        self._media = media
        self._access = access
        self._metrics = metrics
        self._stop = stop
        self._clock = clock
        self._forget_talk = forget_talk
        self._levels_told_at: dict[str, float] = {}

    async def speaking(self) -> None:
        """Runs until it is told to stop."""
        while not await self._stop.within(SPEAKING_SECONDS):
            now = self._clock()
            for live in self._rooms.alive():
                self._tell_levels(live, now)

    async def counts(self) -> None:
        """Runs until it is told to stop."""
        while not await self._stop.within(COUNT_SECONDS):
            for live in self._rooms.alive():
                listeners = live.room.listeners
                if listeners != live.listeners:
                    live.listeners = listeners
                    live.tell_all(Count(listeners=listeners, peak_listeners=live.room.peak))
            self._gauge()
            await self._rooms.put_away_idle()
            self._levels_told_at = {s: at for s, at in self._levels_told_at.items() if self._rooms.get(s) is not None}

    async def tick(self) -> None:
        """Runs until it is told to stop: what time brings to rooms, and what of them is not stored yet."""
        while not await self._stop.within(TICK_SECONDS):
            for live in self._rooms.alive():
                try:
                    await self._rooms.tick(live)
                except (SQLAlchemyError, OSError, TimeoutError, RequestError) as error:
                    log.warning("a room's time waits", space=live.id, error=type(error).__name__)

    async def sweep(self) -> None:
        """Runs until it is told to stop: forget what no decision needs any more."""
        while not self._stop.told:
            try:
                await self._access.sweep()
                await self._rooms.forget()
                await self._forget_talk()
            except (SQLAlchemyError, OSError) as error:
                log.warning("sweep failed", error=type(error).__name__)
            await self._stop.within(SWEEP_SECONDS)

    async def settings(self) -> None:
        """Runs until it is told to stop: what operators have set for the platform."""
        while not self._stop.told:
            try:
                self._rooms.apply_settings(await self._access.operators.settings())
            except (SQLAlchemyError, OSError) as error:
                log.warning("settings wait", error=type(error).__name__)
            await self._stop.within(SETTINGS_SECONDS)

    async def money(self) -> None:
        """Runs until it is told to stop: what the clock brings to subscriptions."""
        while not await self._stop.within(MONEY_SECONDS):
            try:
                if self._access.clock is not None:
                    await self._access.clock.read()
                await self._access.desk.keep_time()
            except (SQLAlchemyError, OSError) as error:
                log.warning("money waits", error=type(error).__name__)

    def _tell_levels(self, live: Live, now: float) -> None:
        """At once when somebody begins or stops to speak; else as often as the audience's size allows."""
        if not live.entries:
            return
        levels = {owner: round(level, 1) for owner, level in self._media.levels(live.id).items()}
        told_at = self._levels_told_at.get(live.id, 0.0)
        if levels == live.levels and (not levels or now - told_at < REPEAT_SECONDS):
            return
        pause = len(live.entries) * LEVELS_SECONDS_PER_ENTRY
        if levels.keys() == live.levels.keys() and now - told_at < pause:
            return
        live.levels = levels
        self._levels_told_at[live.id] = now
        live.tell_all(Speaking(levels=levels))

    def _gauge(self) -> None:
        states = dict.fromkeys((State.SCHEDULED, State.LIVE), 0)
        seats = dict.fromkeys(Role, 0)
        for live in self._rooms.alive():
            if live.room.record.state in states:
                states[live.room.record.state] += 1
            for role, count in live.room.seats_by_role().items():
                seats[role] += count
        rooms = [live.room for live in self._rooms.alive() if live.room.record.state is State.LIVE]
        self._metrics.tell_audiences({room.record.id: room.listeners for room in rooms})
        for state, count in states.items():
            self._metrics.spaces.labels(state=state.value).set(count)
        for role, count in seats.items():
            self._metrics.seats.labels(role=role.value).set(count)
