"""The state of every program of a node – one mix, encoded once – in arrays that the compiled part of a tick works on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaces.mixing.opus import FRAME, PACKET_BYTES_MAX

RED_DISTANCES = (1, 3)
"""Which packets before it a RED packet of one frame carries (RFC 2198): three in a row may be lost without a gap, and the last
copy comes 60 ms late, which a playout of 120 ms still has time for. Next to one another, 1 and 2, they bear two in a row."""
RED_DISTANCES_LONG = (1, 2)
"""The same for packets of several frames, of which the third comes too late."""
RED_HISTORY = max(*RED_DISTANCES, *RED_DISTANCES_LONG)
RED_BYTES_MAX = 1_180
"""With headers and tag the datagram stays below what every path carries; longer ones go without copies."""
RED_BLOCK_BYTES_MAX = (1 << 10) - 1
"""What the 10 bits of a copy's length hold."""
RED_OFFSET_MAX = (1 << 14) - 1
"""Samples that the 14 bits of a block's timestamp offset reach back (RFC 2198 §3)."""

PACKET_FRAMES_MAX = 3
"""Frames in one packet at most: 60 ms, the longest that Opus codes as one."""

LOOKAHEAD = 120
"""Samples (2.5 ms) that the limiter sees ahead; the mix is late by as much."""

PROGRAM = np.dtype(
    [
        ("without", np.int64),  # owner who is left out; -1: nobody
        ("encoder", np.uint64),  # address of a libopus encoder state
        ("ssrc", np.int64),
        ("sequence", np.int64),  # of the next packet
        ("clock", np.int64),  # RTP timestamp of the next frame, not wrapped: one clock for all programs of a Space
        ("frames", np.int32),  # in a packet
        ("collected", np.int32),  # frames of the next packet that are there already
        ("timestamp", np.int64),  # of that packet: its first frame's clock
        ("idle", np.int64),  # frames since there was anything to mix
        ("resting", np.int32),  # the last packet was not sent: the next one begins a talk spurt
        ("gain", np.float32),  # the limiter's, at the end of the frame before
        ("bytes", np.int32),  # of this tick's packet; 0: none
        ("red_bytes", np.int32),  # of its RED form
        ("red_blocks", np.int32),  # blocks in it, the primary included; 0: nobody has asked for it
    ],
    align=True,
)


class ProgramRows(NamedTuple):
    state: np.ndarray
    delay: np.ndarray  # float32 (programs, LOOKAHEAD): the end of the frame before
    mixed: np.ndarray  # float32 (programs, PACKET_FRAMES_MAX * FRAME): a packet's frames, one behind the other
    payload: np.ndarray  # uint8 (programs, PACKET_BYTES_MAX)
    red: np.ndarray  # uint8 (programs, PACKET_BYTES_MAX): the payload's RED form, block payload types left 0
    sent: np.ndarray  # uint8 (programs, RED_HISTORY, PACKET_BYTES_MAX): packets before, the newest first
    sent_bytes: np.ndarray  # int32 (programs, RED_HISTORY)
    sent_timestamp: np.ndarray  # int64 (programs, RED_HISTORY)


class Programs:
    """All rows. Grows by doubling, between ticks."""

    def __init__(self, rows: int = 16) -> None:
        self._free = list(range(rows - 1, -1, -1))
        self._allocate(rows)

    def _allocate(self, rows: int) -> None:
        self.rows = ProgramRows(
            state=np.zeros(rows, PROGRAM),
            delay=np.zeros((rows, LOOKAHEAD), np.float32),
            mixed=np.zeros((rows, PACKET_FRAMES_MAX * FRAME), np.float32),
            payload=np.zeros((rows, PACKET_BYTES_MAX), np.uint8),
            red=np.zeros((rows, PACKET_BYTES_MAX), np.uint8),
            sent=np.zeros((rows, RED_HISTORY, PACKET_BYTES_MAX), np.uint8),
            sent_bytes=np.zeros((rows, RED_HISTORY), np.int32),
            sent_timestamp=np.zeros((rows, RED_HISTORY), np.int64),
        )

    def take(
        self, encoder: int, without: int, ssrc: int, clock: int = 0, *, frames: int = 1, collected: int = 0
    ) -> int:
        """A fresh row, whose packets have so many frames; `collected` of its first are over, and silent."""
        if not self._free:
            old, rows = self.rows, len(self.rows.state)
            self._allocate(2 * rows)
            for source, target in zip(old, self.rows, strict=True):
                target[:rows] = source
            self._free = list(range(2 * rows - 1, rows - 1, -1))
        row = self._free.pop()
        self.rows.delay[row] = self.rows.mixed[row] = 0.0
        self.rows.sent_bytes[row] = 0
        record = self.rows.state[row]
        record["without"], record["encoder"], record["ssrc"] = without, encoder, ssrc
        record["clock"], record["timestamp"] = clock, clock - collected * FRAME
        record["frames"], record["collected"] = frames, collected
        record["sequence"] = record["idle"] = record["bytes"] = record["red_bytes"] = 0
        record["red_blocks"] = 0
        record["resting"], record["gain"] = 1, 1.0
        return row

    def begin_like(self, row: int, other: int) -> None:
        """Let a fresh row go on where another one is, so that who changes between them misses nothing."""
        self.rows.delay[row] = self.rows.delay[other]
        self.rows.mixed[row] = self.rows.mixed[other]
        self.rows.state[row]["gain"] = self.rows.state[other]["gain"]

    def give_back(self, row: int) -> None:
        self.rows.state[row]["encoder"] = 0
        self._free.append(row)
