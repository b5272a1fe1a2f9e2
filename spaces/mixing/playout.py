"""A speaker's sound, compiled: what his jitter buffer holds, decoded, repaired or concealed, one frame out per tick. Pure.

A packet that is not there when its turn comes is late, lost, or was never sent: concealment fills the tick and the packet keeps
its turn, for a few frames. If what comes then repairs it (pace.py), that is played and the buffer is deeper from now on by the
frames that it took; what nothing repairs takes no more time than it had.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spaces.mixing.jitter import first_held, leave_out, may_begin
from spaces.mixing.limiter import peak_bits
from spaces.mixing.opus import FRAME, PACKET_SAMPLES_MAX, function_address
from spaces.mixing.pace import set_pace, stretched, wait_for_repairs
from spaces.mixing.speakers import HISTORY, RATE_MAX, RING
from spaces.native import ADDRESS, INT, c_function

GAP_PACKETS_MAX = 10
"""A hole longer than this is not concealed packet by packet: play on behind it."""
CONCEALED_SAMPLES_MAX = 3 * FRAME
"""Concealment of an empty buffer; libopus has faded out by then, and a pause looks the same."""
STOOD_STILL_SECONDS = 0.060
"""Without a frame for so long the process was stopped; what was said meanwhile has come and is old."""
MADE_UP_FRAMES = 4
"""From concealment on, which fades: so long the level of what is played tells nothing of the speaker's."""
QUIET_POWER = 1e-5
"""Mean square (−50 dBFS) below which nobody misses what is skipped."""
POWER_MAX = 1e4
"""Sum of squares of one frame: three times full scale, all through it, is no sound but a broken decoder."""
SAMPLE_MAX = np.float32(1.5)
"""No voice is louder than full scale and what a coder adds to it. Garbage is: for one sample of 90 in a frame the limiter
would hold everybody else down for seconds."""
_SAMPLE_MAX_BITS = int(SAMPLE_MAX.view(np.int32))

_decode = c_function(
    "opus_decode_float", INT, ADDRESS, ADDRESS, INT, ADDRESS, INT, INT, address=function_address("opus_decode_float")
)


@njit(nogil=True, cache=True)
def has_fec(packet, length):  # type: ignore[no-untyped-def]
    """Whether a packet, its TOC byte checked, brings the one before along: the LBRR flag (RFC 6716 §3.2, §4.2.4)."""
    toc, at = packet[0], 1
    if toc & 0x80:  # CELT alone: it has none
        return False
    if toc & 3 == 2:
        at = 2 if packet[1] < 252 else 3
    elif toc & 3 == 3:
        at = 2
        if packet[1] & 0x40:
            while at < length and packet[at] == 255:
                at += 1
            at += 1
        if packet[1] & 0x80:
            for _ in range((packet[1] & 0x3F) - 1):
                if at < length:
                    at += 1 if packet[at] < 252 else 2
    if at >= length:
        return False
    frames = max(1, (toc >> 3) & 3) if toc < 0x60 else 1  # of 20 ms, in an Opus frame: a voice activity flag each
    middle = packet[at] >> (7 - frames) & 1
    side = packet[at] >> (6 - 2 * frames) & 1 if toc & 4 else 0
    return middle + side > 0


@njit(nogil=True, cache=True)
def _conceal(r, samples, rows):  # type: ignore[no-untyped-def]
    s = rows.state[r]
    s.made_up = MADE_UP_FRAMES
    at = rows.pcm[r].ctypes.data + 4 * (HISTORY + s.fill)
    got = _decode(rows.decoder[r], rows.data[r, 0].ctypes.data, 0, at, samples, 0)
    s.fill += max(0, got)


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def sum_of_squares(frame):  # type: ignore[no-untyped-def]
    """In any order, so that it runs in vector registers: sixteen times faster."""
    total = np.float32(0.0)
    for n in range(frame.shape[0]):
        total += frame[n] * frame[n]
    return total


@njit(nogil=True, cache=True)
def _pause(s):  # type: ignore[no-untyped-def]
    s.played_to, s.next, s.concealed, s.rate, s.spare = s.next - 1, -1, 0, 0, 0


@njit(nogil=True, cache=True)
def _quiet(r, fill, samples, rows):  # type: ignore[no-untyped-def]
    """Whether a packet decoded behind `fill`, and the sound before it, may be left out unheard."""
    begin = HISTORY + fill
    pcm = rows.pcm[r]
    before = sum_of_squares(pcm[begin - HISTORY : begin]) / HISTORY
    return before < QUIET_POWER and sum_of_squares(pcm[begin : begin + samples]) / samples < QUIET_POWER


@njit(nogil=True, cache=True)
def _refill(r, now, delay_min, delay_max, rows):  # type: ignore[no-untyped-def]
    """Decode the next stretch behind what the row holds; False: a pause."""
    s = rows.state[r]
    if s.held == 0:
        # Either a packet is late, or the speaker has paused: make up a little, and keep his place.
        if s.next < 0:
            return False
        if s.concealed >= CONCEALED_SAMPLES_MAX:
            _pause(s)
            return False
        s.concealed += s.duration
        _conceal(r, s.duration, rows)
        return True
    first = first_held(r, rows)
    if s.next < 0:
        if not may_begin(r, first, now, delay_min, delay_max, rows):
            return False
        first = s.next
    # Too old: the process stood still, and all came at once. What is missing before it does not come, or its turn never would:
    # in a full ring each packet that comes takes the place of the first.
    while s.held > 1 and now - rows.arrived[r, first % RING] > delay_max:
        s.lost += first - s.next
        first = s.next = leave_out(r, first, rows)
    if first - s.next > GAP_PACKETS_MAX:
        s.lost += first - s.next
        s.next = first
    slot = first % RING
    repairs = first != s.next and has_fec(rows.data[r, slot], rows.length[r, slot])
    if s.concealed > 0:  # the time of what cannot be repaired has been filled already
        filled = min(s.concealed // s.duration, first - s.next - repairs)
        s.next += filled
        s.lost += filled
        s.concealed -= filled * s.duration
    at = rows.pcm[r].ctypes.data + 4 * (HISTORY + s.fill)
    if first != s.next:
        s.next += 1
        s.lost += 1
        if first == s.next and repairs:
            s.recovered += 1
            wait_for_repairs(s, s.duration + rows.behind[r, slot])
            got = _decode(rows.decoder[r], rows.data[r, slot].ctypes.data, rows.length[r, slot], at, s.duration, 1)
            s.fill += max(0, got)
            if got >= 0:
                return True
        _conceal(r, s.duration, rows)
        return True
    got = _decode(rows.decoder[r], rows.data[r, slot].ctypes.data, rows.length[r, slot], at, PACKET_SAMPLES_MAX, 0)
    rows.sequence[r, slot] = -1
    s.held -= 1
    s.next += 1
    s.played += 1
    if got < 0:
        s.malformed += 1
        _conceal(r, rows.samples[r, slot], rows)
    else:
        s.duration = got
        if s.spare > 0 and _quiet(r, s.fill, got, rows):
            s.spare -= 1
        else:
            s.fill += got
    if s.concealed > 0:
        s.concealed = 0
        s.underruns += 1
        s.slack_long = 0.0  # he was late, not silent: the delay has grown, and is not to shrink soon
        s.windows = 0
    if rows.behind[r, slot] > 0:
        s.recovered += 1
        s.lost += 1
        wait_for_repairs(s, rows.behind[r, slot])
    else:
        s.slack = min(s.slack, now - rows.arrived[r, slot])
    return True


@njit(nogil=True, cache=True)
def play(r, frame, now, delay_min, delay_max, rows, taps):  # type: ignore[no-untyped-def]
    """Make the row's `frame` of this tick: `sounding` tells whether there is sound in it, `dbfs` how loud."""
    s = rows.state[r]
    set_pace(s, now)
    if s.next >= 0 and now - s.measured_at > STOOD_STILL_SECONDS:
        _pause(s)
    pcm = rows.pcm[r]
    needed = FRAME + s.rate
    while s.fill < needed:
        if not _refill(r, now, delay_min, delay_max, rows):
            break
        needed = FRAME + s.rate
    if s.fill == 0:
        if s.sounding:  # the resampler's delay still holds the last samples
            for i in range(HISTORY):
                pcm[i] = 0.0
        s.sounding = 0
        s.rate = 0
        return
    if s.fill < needed:
        for i in range(HISTORY + s.fill, HISTORY + needed):
            pcm[i] = 0.0
        s.fill = needed
    stretched(pcm, s.rate, frame, taps)
    s.stretched -= s.rate
    left = s.fill - needed
    for i in range(HISTORY + left):
        pcm[i] = pcm[needed + i]
    s.fill = left
    if left < RATE_MAX:  # the frame to spare is used up: back to normal
        s.rate = 0
    power = sum_of_squares(frame)
    if not power < POWER_MAX:  # nor if it is NaN: the limiter would never recover, and everybody else fall silent
        for n in range(FRAME):
            frame[n] = np.float32(0.0)
        for i in range(HISTORY + left):
            pcm[i] = np.float32(0.0)
        power = 0.0
    elif power > SAMPLE_MAX * SAMPLE_MAX and peak_bits(frame) > _SAMPLE_MAX_BITS:
        for n in range(FRAME):
            frame[n] = min(max(frame[n], -SAMPLE_MAX), SAMPLE_MAX)
        power = sum_of_squares(frame)
    s.dbfs = 10.0 * np.log10(power / FRAME + 1e-13)
    s.measured_at = now
    s.sounding = 1
    s.made_up = max(0, s.made_up - 1)
