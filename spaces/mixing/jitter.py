"""A speaker's jitter buffer, compiled: packets in at any time and in any order, the first of them out. Pure.

Packets lie in a ring by their sequence numbers. Their arrivals tell how much slower than the fastest the slow ones are, for
after a pause the first packet waits just long enough for the slowest that may follow. What was held up somewhere and comes all
at once is taken up at its end.
"""

from __future__ import annotations

from struct import Struct

import numpy as np
from numba import njit

from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.mixing.pace import MARGIN_SECONDS
from spaces.mixing.speakers import RING
from spaces.native import keep_compiled_code  # noqa: F401 – says where compiled code is kept, before the first is made

SPREAD_KEPT_PER_SECOND = 0.95
OUTAGE_SECONDS = 0.150
"""A packet slower than this was held up with all the others, and those behind it until one is CAUGHT_UP: what the next one
needs they do not tell."""
CAUGHT_UP_SECONDS = 0.020
TRANSIT_WINDOW_SECONDS = 5.0
"""The fastest packet is that of this window and the one before."""
CLOCK_JUMP_SECONDS = 1.0
"""A transit that changes by more is a sender's new clock, and tells nothing of the network."""
GIVEN_UP_SAMPLES_MAX = 3 * FRAME
"""What comes later than that, behind others, nobody waits for: it came by another way, and would have its Space be later and
later for everybody."""

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
        if behind == 0 and (sequence == floor - 1 or (floor - sequence) * samples <= GIVEN_UP_SAMPLES_MAX):
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
        s.spread *= SPREAD_KEPT_PER_SECOND**elapsed
        late = transit - s.transit_min
        s.held_up = late >= (CAUGHT_UP_SECONDS if s.held_up else OUTAGE_SECONDS)
        if not s.held_up:
            s.spread = max(s.spread, late)
    s.transit_at = at


@njit(nogil=True, cache=True)
def first_held(r, rows):  # type: ignore[no-untyped-def]
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
def leave_out(r, first, rows):  # type: ignore[no-untyped-def]
    """Drop the first packet held, of several; the sequence number of the next."""
    rows.sequence[r, first % RING] = -1
    rows.state[r].held -= 1
    rows.state[r].overflow += 1
    return first_held(r, rows)


@njit(nogil=True, cache=True)
def may_begin(r, first, now, delay_min, delay_max, rows):  # type: ignore[no-untyped-def]
    """Whether a packet may begin after a pause, as `next`: it has waited long enough for the slowest that may follow it."""
    s = rows.state[r]
    wait = min(max(MARGIN_SECONDS + s.spread + s.repair, delay_min), delay_max)
    if now - rows.arrived[r, first % RING] < wait:
        return False
    while s.held > 1 and (s.newest - first) * rows.samples[r, first % RING] > wait * SAMPLE_RATE + 2 * FRAME:
        first = leave_out(r, first, rows)
    s.next = first
    return True
