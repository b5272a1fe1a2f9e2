"""Which of the four phases of 20 ms a Space has its frames in: the one that suits its speakers. Time is a parameter."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.pace import MARGIN_SECONDS, WINDOW_SECONDS
from spaces.mixing.programs import Programs
from spaces.mixing.render import IDLE_AFTER_FRAMES
from spaces.mixing.sound import SpaceSound
from spaces.mixing.speakers import Speakers

PHASES = 4
TICK_SECONDS = 0.020 / PHASES
TICK_SAMPLES = FRAME // PHASES
"""A Space has a frame every 20 ms, in one of four phases 5 ms apart: in the one that suits its speakers, so that a packet
does not wait up to 20 ms for the mix."""
NO_PHASE = -1
PHASE_WINDOWS = 3
"""Seconds during which every packet must have been early before a Space moves to an earlier phase."""
FRAMES_PER_WINDOW = round(WINDOW_SECONDS * SAMPLE_RATE / FRAME)
PAUSE_SECONDS = 0.3
"""Without packets; the next one begins a talk."""
ROUNDING_SECONDS = 1e-5
"""A tick that is due so soon after a packet may be played, may be taken for one that is due before."""


class Phases:
    """Moves Spaces between phases; `changed` is called when one has moved."""

    def __init__(self, speakers: Speakers, programs: Programs, delay_min: float, changed: Callable[[], None]) -> None:
        self._speakers, self._programs = speakers, programs
        self._wait = max(MARGIN_SECONDS, delay_min) + ROUNDING_SECONDS
        self._changed = changed
        self._moving: list[tuple[int, SpaceSound, int]] = []

    @property
    def moving(self) -> bool:
        """Whether a Space is on its way to a later phase."""
        return bool(self._moving)

    def frame_made(self, space: SpaceSound, now: float, tick: int) -> None:
        """Once a second: later if the slowest packet was nearly late, earlier if for some time all had 5 ms to spare."""
        space.frames += 1
        if space.frames % FRAMES_PER_WINDOW:
            return
        state = self._speakers.rows.state[[source.row for source in space.sources]]
        slack = state["slack_before"][
            (now - state["measured_at"] < WINDOW_SECONDS) & np.isfinite(state["slack_before"])
        ]
        if not slack.size:
            space.early.clear()
            return
        space.early.append(float(slack.min()))
        if space.early[-1] < MARGIN_SECONDS:
            self._move(space, 1, tick)
        elif len(space.early) == PHASE_WINDOWS and (
            spare := int((min(space.early) - 1.5 * MARGIN_SECONDS) / TICK_SECONDS)
        ):
            self._move(space, -min(spare, PHASES - 1), tick)

    def talk_begins(self, space: SpaceSound, arrival: float, due: float, tick: int) -> None:
        """Into silence, the first packet of a talk has come: the next frame is at the first tick that may play it.

        `due` is when this tick was to begin. While sound is being sent, the Space keeps its pace. Otherwise the sample clock
        follows the frames, so that it stays true to time; but not into a packet that has just kept the track alive.
        """
        state = self._programs.rows.state
        rows = [program.row for program in space.programs.values()]
        resting = state["resting"][rows].all()
        if space.phase == NO_PHASE or not rows or not (resting or (state["idle"][rows] >= IDLE_AFTER_FRAMES).all()):
            return
        ahead = max(0, math.ceil((arrival + self._wait - due) / TICK_SECONDS))
        since = 1 + (tick - 1 - space.phase) % PHASES  # ticks since the last frame
        if (tick + ahead - space.phase) % PHASES:
            shift = (since + ahead - PHASES) * TICK_SAMPLES
            if not resting:
                shift = max(0, shift)
            for row in rows:
                state[row]["clock"] += shift
                state[row]["timestamp"] += shift
            space.phase = (tick + ahead) % PHASES
            self._forget(space)

    def settle(self, tick: int) -> None:
        """Spaces on their way to a later phase arrive."""
        for move in [m for m in self._moving if m[0] <= tick]:
            self._moving.remove(move)
            _, space, phase = move
            space.phase = phase
            self._changed()

    def _move(self, space: SpaceSound, later: int, tick: int) -> None:
        """Let the next frame come 20 ms and `later` ticks after this one."""
        phase = (space.phase + later) % PHASES
        if later > 0:  # in the meantime it has no phase, or its next frame would come 5 ms from now
            self._moving.append((tick + PHASES, space, phase))
            phase = NO_PHASE
        space.phase = phase
        self._forget(space)

    def _forget(self, space: SpaceSound) -> None:
        """What was measured so far is of no use in another phase."""
        space.early.clear()
        for source in space.sources:
            self._speakers.forget_slack(source.row)
        self._changed()
