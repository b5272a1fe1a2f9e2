"""The state of every speaker of a node, in arrays: what the compiled part of a tick reads and writes.

A speaker is a row. Scalars are in one record per row, what is large in arrays beside it. The audio thread alone touches them,
but for `dbfs` and `measured_at`, which the event loop reads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaces.mixing.opus import FRAME, PACKET_BYTES_MAX, PACKET_SAMPLES_MAX

RING = 64
"""Packets held per speaker, by sequence number modulo this: over a second of 20 ms frames."""
HISTORY = 16
"""Samples kept of the frame before: the resampler's filter reaches eight back, and the sound is eight late for it."""
RATE_MAX = 4
"""Samples that a frame may take more or fewer than it gives: 0.4 %, seven cents, which nobody hears in speech."""
PCM = HISTORY + 2 * FRAME + PACKET_SAMPLES_MAX
"""Samples that a row holds: history, less than a frame left over, and the longest packet."""

COUNTS = ("played", "late", "duplicate", "lost", "recovered", "underruns", "overflow", "malformed")
"""What is counted of each speaker's packets; the recovered are among the lost; lost and underruns are no packets that came."""

SPEAKER = np.dtype(
    [
        # --- identity
        ("owner", np.int64),
        ("tenure", np.int64),  # tells this speaker from those who had the row before
        ("muted", np.int32),
        ("always", np.int32),  # in the mix whoever speaks, and not levelled
        # --- the jitter buffer: sequence numbers are extended, -1 stands for none
        ("next", np.int64),  # to be played next; -1: paused
        ("played_to", np.int64),  # where the pause began
        ("held", np.int32),  # packets in the ring
        ("duration", np.int32),  # samples of the last packet played
        ("concealed", np.int32),  # samples made up since the buffer ran empty
        ("newest", np.int64),  # sequence number received; older ones are redundant copies or reordered
        ("timestamp", np.int64),  # of the newest packet, unwrapped
        ("transit_min", np.float64),  # seconds, arrival less timestamp, of the fastest packet lately; nan: none yet
        ("spread", np.float64),  # seconds, how much slower the slowest packet lately was
        ("held_up", np.int32),  # packets come late together, from an outage
        ("transit_next", np.float64),  # the fastest of the window that has not ended
        ("transit_window_ends", np.float64),
        ("transit_at", np.float64),
        (
            "repair",
            np.float64,
        ),  # seconds that what repairs a loss comes behind its turn; 0: nothing was repaired lately
        ("repair_next", np.float64),  # the same in the window that has not ended
        ("repair_window_ends", np.float64),
        # --- the pace
        ("fill", np.int32),  # decoded samples not yet played, behind the history
        ("rate", np.int32),  # samples taken more than a frame, per frame
        ("spare", np.int32),  # frames that may be skipped where he is silent
        ("slack", np.float64),  # seconds that the latest packet of this window came before its turn, copies apart
        ("slack_before", np.float64),  # the same of the window before, beyond the wait for repairs
        ("slack_long", np.float64),  # the least over some windows
        ("windows", np.int32),
        ("window_ends", np.float64),
        # --- loudness
        ("sounding", np.int32),  # this tick's frame has sound
        (
            "made_up",
            np.int32,
        ),  # frames from now on whose level tells nothing: concealment fades, and so does what follows
        ("dbfs", np.float64),  # of the last frame
        ("measured_at", np.float64),
        ("level", np.float64),  # dBFS, smoothed
        ("spoke_at", np.float64),
        ("holds", np.int32),  # a place in the mix
        ("held_since", np.float64),
        ("gain", np.float32),  # at the end of the last frame: 0 or 1 for the place, times the leveller's
        # --- the leveller
        ("momentary", np.float64),  # K-weighted mean square of the last 400 ms
        ("energy", np.float64),  # K-weighted mean square of speech, averaged
        ("heard", np.float64),  # seconds of speech in that average
        ("dbfs_before", np.float64),  # of the frame with sound before, and
        ("step", np.float64),  # dB from frame to frame, averaged: speech changes, a tone does not
        ("level_gain", np.float64),  # dB
        ("k_x1", np.float64),  # the K-weighting's memory: what went into its first filter lately,
        ("k_x2", np.float64),
        ("k_y1", np.float64),  # from the first into the second
        ("k_y2", np.float64),
        ("k_z1", np.float64),  # and out
        ("k_z2", np.float64),
        # --- what happened
        *((count, np.int64) for count in COUNTS),
        ("stretched", np.int64),  # samples, net
    ],
    align=True,
)


class Rows(NamedTuple):
    """The arrays as compiled code takes them; the first index is the row."""

    state: np.ndarray
    decoder: np.ndarray  # uint64: addresses of libopus decoder states
    sequence: np.ndarray  # int64 (rows, RING): -1 where there is no packet
    length: np.ndarray  # int32 (rows, RING): bytes
    samples: np.ndarray  # int32 (rows, RING)
    behind: np.ndarray  # int32 (rows, RING): samples behind the packet that it came with; 0: it came by itself
    arrived: np.ndarray  # float64 (rows, RING): seconds
    data: np.ndarray  # uint8 (rows, RING, PACKET_BYTES_MAX)
    pcm: np.ndarray  # float32 (rows, PCM): history, then what is decoded and not yet played


class Speakers:
    """All rows. Grows by doubling, between ticks."""

    def __init__(self, rows: int = 16) -> None:
        self._free = list(range(rows - 1, -1, -1))
        self._tenure = 0
        self._left = dict.fromkeys(COUNTS, 0)
        """Counted of speakers who are gone."""
        self._allocate(rows)

    def _allocate(self, rows: int) -> None:
        self.rows = Rows(
            state=np.zeros(rows, SPEAKER),
            decoder=np.zeros(rows, np.uint64),
            sequence=np.full((rows, RING), -1, np.int64),
            length=np.zeros((rows, RING), np.int32),
            samples=np.zeros((rows, RING), np.int32),
            behind=np.zeros((rows, RING), np.int32),
            arrived=np.zeros((rows, RING), np.float64),
            data=np.zeros((rows, RING, PACKET_BYTES_MAX), np.uint8),
            pcm=np.zeros((rows, PCM), np.float32),
        )
        self.measured = self.rows.state["dbfs"], self.rows.state["measured_at"]
        """Looked at for every packet: a field of an array is found in a hundredth of the time of a record's."""

    def take(self, decoder: int, owner: int) -> int:
        """A fresh row for a decoder state at that address."""
        if not self._free:
            old, rows = self.rows, len(self.rows.state)
            self._allocate(2 * rows)
            for source, target in zip(old, self.rows, strict=True):
                target[:rows] = source
            self._free = list(range(2 * rows - 1, rows - 1, -1))
        row = self._free.pop()
        self.rows.decoder[row] = decoder
        self.rows.state[row] = np.zeros(1, SPEAKER)[0]
        self.reset(row)
        record = self.rows.state[row]
        self._tenure += 1
        record["owner"], record["tenure"] = owner, self._tenure
        record["duration"] = FRAME
        record["level"] = record["dbfs"] = -127.0
        record["spoke_at"] = -1e9
        return row

    def counts(self) -> dict[str, int]:
        """COUNTS of all speakers there have been. Any thread: at worst those of one who is leaving are missing."""
        state = self.rows.state
        return {count: self._left[count] + int(state[count].sum()) for count in COUNTS}

    def give_back(self, row: int) -> None:
        record = self.rows.state[row]
        for count in COUNTS:
            number = int(record[count])
            record[count] = 0
            self._left[count] += number
        self.rows.decoder[row] = 0
        self._free.append(row)

    def forget_slack(self, row: int) -> None:
        """Measure anew: the ticks have moved."""
        record = self.rows.state[row]
        record["slack"] = record["slack_before"] = record["slack_long"] = np.inf
        record["window_ends"] = record["windows"] = 0

    def reset(self, row: int) -> None:
        """Forget what is buffered: nobody listened, or the speaker was muted."""
        self.rows.sequence[row] = -1
        self.rows.pcm[row] = 0.0
        record = self.rows.state[row]
        record["next"] = record["played_to"] = record["newest"] = -1
        record["held"] = record["concealed"] = record["fill"] = record["rate"] = record["spare"] = record[
            "sounding"
        ] = 0
        record["transit_min"] = np.nan
        record["held_up"] = 0
        record["spread"] = record["repair"] = record["repair_next"] = record["repair_window_ends"] = 0.0
        self.forget_slack(row)
        record["gain"] = 0.0
        record["holds"] = 0
