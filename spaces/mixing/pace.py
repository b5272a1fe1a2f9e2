"""The pace of a speaker, compiled: how far ahead of their turn his packets come, and what is done about it. Pure.

A packet must be there when the tick that plays it begins. By how much the slowest packet of the last second was ahead of that
is the *slack*. Where it is too little, the whole Space moves to a phase 5 ms later, and back when there is enough
(engine.AudioEngine). A speaker who alone has a frame and more to spare for some seconds skips it where he is silent, and is
hurried by 0.4 % until he has it not if he is never silent. So delay follows the network, and a sender's clock that runs fast or
slow never adds up (500 ppm are 5 ms in 10 s).

What repairs a lost packet – in-band FEC in the packet behind it, copies in RED – comes later than it would have. While that
happens, slack is what is left beyond the wait for it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.speakers import HISTORY, RATE_MAX
from spaces.native import keep_compiled_code  # noqa: F401 – says where compiled code is kept, before the first is made

MARGIN_SECONDS = 0.003
"""Slack to keep: what the next second may take, and a little."""
SPARE_SECONDS = 0.020
"""A frame: slack beyond this, the margin and a little can be given back."""
WINDOW_SECONDS = 1.0
WINDOWS_BEFORE_SHRINKING = 6
"""Seconds during which even the slowest packet must have been early."""
LONG_SECONDS = 0.060
"""Slack beyond this in two windows is too much to be hurried away frame by frame: silence takes them all."""
SECONDS_MAX = 1e6
"""Slack of a window without packets is infinite."""
REPAIR_WINDOW_SECONDS = 10.0
"""The wait for repairs is the longest of this window and the one before: who loses one packet in a hundred keeps it."""
REPAIR_SECONDS_MAX = 0.060
"""Of waiting for them: what concealment may fill. RED reaches further than is worth waiting for."""


def _resampling_taps() -> np.ndarray:
    """Windowed-sinc interpolation for each rate −RATE_MAX … RATE_MAX: float32 (rates, FRAME, HISTORY).

    Output n of a frame that takes FRAME + rate samples lies at n · (FRAME + rate) / FRAME of them.
    """
    taps = np.zeros((2 * RATE_MAX + 1, FRAME, HISTORY), np.float64)
    for index in range(2 * RATE_MAX + 1):
        position = np.arange(FRAME) * (FRAME + index - RATE_MAX) / FRAME
        fraction = position - np.floor(position)
        distance = np.arange(HISTORY)[None, :] - (HISTORY // 2 - 1) - fraction[:, None]
        window = np.i0(8.0 * np.sqrt(np.clip(1.0 - (distance / (HISTORY // 2)) ** 2, 0.0, 1.0))) / np.i0(8.0)
        row = np.sinc(distance) * window
        taps[index] = row / row.sum(axis=1, keepdims=True)
    return taps.astype(np.float32)


TAPS = _resampling_taps()


@njit(nogil=True, cache=True)
def wait_for_repairs(s, samples):  # type: ignore[no-untyped-def]
    """A loss was repaired by what came so many samples behind its turn."""
    seconds = min(samples / SAMPLE_RATE, REPAIR_SECONDS_MAX)
    s.repair = max(s.repair, seconds)
    s.repair_next = max(s.repair_next, seconds)


@njit(nogil=True, cache=True)
def _give_back(s, frames):  # type: ignore[no-untyped-def]
    """In the next silence; one of them by hurrying, if there was no silence since it was asked for the last time."""
    if s.spare > 0:
        s.rate, frames = RATE_MAX, frames - 1
    s.spare = frames


@njit(nogil=True, cache=True)
def set_pace(s, now):  # type: ignore[no-untyped-def]
    """Once a window: hurry if for long even the slowest packet was a frame early, more than the Space's phase can give."""
    if now < s.window_ends:
        return
    if now >= s.repair_window_ends:
        s.repair, s.repair_next = s.repair_next, 0.0
        s.repair_window_ends = now + REPAIR_WINDOW_SECONDS
    if s.window_ends > 0:
        before, s.slack_before = s.slack_before, s.slack - s.repair
        if s.slack < SECONDS_MAX:
            s.slack_long = min(s.slack_long, s.slack_before)
            s.windows += 1
            keep = 1.5 * MARGIN_SECONDS + s.spread / 4
            spare = min(before, s.slack_before) - keep
            if spare > LONG_SECONDS and spare < SECONDS_MAX:
                _give_back(s, np.int32(spare / SPARE_SECONDS))
            if s.windows >= WINDOWS_BEFORE_SHRINKING:
                if s.slack_long - keep > SPARE_SECONDS:
                    _give_back(s, 1)
                s.windows = 0
                s.slack_long = np.inf
    s.slack = np.inf
    s.window_ends = now + WINDOW_SECONDS


@njit(nogil=True, cache=True)
def stretched(pcm, rate, frame, taps):  # type: ignore[no-untyped-def]
    """Make a frame of FRAME + `rate` samples of `pcm`, behind its HISTORY."""
    half = HISTORY // 2
    if rate == 0:
        for n in range(FRAME):
            frame[n] = pcm[half + n]
        return
    table = taps[rate + RATE_MAX]
    for n in range(FRAME):
        first = n * (FRAME + rate) // FRAME + 1
        total = np.float32(0.0)
        for k in range(HISTORY):
            total += table[n, k] * pcm[first + k]
        frame[n] = total
