"""A speaker's jitter buffer and pace, compiled: packets in at any time and in any order, one frame out per tick. Pure.

What is late: a packet must be there when the tick that plays it begins. By how much the slowest packet of the last second
was ahead of that is the *slack*. Where it is too little, the whole Space moves to a phase 5 ms later, and back when there is
enough (engine.AudioEngine); a speaker who alone has a frame and more to spare for some seconds is hurried by 0.4 % until he
has not. So delay follows the network, and a sender's clock that runs fast or slow never adds up (500 ppm are 5 ms in 10 s).
After a pause, the first packet waits just long enough for the slowest that may follow.

What repairs a lost packet – in-band FEC in the packet behind it, copies in RED – comes later than it would have. While that
happens (REPAIR_WINDOW_SECONDS), slack is what is left beyond the wait for it. The wait itself is had at the first such loss:
concealment fills the tick, the lost packet keeps its turn and is played, repaired, in the next.
"""

from __future__ import annotations

from struct import Struct

import numpy as np
from numba import njit

from spaces.mixing.opus import FRAME, PACKET_SAMPLES_MAX, SAMPLE_RATE, function_address
from spaces.mixing.speakers import HISTORY, RATE_MAX, RING
from spaces.native import ADDRESS, INT, c_function

GAP_PACKETS_MAX = 10
"""A hole longer than this is not concealed packet by packet: play on behind it."""
CONCEALED_SAMPLES_MAX = 3 * FRAME
"""Concealment of an empty buffer; libopus has faded out by then, and a pause looks the same."""
MADE_UP_FRAMES = 4
MARGIN_SECONDS = 0.003
"""Slack to keep: what the next second may take, and a little."""
SPARE_SECONDS = 0.020
"""A frame: slack beyond this, the margin and a little can be given back."""
WINDOW_SECONDS = 1.0
WINDOWS_BEFORE_SHRINKING = 6
"""Seconds during which even the slowest packet must have been early."""
SPREAD_KEPT_PER_SECOND = 0.95
REPAIR_WINDOW_SECONDS = 10.0
"""The wait for repairs is the longest of this window and the one before: who loses one packet in a hundred keeps it."""
REPAIR_SECONDS_MAX = 0.060
"""Of waiting for them: what concealment may fill. RED reaches further than is worth waiting for."""
POWER_MAX = 1e9
"""Sum of squares of one frame: a thousand times full scale is no sound but a broken decoder."""
TRANSIT_WINDOW_SECONDS = 5.0
"""The fastest packet is that of this window and the one before."""
CLOCK_JUMP_SECONDS = 1.0
"""A transit that changes by more is a sender's new clock, and tells nothing of the network."""

_decode = c_function(
    "opus_decode_float", INT, ADDRESS, ADDRESS, INT, ADDRESS, INT, INT, address=function_address("opus_decode_float")
)


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


PACKET = Struct("<qqqqqqqd")
"""Before each payload in what insert_all is given: row, tenure, sequence, timestamp, samples, how many samples it is behind
the packet that it came with (a copy in RED; 0: by itself), bytes of payload, arrival."""


@njit(nogil=True, cache=True)
def insert_all(packets, rows):  # type: ignore[no-untyped-def]
    """Put packets (uint8: PACKET headers and payloads, one after the other) into their speakers' rings."""
    header = np.empty(8, np.int64)
    arrival = header[7:].view(np.float64)
    at = 0
    while at < packets.shape[0]:
        for i in range(8):  # little-endian, at any alignment
            value = np.int64(0)
            for b in range(8):
                value |= np.int64(packets[at + 8 * i + b]) << (8 * b)
            header[i] = value
        at += 64
        r, size = header[0], header[6]
        if rows.state[r].tenure == header[1]:
            _insert(r, header[2], header[3], header[4], header[5], arrival[0], at, size, packets, rows)
        at += size


@njit(nogil=True, cache=True)
def _insert(r, sequence, timestamp, samples, behind, at, start, length, blob, rows):  # type: ignore[no-untyped-def]
    s = rows.state[r]
    if s.muted:
        return
    if sequence > s.newest and behind == 0:  # a copy is late on purpose, and tells nothing of the network
        s.newest = sequence
        _observe_transit(s, timestamp, at)
    floor = s.next if s.next >= 0 else s.played_to + 1
    if sequence < floor:
        s.late += 1
        if behind == 0:
            s.slack = min(s.slack, 0.0)  # it was given up too soon
        return
    slot = sequence % RING
    held = rows.sequence[r, slot]
    if held == sequence:
        s.duplicate += 1
        if behind == 0:
            rows.behind[r, slot] = 0  # its copy overtook it: nothing was lost
        return
    if held > sequence:
        s.late += 1
        return
    if held >= 0:
        s.overflow += 1
    else:
        s.held += 1
    rows.sequence[r, slot] = sequence
    rows.length[r, slot] = length
    rows.samples[r, slot] = samples
    rows.behind[r, slot] = behind
    rows.arrived[r, slot] = at
    for i in range(length):
        rows.data[r, slot, i] = blob[start + i]


@njit(nogil=True, cache=True)
def _observe_transit(s, timestamp, at):  # type: ignore[no-untyped-def]
    """Keep the fastest transit and how much slower others were; both forget, so that a clock may drift or stand still."""
    unwrapped = s.timestamp + ((timestamp - s.timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
    s.timestamp = unwrapped
    transit = at - unwrapped / SAMPLE_RATE
    if np.isnan(s.transit_min) or abs(transit - s.transit_min) > CLOCK_JUMP_SECONDS:
        s.transit_min = s.transit_next = transit
        s.transit_window_ends = at + TRANSIT_WINDOW_SECONDS
        s.spread = 0.0
    else:
        if at >= s.transit_window_ends:  # a sender whose clock has stood still is slower for good: forget what he was
            s.transit_min, s.transit_next = s.transit_next, transit
            s.transit_window_ends = at + TRANSIT_WINDOW_SECONDS
            s.spread = max(0.0, min(s.spread, transit - s.transit_min))
        s.transit_next = min(s.transit_next, transit)
        s.transit_min = min(s.transit_min, transit)
        elapsed = max(0.0, at - s.transit_at)
        s.spread = max(transit - s.transit_min, s.spread * SPREAD_KEPT_PER_SECOND**elapsed)
    s.transit_at = at


@njit(nogil=True, cache=True)
def _first_held(r, rows):  # type: ignore[no-untyped-def]
    """The lowest sequence number in the ring; the ring must not be empty."""
    s = rows.state[r]
    if s.next >= 0 and rows.sequence[r, s.next % RING] == s.next:
        return s.next
    first = np.int64(-1)
    for i in range(RING):
        held = rows.sequence[r, i]
        if held >= 0 and (first < 0 or held < first):
            first = held
    return first


@njit(nogil=True, cache=True)
def _may_begin(r, first, now, delay_min, delay_max, rows):  # type: ignore[no-untyped-def]
    """Whether the first packet after a pause has waited long enough for the slowest that may follow it."""
    s = rows.state[r]
    wait = min(max(MARGIN_SECONDS + s.spread + s.repair, delay_min), delay_max)
    return now - rows.arrived[r, first % RING] >= wait


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
def _wait_for_repairs(s, samples):  # type: ignore[no-untyped-def]
    """A loss was repaired by what came so many samples behind its turn."""
    seconds = min(samples / SAMPLE_RATE, REPAIR_SECONDS_MAX)
    s.repair = max(s.repair, seconds)
    s.repair_next = max(s.repair_next, seconds)


@njit(nogil=True, cache=True)
def _conceal(r, samples, rows):  # type: ignore[no-untyped-def]
    s = rows.state[r]
    s.made_up = MADE_UP_FRAMES
    at = rows.pcm[r].ctypes.data + 4 * (HISTORY + s.fill)
    got = _decode(rows.decoder[r], rows.data[r, 0].ctypes.data, 0, at, samples, 0)
    s.fill += max(0, got)


@njit(nogil=True, cache=True)
def _refill(r, now, delay_min, delay_max, rows):  # type: ignore[no-untyped-def]
    """Decode the next stretch behind what the row holds; False: a pause."""
    s = rows.state[r]
    if s.held == 0:
        # Either a packet is late, or the speaker has paused: make up a little, and keep his place.
        if s.next < 0:
            return False
        if s.concealed >= CONCEALED_SAMPLES_MAX:
            s.played_to, s.next, s.concealed, s.rate = s.next - 1, -1, 0, 0
            return False
        s.concealed += s.duration
        _conceal(r, s.duration, rows)
        return True
    first = _first_held(r, rows)
    if s.next < 0:
        if not _may_begin(r, first, now, delay_min, delay_max, rows):
            return False
        s.next = first
    while s.held > 1 and first == s.next and now - rows.arrived[r, first % RING] > delay_max:
        # The process stood still, or the speaker sent a burst: what is too old is left out.
        rows.sequence[r, first % RING] = -1
        s.held -= 1
        s.overflow += 1
        first = s.next = _first_held(r, rows)
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
            _wait_for_repairs(s, s.duration + rows.behind[r, slot])
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
        s.fill += got
        s.duration = got
    if s.concealed > 0:
        s.concealed = 0
        s.underruns += 1
        s.slack_long = 0.0  # he was late, not silent: the delay has grown, and is not to shrink soon
        s.windows = 0
    if rows.behind[r, slot] > 0:
        s.recovered += 1
        s.lost += 1
        _wait_for_repairs(s, rows.behind[r, slot])
    else:
        s.slack = min(s.slack, now - rows.arrived[r, slot])
    return True


@njit(nogil=True, cache=True)
def _set_pace(s, now):  # type: ignore[no-untyped-def]
    """Once a window: hurry if for long even the slowest packet was a frame early, more than the Space's phase can give."""
    if now < s.window_ends:
        return
    if now >= s.repair_window_ends:
        s.repair, s.repair_next = s.repair_next, 0.0
        s.repair_window_ends = now + REPAIR_WINDOW_SECONDS
    if s.window_ends > 0:
        s.slack_before = s.slack - s.repair
        if s.slack < 1e6:
            s.slack_long = min(s.slack_long, s.slack_before)
            s.windows += 1
            if s.windows >= WINDOWS_BEFORE_SHRINKING:
                if s.slack_long > SPARE_SECONDS + 1.5 * MARGIN_SECONDS + s.spread / 4:
                    s.rate = RATE_MAX
                s.windows = 0
                s.slack_long = np.inf
    s.slack = np.inf
    s.window_ends = now + WINDOW_SECONDS


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def sum_of_squares(frame):  # type: ignore[no-untyped-def]
    """In any order, so that it runs in vector registers: sixteen times faster."""
    total = np.float32(0.0)
    for n in range(frame.shape[0]):
        total += frame[n] * frame[n]
    return total


@njit(nogil=True, cache=True)
def play(r, now, delay_min, delay_max, rows, taps):  # type: ignore[no-untyped-def]
    """Make the row's frame of this tick: `sounding` tells whether there is sound, `dbfs` how loud."""
    s = rows.state[r]
    _set_pace(s, now)
    pcm, frame = rows.pcm[r], rows.frame[r]
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
    half = HISTORY // 2
    if s.rate == 0:
        for n in range(FRAME):
            frame[n] = pcm[half + n]
    else:
        table = taps[s.rate + RATE_MAX]
        for n in range(FRAME):
            first = n * needed // FRAME + 1
            total = np.float32(0.0)
            for k in range(HISTORY):
                total += table[n, k] * pcm[first + k]
            frame[n] = total
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
    s.dbfs = 10.0 * np.log10(power / FRAME + 1e-13)
    s.measured_at = now
    s.sounding = 1
    s.made_up = max(0, s.made_up - 1)
