"""The RED form (RFC 2198) of a program's packet, compiled: made only for those programs that somebody has in RED. Pure."""

from __future__ import annotations

from numba import njit

from spaces.mixing.programs import (
    RED_BLOCK_BYTES_MAX,
    RED_BYTES_MAX,
    RED_DISTANCES,
    RED_DISTANCES_LONG,
    RED_HISTORY,
    RED_OFFSET_MAX,
)


@njit(nogil=True, cache=True)
def add_redundancy(p, programs):  # type: ignore[no-untyped-def]
    """Into `red`: copies of the packets before the program's packet, oldest first, then itself.

    Block payload types are left 0 for the fan-out to fill in: they are each listener's own.
    """
    program = programs.state[p]
    red, size, timestamp = programs.red[p], program.bytes, program.timestamp
    distances = RED_DISTANCES if program.frames == 1 else RED_DISTANCES_LONG
    copies, total = 0, 1 + size
    for distance in distances:
        c = distance - 1
        n = programs.sent_bytes[p, c]
        too_far = timestamp - programs.sent_timestamp[p, c] > RED_OFFSET_MAX
        if n == 0 or n > RED_BLOCK_BYTES_MAX or too_far or total + 4 + n > RED_BYTES_MAX:
            break
        total += 4 + n
        copies += 1
    at = 4 * copies + 1
    for h in range(copies):
        c = distances[copies - 1 - h] - 1
        n = programs.sent_bytes[p, c]
        offset = timestamp - programs.sent_timestamp[p, c]
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


@njit(nogil=True, cache=True)
def remember(p, programs):  # type: ignore[no-untyped-def]
    """The program's packet was sent: keep it for the next ones' RED form."""
    program = programs.state[p]
    for c in range(RED_HISTORY - 1, 0, -1):
        n = programs.sent_bytes[p, c] = programs.sent_bytes[p, c - 1]
        programs.sent_timestamp[p, c] = programs.sent_timestamp[p, c - 1]
        for i in range(n):
            programs.sent[p, c, i] = programs.sent[p, c - 1, i]
    programs.sent_bytes[p, 0] = program.bytes
    programs.sent_timestamp[p, 0] = program.timestamp
    for i in range(program.bytes):
        programs.sent[p, 0, i] = programs.payload[p, i]
