"""The audio thread's objects: a speaker's Source, a Listener's row, a Program (one mix, encoded once) and a Space of them.

Sources and Listeners are made by the event loop and handed over; from then on the event loop only appends to a Source's
inbox and reads what the audio thread publishes in the fields marked so.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from pylibsrtp import Session

from spaces.mixing.jitter import JitterBuffer
from spaces.mixing.level import SILENCE_DBFS
from spaces.mixing.opus import Decoder, Encoder
from spaces.sfu.speakers import LoudestN

INBOX_PACKETS_MAX = 128
"""What waits for one tick; a sender at many times real time loses the rest here."""


class Arrival(NamedTuple):
    """One packet of a speaker: extended sequence, timestamp as on the wire, Opus payload, its samples, arrival time."""

    sequence: int
    timestamp: int
    payload: bytes
    samples: int
    at: float


class Source:
    """One speaker's sound."""

    def __init__(self, space: str, owner: str, jitter: JitterBuffer) -> None:
        self.space = space
        self.owner = owner
        self.jitter = jitter
        self.inbox: deque[Arrival] = deque(maxlen=INBOX_PACKETS_MAX)
        self.decoder: Decoder | None = None
        self.row = -1
        self.gain = 0.0
        """At the end of the last tick: 1 while it holds a mixing slot, faded over one tick either way."""
        self.muted = False
        self.measured_dbfs = SILENCE_DBFS
        """Published: level of the last frame decoded."""
        self.measured_at = 0.0
        """Published: when that was; 0 while nothing has been decoded."""


class Listener:
    """One listener's row of the fan-out, as the event loop sees it."""

    def __init__(self, space: str, owner: str, context: Session, first_sequence: int) -> None:
        self.space = space
        self.owner = owner
        self.context = context
        self.next_sequence = first_sequence
        """Where his sequence goes on when he is attached again."""
        self.packets = self.octets = 0
        """Sent to him until he was last detached."""
        self.row = -1
        """Published: −1 while he has no row."""
        self.program: Program | None = None


@dataclass(slots=True, eq=False)
class Program:
    """One mix of a Space: everybody, or everybody but `without`."""

    without: str | None
    slot: int
    encoder: Encoder
    sequence: int = 0
    rows: list[int] = field(default_factory=list)
    idle_ticks: int = 0
    """Ticks since there was anything to mix."""
    resting: bool = True
    """Nothing was sent in the tick before: the next packet begins a talk spurt."""
    row_array: np.ndarray | None = None

    def row_indices(self) -> np.ndarray:
        if self.row_array is None:
            self.row_array = np.array(self.rows, np.int32)
        return self.row_array


class SpaceSound:
    """The sources and programs of one Space."""

    def __init__(self, name: str, ssrc: int, mixed: int) -> None:
        self.name = name
        self.ssrc = ssrc
        self.sources: list[Source] = []
        self.programs: dict[str | None, Program] = {}
        self.listeners: list[Listener] = []
        self.loudest: LoudestN[Source] = LoudestN(mixed)
