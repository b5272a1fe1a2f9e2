"""Plays a host's sounds into a Space, as a speaker of its own: into the mix, and to the stage in a slot of its own.

It is encoded once, in real time, and goes the way of a speaker's packets, through the jitter buffer to the mix and forwarded
to the stage: where none is played, nothing is there that could cost anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import structlog

from spaces.mixing.engine import AudioEngine
from spaces.mixing.opus import FRAME, SAMPLE_RATE, Encoder
from spaces.mixing.sound import Source
from spaces.mixing.stinger import Samples, Stinger
from spaces.sfu.stage import Stage

OWNER = "stinger"
"""Nobody's account id."""
BITRATE = 96_000
FRAME_SECONDS = FRAME / SAMPLE_RATE
TAIL_FRAMES = 3
"""Of silence behind the last sound: the coder is late by 6.5 ms, and a receiver's concealment has nothing to go on with."""
LINGER_FRAMES = 25
"""Without sound, until its place is given up: what has been sent may wait in the jitter buffer so long."""
BEHIND_SECONDS_MAX = 0.1
"""Later than this (a suspended process), time is skipped instead of caught up with."""
ROW_SECONDS, ROW_LOOKS_MAX = 0.002, 500
"""Looks for the row that the audio thread gives the source within a tick: without it the first packets would be left out."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Playing:
    sound: Stinger
    over: Callable[[], None]


class StingerPlayer:
    """Of one Space; one sound at a time, and while it fades the one before."""

    owner = OWNER

    def __init__(self, space: str, stage: Stage, engine: AudioEngine, monotonic: Callable[[], float]) -> None:
        self._space = space
        self._stage = stage
        self._engine = engine
        self._monotonic = monotonic
        self._playing: list[_Playing] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def active(self) -> bool:
        return self._task is not None

    def play(self, samples: Samples, over: Callable[[], None]) -> None:
        """Fade out what is played, if anything is, and play this. `over` is called when it has ended, however that was."""
        self.stop()
        self._playing.append(_Playing(Stinger(samples), over))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"stinger {self._space}")
            self._task.add_done_callback(self._done)

    def stop(self) -> None:
        """Fade out."""
        for playing in self._playing:
            playing.sound.stop()

    def close(self) -> None:
        """The Space is over: no more sound, and nobody is told."""
        self._playing.clear()
        if self._task is not None:
            self._task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("stinger_crashed", space=self._space, exc_info=error)

    async def _run(self) -> None:
        source = Source(self._space, OWNER)
        source.always = True
        self._engine.post(self._engine.add_source, source)
        try:
            await self._row_of(source)
            await self._send(source)
        finally:
            self._task = None  # now: the next sound may come before anybody is told that this task is done
            self._stage.silence(self)
            self._engine.post(self._engine.remove_source, source)
            unheard, self._playing = self._playing, []  # of one that crashed
            for playing in unheard:
                playing.over()

    async def _row_of(self, source: Source) -> None:
        for _ in range(ROW_LOOKS_MAX):
            if source.row >= 0:
                return
            await asyncio.sleep(ROW_SECONDS)

    async def _send(self, source: Source) -> None:
        encoder = Encoder(BITRATE, expected_loss_percent=0, dtx=False)
        sequence = timestamp = silent = 0
        due = self._monotonic()
        while silent < LINGER_FRAMES:
            frame, marker, now = self._next_frame(), silent >= TAIL_FRAMES or not sequence, self._monotonic()
            silent = 0 if frame is not None else silent + 1
            if silent <= TAIL_FRAMES:
                payload = encoder.encode(np.zeros(FRAME, np.float32) if frame is None else frame)
                self._engine.packet(source, sequence, timestamp, payload, FRAME, now)
                self._stage.play(self, sequence, timestamp, marker, payload, now)
                sequence += 1
            timestamp = (timestamp + FRAME) & 0xFFFFFFFF
            due += FRAME_SECONDS
            if now - due > BEHIND_SECONDS_MAX:
                due = now
            await asyncio.sleep(due - self._monotonic())

    def _next_frame(self) -> Samples | None:
        """All that is played, summed; None: nothing is."""
        if not self._playing:
            return None
        total = np.zeros(FRAME, np.float32)
        for playing in list(self._playing):
            total += playing.sound.frame()
            if playing.sound.over:
                self._playing.remove(playing)
                playing.over()
        return total
