"""The compiled part of a tick: everything per sample, entered a few times per tick and without the GIL.

Each entry that releases the GIL has to win it back from a busy event loop, so one call decodes all packets of all Spaces
and one mixes, limits and encodes all programs. `mixer.py` states in plain numpy what `mix` must equal.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spaces.mixing.opus import FRAME, PACKET_BYTES_MAX, PACKET_SAMPLES_MAX, library

PCM_SAMPLES = PACKET_SAMPLES_MAX + 2 * FRAME
"""Samples that a source's row holds: less than a frame left over, the longest packet, and one more to squeeze into."""

LOOKAHEAD = 240
"""Samples (5 ms) that the limiter sees ahead; the mix is late by as much."""
BLOCKS = FRAME // LOOKAHEAD
CEILING = np.float32(0.89)
"""−1 dBFS: room for the overshoot of the coder that follows."""
RELEASE_PER_BLOCK = np.float32(0.01)
"""The gain recovers by this per 5 ms: from half to full in a quarter of a second."""

_opus = library()
_decode = _opus.opus_decode_float
_encode = _opus.opus_encode_float


@njit(nogil=True, cache=False)
def decode_all(  # type: ignore[no-untyped-def]
    row,  # int32 (jobs): whose row of pcm
    data,  # uint8 (jobs, PACKET_BYTES_MAX)
    length,  # int32 (jobs): 0: conceal
    samples,  # int32 (jobs): how long the concealed or repaired stretch is
    fec,  # uint8 (jobs)
    squeeze,  # uint8 (jobs): fade this stretch into the one that the next job decodes
    decoder,  # uint64 (rows): addresses of decoder states
    pcm,  # float32 (rows, PCM_SAMPLES)
    fill,  # int32 (rows)
    failed,  # int32 (1)
):
    """Decode jobs in order behind what their rows hold. A packet that libopus refuses becomes concealment."""
    for j in range(row.shape[0]):
        r = row[j]
        at = pcm[r].ctypes.data + 4 * fill[r]
        n = length[j]
        wanted = samples[j] if n == 0 or fec[j] else PACKET_SAMPLES_MAX
        wanted = min(wanted, PCM_SAMPLES - fill[r])
        # libopus tells concealment by a null packet, which is length 0 at any address.
        got = _decode(decoder[r], data[j].ctypes.data, n, at, wanted, fec[j])
        if got < 0:
            failed[0] += 1
            got = _decode(decoder[r], data[j].ctypes.data, 0, at, min(samples[j], PCM_SAMPLES - fill[r]), 0)
            if got < 0:
                got = 0
        fill[r] += got
        if j > 0 and squeeze[j - 1] and row[j - 1] == r and got == samples[j - 1] and fill[r] >= 2 * got:
            start = fill[r] - 2 * got
            for i in range(got):
                w = np.float32(i) / np.float32(got)
                pcm[r, start + i] += w * (pcm[r, start + got + i] - pcm[r, start + i])
            fill[r] -= got


@njit(nogil=True, cache=False)
def powers(rows, pcm, out):  # type: ignore[no-untyped-def]
    """Mean square of the first frame of each of `rows`, into `out` (float64)."""
    for k in range(rows.shape[0]):
        r = rows[k]
        total = 0.0
        for i in range(FRAME):
            total += pcm[r, i] * pcm[r, i]
        out[k] = total / FRAME


@njit(nogil=True, cache=False)
def consume(rows, pcm, fill):  # type: ignore[no-untyped-def]
    """Drop the first frame of each of `rows`, which has been mixed."""
    for k in range(rows.shape[0]):
        r = rows[k]
        left = fill[r] - FRAME
        for i in range(left):
            pcm[r, i] = pcm[r, FRAME + i]
        fill[r] = max(0, left)


@njit(nogil=True, cache=False)
def mix(  # type: ignore[no-untyped-def]
    members,  # int32 (programs, n): rows of pcm, −1: none
    gain_from,  # float32 (programs, n)
    gain_to,  # float32 (programs, n)
    pcm,
    slot,  # int32 (programs): whose delay line and gain
    delay,  # float32 (slots, LOOKAHEAD): the end of the frame before
    gain,  # float32 (slots): the limiter's gain at the end of the frame before
    out,  # float32 (programs, FRAME)
):
    """Sum each program's members, gains ramped over the frame, through a look-ahead limiter. See mixer.mix_reference."""
    peaks = np.empty(BLOCKS + 1, np.float32)
    block = np.empty(LOOKAHEAD + FRAME, np.float32)
    step = np.float32(1.0 / FRAME)
    for p in range(members.shape[0]):
        s = slot[p]
        for i in range(LOOKAHEAD):
            block[i] = delay[s, i]
        for i in range(FRAME):
            block[LOOKAHEAD + i] = np.float32(0.0)
        for m in range(members.shape[1]):
            r = members[p, m]
            if r < 0:
                continue
            g, d = gain_from[p, m], (gain_to[p, m] - gain_from[p, m]) * step
            for i in range(FRAME):
                block[LOOKAHEAD + i] += pcm[r, i] * (g + d * np.float32(i))
        for b in range(BLOCKS + 1):
            peak = np.float32(0.0)
            for i in range(b * LOOKAHEAD, (b + 1) * LOOKAHEAD):
                peak = max(peak, abs(block[i]))
            peaks[b] = np.float32(1.0) if peak <= CEILING else CEILING / peak
        g0 = gain[s]
        for b in range(BLOCKS):
            g1 = min(min(peaks[b], peaks[b + 1]), g0 + RELEASE_PER_BLOCK)
            slope = (g1 - g0) / np.float32(LOOKAHEAD)
            for i in range(LOOKAHEAD):
                out[p, b * LOOKAHEAD + i] = block[b * LOOKAHEAD + i] * (g0 + slope * np.float32(i))
            g0 = g1
        gain[s] = g0
        for i in range(LOOKAHEAD):
            delay[s, i] = block[FRAME + i]


@njit(nogil=True, cache=False)
def encode_all(encoder, mixed, payload, length):  # type: ignore[no-untyped-def]
    """One packet per program; `length` becomes its bytes, 0 where there is nothing to send (DTX or an error)."""
    for p in range(encoder.shape[0]):
        n = _encode(encoder[p], mixed[p].ctypes.data, FRAME, payload[p].ctypes.data, PACKET_BYTES_MAX)
        length[p] = n if n > 2 else 0
