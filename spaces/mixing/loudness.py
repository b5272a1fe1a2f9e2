"""Loudness, compiled: who holds a place in the mix, and the gain that makes speakers equally loud. Pure.

The leveller measures as EBU R 128 does (K-weighting and gates of ITU-R BS.1770-4) and moves slowly. It follows speech alone:
a tone or steady noise, whose level does not vary, keeps the level that it has.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.native import keep_compiled_code  # noqa: F401 – says where compiled code is kept, before the first is made

FRAME_SECONDS = FRAME / SAMPLE_RATE
ATTACK_SECONDS = 0.03
RELEASE_SECONDS = 0.4
ATTACK, RELEASE = (1.0 - float(np.exp(-FRAME_SECONDS / seconds)) for seconds in (ATTACK_SECONDS, RELEASE_SECONDS))
SPEAKING_DBFS = -50.0
TAKEOVER_DB = 3.0
HOLD_SECONDS = 0.6
HOLDER_BONUS_DB = 200.0
"""Who has held his place for less than HOLD_SECONDS and speaks keeps it against anyone."""

TARGET_LUFS = -18.0
GAIN_DB_MIN, GAIN_DB_MAX = -12.0, 24.0
AVERAGE_SECONDS = 3.0
"""How much speech the average remembers."""
MEASURED_SECONDS_MIN = 0.2
SLEW_FIRST, SLEW_LATER = 15.0, 3.0
"""dB per second: until AVERAGE_SECONDS of speech have been heard, and from then on."""
LOUDEST_DBFS = -3.0
"""Nobody is made louder than this, frame by frame: who shouts after a whisper would have the limiter hold down all others."""
SHOUT_DB = 6.0
"""From so much too loud on, the gain is not drawn down over the frame: its beginning would be what the limiter hears."""
MOMENTARY_SECONDS = 0.4
GATE_LUFS = -60.0
GATE_BELOW_AVERAGE_DB = 10.0
GATE, GATE_BELOW_AVERAGE = 10 ** ((GATE_LUFS + 0.691) / 10), 10 ** (-GATE_BELOW_AVERAGE_DB / 10)
"""Sound counts while what was heard in the last 400 ms is louder than both gates (BS.1770-4 has −70 and 10 LU)."""
SPEECH_STEP_DB = 1.0
"""The level of speech changes by more than this from frame to frame, on average (about 4); that of a tone, a hum or noise
does not (noise: 0.3)."""
STEP_DB_MAX = 12.0
"""What one step counts at most: a beginning is a step too."""
STEPS_AVERAGED = 20
DECIMATION = 8
"""Loudness is measured at 6 kHz: speech has little above 3 kHz (0.1 to 0.8 LU are left out), and it is eight times cheaper."""


def _k_weighting(rate: float) -> np.ndarray:
    """The two biquads of BS.1770 (b0 b1 b2 a1 a2 each), from their analogue prototypes, for any sample rate."""
    coefficients = np.zeros((2, 5))
    gain, quality, frequency = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = np.tan(np.pi * frequency / rate)
    vh = 10 ** (gain / 20)
    vb = vh**0.4996667741545416
    a0 = 1 + k / quality + k * k
    coefficients[0] = (
        (vh + vb * k / quality + k * k) / a0,
        2 * (k * k - vh) / a0,
        (vh - vb * k / quality + k * k) / a0,
        2 * (k * k - 1) / a0,
        (1 - k / quality + k * k) / a0,
    )
    quality, frequency = 0.5003270373238773, 38.13547087602444
    k = np.tan(np.pi * frequency / rate)
    a0 = 1 + k / quality + k * k
    coefficients[1] = (1, -2, 1, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0)
    return coefficients


K_WEIGHTING = _k_weighting(SAMPLE_RATE / DECIMATION)


@njit(nogil=True, cache=True)
def smooth_level(s, now):  # type: ignore[no-untyped-def]
    """Follow this frame's dBFS: up at once, down slowly, so that the pause between two words is not a pause."""
    s.level += (s.dbfs - s.level) * (ATTACK if s.dbfs > s.level else RELEASE)
    if s.dbfs > SPEAKING_DBFS:
        s.spoke_at = now


@njit(nogil=True, cache=True)
def choose(rows_of_space, places, now, state, score):  # type: ignore[no-untyped-def]
    """Give the `places` of one Space's mix to its loudest speakers, with hysteresis. `score` is scratch (float64).

    What is `always` in the mix takes none of them.
    """
    n = rows_of_space.shape[0]
    candidates = 0
    for i in range(n):
        s = state[rows_of_space[i]]
        if not s.sounding or s.muted or s.always:
            score[i] = -np.inf
            continue
        candidates += 1
        score[i] = s.level
        if s.holds:
            score[i] += TAKEOVER_DB
            if now - s.held_since < HOLD_SECONDS and s.dbfs > SPEAKING_DBFS:
                score[i] += HOLDER_BONUS_DB
    for i in range(n):
        s = state[rows_of_space[i]]
        rank = 0
        if candidates > places:
            for j in range(n):
                if score[j] > score[i] or (score[j] == score[i] and j < i):
                    rank += 1
        holds = score[i] > -np.inf and rank < places
        if s.always:
            holds = s.sounding != 0 and s.muted == 0
        if holds and not s.holds:
            s.held_since = now
        s.holds = 1 if holds else 0


@njit(nogil=True, cache=True)
def lufs(energy):  # type: ignore[no-untyped-def]
    """Loudness of a K-weighted mean square."""
    return -0.691 + 10.0 * np.log10(energy + 1e-13)


@njit(nogil=True, cache=True, fastmath={"contract"})
def k_weighted_energy(s, frame, k):  # type: ignore[no-untyped-def]
    """Mean square of a frame after K-weighting, in direct form I: a sample waits for one multiply-add of the one before."""
    x1, x2, y1, y2, z1, z2 = s.k_x1, s.k_x2, s.k_y1, s.k_y2, s.k_z1, s.k_z2
    total = 0.0
    for i in range(FRAME // DECIMATION):
        j = i * DECIMATION
        first = (frame[j] + frame[j + 1]) + (frame[j + 2] + frame[j + 3])
        second = (frame[j + 4] + frame[j + 5]) + (frame[j + 6] + frame[j + 7])
        x = np.float64(first + second) * (1.0 / DECIMATION)
        y = ((k[0, 0] * x + k[0, 1] * x1 + k[0, 2] * x2) - k[0, 4] * y2) - k[0, 3] * y1
        z = ((k[1, 0] * y + k[1, 1] * y1 + k[1, 2] * y2) - k[1, 4] * z2) - k[1, 3] * z1
        x1, x2, y1, y2, z1, z2 = x, x1, y, y1, z, z1
        total += z * z
    s.k_x1, s.k_x2, s.k_y1, s.k_y2, s.k_z1, s.k_z2 = x1, x2, y1, y2, z1, z2
    return total / (FRAME // DECIMATION)


@njit(nogil=True, cache=True)
def level_gain(s, frame, k):  # type: ignore[no-untyped-def]
    """The leveller's gain for this frame (linear), after listening to it."""
    energy = k_weighted_energy(s, frame, k)
    s.momentary += (energy - s.momentary) * FRAME_SECONDS / MOMENTARY_SECONDS
    if s.momentary > GATE and (s.heard == 0.0 or s.momentary > s.energy * GATE_BELOW_AVERAGE):
        step = min(abs(s.dbfs - s.dbfs_before), STEP_DB_MAX) if s.heard > 0.0 and s.made_up == 0 else 0.0
        s.dbfs_before = s.dbfs
        s.step += (step - s.step) / STEPS_AVERAGED
        s.heard += FRAME_SECONDS
        s.energy += (energy - s.energy) * FRAME_SECONDS / min(s.heard, AVERAGE_SECONDS)
    if s.heard >= MEASURED_SECONDS_MIN and s.step > SPEECH_STEP_DB:
        wanted = min(max(TARGET_LUFS - lufs(s.energy), GAIN_DB_MIN), GAIN_DB_MAX)
        slew = (SLEW_FIRST if s.heard < AVERAGE_SECONDS else SLEW_LATER) * FRAME_SECONDS
        s.level_gain += min(max(wanted - s.level_gain, -slew), slew)
    bearable = max(0.0, LOUDEST_DBFS - s.dbfs)
    if s.level_gain > bearable:
        at_once = s.level_gain > bearable + SHOUT_DB
        s.level_gain = bearable
        if at_once:
            s.gain = min(s.gain, np.float32(10.0 ** (bearable / 20.0)))
    return 10.0 ** (s.level_gain / 20.0)
