"""A frame's sound, compiled: play every speaker, choose, level, mix, limit, encode. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from spaces.mixing.limiter import BLOCKS, limit
from spaces.mixing.loudness import K_WEIGHTING, choose, level_gain, smooth_level
from spaces.mixing.opus import FRAME, PACKET_BYTES_MAX, function_address
from spaces.mixing.pace import TAPS
from spaces.mixing.playout import play
from spaces.mixing.programs import LOOKAHEAD
from spaces.native import ADDRESS, INT, c_function

IDLE_AFTER_FRAMES = 50
"""A second without sound: from then on only every IDLE_EVERY_FRAMES a packet is encoded."""
IDLE_EVERY_FRAMES = 20
"""One packet in 400 ms keeps browsers from muting the track; it is also libopus's own pace of DTX."""
DTX_BYTES_MAX = 2
"""A packet this short says that nothing need be sent (opus.h, OPUS_SET_DTX)."""

_encode = c_function(
    "opus_encode_float", INT, ADDRESS, ADDRESS, INT, ADDRESS, INT, address=function_address("opus_encode_float")
)


class Layout(NamedTuple):
    """Which speakers and programs a tick goes through, Space by Space, and which listeners get what."""

    speaker_start: np.ndarray  # int32 (spaces + 1): where each Space's speakers begin in speaker_rows
    speaker_rows: np.ndarray  # int32
    program_start: np.ndarray  # int32 (spaces + 1)
    program_rows: np.ndarray  # int32
    order: np.ndarray  # int32 (listeners): rows of the fan-out in sending order
    which: np.ndarray  # int32 (listeners): the program of each


class Rules(NamedTuple):
    """What holds for every frame."""

    places: int  # in the mix of each Space
    delay_min: float  # seconds
    delay_max: float
    levelling: bool
    taps: np.ndarray = TAPS
    k_weighting: np.ndarray = K_WEIGHTING


class Scratch(NamedTuple):
    """Memory of one frame's making."""

    score: np.ndarray  # float64 (speaker rows)
    gain_to: np.ndarray  # float32 (speaker rows): gains at the end of this frame
    frames: np.ndarray  # float32 (speaker rows, FRAME): of one Space's speakers in their order, until the next Space
    block: np.ndarray  # float32 (LOOKAHEAD + FRAME)
    peaks: np.ndarray  # float32 (BLOCKS + 1)


def new_scratch(speaker_rows: int) -> Scratch:
    return Scratch(
        score=np.zeros(speaker_rows, np.float64),
        gain_to=np.zeros(speaker_rows, np.float32),
        frames=np.zeros((speaker_rows, FRAME), np.float32),
        block=np.zeros(LOOKAHEAD + FRAME, np.float32),
        peaks=np.zeros(BLOCKS + 1, np.float32),
    )


@njit(nogil=True, cache=True)
def add_voice(total, frame, gain_from, gain_to):  # type: ignore[no-untyped-def]
    """Add a speaker's frame, his gain drawn in a straight line over it."""
    if gain_from == gain_to:
        for n in range(FRAME):
            total[n] += frame[n] * gain_to
        return
    step = (gain_to - gain_from) * np.float32(1.0 / FRAME)
    for n in range(FRAME):
        total[n] += frame[n] * (gain_from + step * np.float32(n))


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


@njit(nogil=True, cache=True)
def mix(p, members, speakers, programs, scratch):  # type: ignore[no-untyped-def]
    """The next frame of a program, behind those that it has collected."""
    program, state, block = programs.state[p], speakers.state, scratch.block
    total = block[LOOKAHEAD:]
    heard = False
    for m in range(members.shape[0]):
        r = members[m]
        s = state[r]
        gain_to = scratch.gain_to[r]
        if not s.sounding or s.owner == program.without or (s.gain == 0.0 and gain_to == 0.0):
            continue
        if not heard:
            total[:] = np.float32(0.0)
            heard = True
        add_voice(total, scratch.frames[m], s.gain, gain_to)
    program.idle = 0 if heard else program.idle + 1
    out = programs.mixed[p, program.collected * FRAME : (program.collected + 1) * FRAME]
    if program.idle >= IDLE_AFTER_FRAMES:  # the limiter holds back silence alone: what comes next is new
        program.gain = np.float32(1.0)
        out[:] = np.float32(0.0)
        return
    if not heard:
        total[:] = np.float32(0.0)
    block[:LOOKAHEAD] = programs.delay[p]
    program.gain = limit(block, programs.delay[p], program.gain, out, scratch.peaks)


@njit(nogil=True, cache=True)
def render(now, rules, layout, speakers, programs, scratch):  # type: ignore[no-untyped-def]
    """One frame of every program. A packet that it completes is in `payload`, `bytes` long (0: nothing to send)."""
    state, gain_to, frames = speakers.state, scratch.gain_to, scratch.frames
    for space in range(layout.speaker_start.shape[0] - 1):
        members = layout.speaker_rows[layout.speaker_start[space] : layout.speaker_start[space + 1]]
        for m in range(members.shape[0]):
            r = members[m]
            play(r, frames[m], now, rules.delay_min, rules.delay_max, speakers, rules.taps)
            if state[r].sounding:
                smooth_level(state[r], now)
        choose(members, rules.places, now, state, scratch.score)
        for m in range(members.shape[0]):
            r = members[m]
            gain_to[r] = np.float32(1.0) if state[r].holds else np.float32(0.0)
            if state[r].holds and rules.levelling and not state[r].always:
                gain_to[r] = np.float32(level_gain(state[r], frames[m], rules.k_weighting))
        for i in range(layout.program_start[space], layout.program_start[space + 1]):
            p = layout.program_rows[i]
            program = programs.state[p]
            program.bytes = program.red_bytes = program.red_blocks = 0
            if program.collected == 0:
                program.timestamp = program.clock
            mix(p, members, speakers, programs, scratch)
            program.clock += FRAME
            program.collected = (program.collected + 1) % program.frames
            if program.collected == 0:
                encode_packet(p, programs)
        for m in range(members.shape[0]):
            r = members[m]
            state[r].gain = gain_to[r] if state[r].sounding else np.float32(0.0)
