"""A tick's sound in one compiled call without the GIL: play every speaker, choose, level, mix, limit, encode. Pure.

Each entry into compiled code that releases the GIL has to win it back from a busy event loop: so there is one for all
Spaces, and one more for the fan-out.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spaces.mixing.loudness import choose, level_gain, smooth_level
from spaces.mixing.opus import FRAME, PACKET_BYTES_MAX, SAMPLE_RATE, function_address
from spaces.mixing.playout import play
from spaces.mixing.programs import LOOKAHEAD, RED_BLOCK_BYTES_MAX, RED_BYTES_MAX, RED_COPIES, RED_OFFSET_MAX
from spaces.native import ADDRESS, INT, c_function

BLOCKS = FRAME // LOOKAHEAD
CEILING = np.float32(0.89)
"""−1 dBFS: room for the overshoot of the coder that follows."""
RELEASE_PER_BLOCK = np.float32(0.01)
"""The gain recovers by this per 5 ms: from half to full in a quarter of a second."""

IDLE_AFTER_FRAMES = 50
"""A second without sound: from then on only every IDLE_EVERY_FRAMES a packet is encoded."""
IDLE_EVERY_FRAMES = 20
"""One packet in 400 ms keeps browsers from muting the track; it is also libopus's own pace of DTX."""
DTX_BYTES_MAX = 2
"""A packet this short says that nothing need be sent (opus.h, OPUS_SET_DTX)."""

_encode = c_function(
    "opus_encode_float", INT, ADDRESS, ADDRESS, INT, ADDRESS, INT, address=function_address("opus_encode_float")
)


@njit(nogil=True, cache=True)
def limit(block, delay_out, gain, out, peaks):  # type: ignore[no-untyped-def]
    """A look-ahead limiter: `block` (LOOKAHEAD + FRAME samples, the first LOOKAHEAD from the frame before) to `out`.

    The gain is drawn in straight lines between blocks of LOOKAHEAD samples and is at every joint no more than either
    neighbour can bear, so no sample passes CEILING. Returns the gain at the end. `peaks` is scratch (BLOCKS + 1).
    """
    for b in range(BLOCKS + 1):
        peak = np.float32(0.0)
        for i in range(b * LOOKAHEAD, (b + 1) * LOOKAHEAD):
            peak = max(peak, abs(block[i]))
        peaks[b] = np.float32(1.0) if peak <= CEILING else CEILING / peak
    start = gain
    for b in range(BLOCKS):
        end = min(min(peaks[b], peaks[b + 1]), start + RELEASE_PER_BLOCK)
        slope = (end - start) / np.float32(LOOKAHEAD)
        for i in range(LOOKAHEAD):
            out[b * LOOKAHEAD + i] = block[b * LOOKAHEAD + i] * (start + slope * np.float32(i))
        start = end
    for i in range(LOOKAHEAD):
        delay_out[i] = block[FRAME + i]
    return start


@njit(nogil=True, cache=True)
def add_redundancy(p, programs):  # type: ignore[no-untyped-def]
    """The RED form (RFC 2198) of a program's packet: copies of the packets before it, oldest first, then itself.

    Block payload types are left 0 for the fan-out to fill in: they are each listener's own.
    """
    program = programs.state[p]
    red, size, clock = programs.red[p], program.bytes, program.timestamp
    program.red_bytes = 0
    if size == 0:
        return
    copies, total = 0, 1 + size
    for c in range(RED_COPIES):
        n = programs.sent_bytes[p, c]
        too_far = clock - programs.sent_clock[p, c] > RED_OFFSET_MAX
        if n == 0 or n > RED_BLOCK_BYTES_MAX or too_far or total + 4 + n > RED_BYTES_MAX:
            break
        total += 4 + n
        copies += 1
    at = 4 * copies + 1
    for h in range(copies):
        c = copies - 1 - h
        n = programs.sent_bytes[p, c]
        offset = clock - programs.sent_clock[p, c]
        red[4 * h] = 0x80
        red[4 * h + 1] = offset >> 6
        red[4 * h + 2] = ((offset & 0x3F) << 2) | (n >> 8)
        red[4 * h + 3] = n & 0xFF
        for i in range(n):
            red[at + i] = programs.sent[p, c, i]
        at += n
    red[4 * copies] = 0
    for i in range(size):
        red[at + i] = programs.payload[p, i]
    program.red_bytes = at + size
    program.red_blocks = copies + 1
    for c in range(RED_COPIES - 1, 0, -1):
        programs.sent_bytes[p, c] = programs.sent_bytes[p, c - 1]
        programs.sent_clock[p, c] = programs.sent_clock[p, c - 1]
        for i in range(programs.sent_bytes[p, c]):
            programs.sent[p, c, i] = programs.sent[p, c - 1, i]
    programs.sent_bytes[p, 0] = size
    programs.sent_clock[p, 0] = clock
    for i in range(size):
        programs.sent[p, 0, i] = programs.payload[p, i]


@njit(nogil=True, cache=True)
def encode_packet(p, programs):  # type: ignore[no-untyped-def]
    """The packet of the frames that a program has collected; none where there is nothing to tell."""
    program = programs.state[p]
    idle = program.idle >= IDLE_AFTER_FRAMES
    if idle and program.idle % IDLE_EVERY_FRAMES >= program.frames:
        return
    samples, payload = program.frames * FRAME, programs.payload[p].ctypes.data
    size = _encode(program.encoder, programs.mixed[p].ctypes.data, samples, payload, PACKET_BYTES_MAX)
    # While idle, libopus's pace of DTX and ours would multiply: one packet in eight seconds.
    program.bytes = size if size > DTX_BYTES_MAX or idle else 0
    add_redundancy(p, programs)


@njit(nogil=True, cache=True)
def render(  # type: ignore[no-untyped-def]
    now,
    delay_min,  # seconds
    delay_max,
    places,  # in the mix of each Space
    levelling,  # 1: bring speakers to equal loudness
    speaker_start,  # int32 (spaces + 1): where each Space's speakers begin in speaker_rows
    speaker_rows,  # int32
    program_start,  # int32 (spaces + 1)
    program_rows,  # int32
    speakers,  # speakers.Rows
    programs,  # programs.ProgramRows
    taps,
    k_weighting,
    score,  # float64 (≥ speakers of any Space): scratch
    gain_to,  # float32 (speaker rows): scratch
    block,  # float32 (LOOKAHEAD + FRAME): scratch
    peaks,  # float32 (BLOCKS + 1): scratch
):
    """One frame of every program. A packet that it completes is in `payload`, `bytes` long (0: nothing to send)."""
    state = speakers.state
    step = np.float32(1.0 / FRAME)
    for space in range(speaker_start.shape[0] - 1):
        members = speaker_rows[speaker_start[space] : speaker_start[space + 1]]
        for m in range(members.shape[0]):
            r = members[m]
            play(r, now, delay_min, delay_max, speakers, taps)
            if state[r].sounding:
                smooth_level(state[r], FRAME / SAMPLE_RATE, now)
        choose(members, places, now, state, score)
        for m in range(members.shape[0]):
            r = members[m]
            s = state[r]
            gain_to[r] = np.float32(0.0)
            if s.holds:
                gain_to[r] = np.float32(level_gain(s, speakers.frame[r], k_weighting)) if levelling else np.float32(1.0)
        for i in range(program_start[space], program_start[space + 1]):
            p = program_rows[i]
            program = programs.state[p]
            for n in range(LOOKAHEAD):
                block[n] = programs.delay[p, n]
            for n in range(FRAME):
                block[LOOKAHEAD + n] = np.float32(0.0)
            heard = False
            for m in range(members.shape[0]):
                r = members[m]
                s = state[r]
                if not s.sounding or s.owner == program.without or (s.gain == 0.0 and gain_to[r] == 0.0):
                    continue
                heard = True
                g, d = s.gain, (gain_to[r] - s.gain) * step
                frame = speakers.frame[r]
                for n in range(FRAME):
                    block[LOOKAHEAD + n] += frame[n] * (g + d * np.float32(n))
            program.bytes = program.red_bytes = 0
            program.idle = 0 if heard else program.idle + 1
            if program.collected == 0:
                program.timestamp = program.clock
            at = program.collected * FRAME
            program.gain = limit(block, programs.delay[p], program.gain, programs.mixed[p, at : at + FRAME], peaks)
            program.collected = (program.collected + 1) % program.frames
            if program.collected == 0:
                encode_packet(p, programs)
        for m in range(members.shape[0]):
            r = members[m]
            state[r].gain = gain_to[r] if state[r].sounding else np.float32(0.0)
