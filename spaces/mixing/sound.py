"""The audio thread's objects: a speaker's Source, a Listener's row, a Program (one mix, encoded once) and a Space of them.

Sources and Listeners are made by the event loop and handed over; the fields marked published are what it may read then.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from spaces.mixing.opus import Decoder, Encoder
from spaces.sfu.srtp import MixKeys


class Source:
    """One speaker's sound."""

    def __init__(self, space: str, owner: str) -> None:
        self.space = space
        self.owner = owner
        self.muted = False
        self.always = False
        """In the mix whoever speaks, and as loud as it comes: a sound that is played, not a voice."""
        self.decoder: Decoder | None = None
        self.row = -1
        """Published: of the speakers' arrays; −1 while it has none."""
        self.heard_at = -math.inf
        """When its last packet came: the event loop's."""
        self.tenure = 0
        """Published: tells this source from others that had the row before."""


class Listener:
    """One listener's row of the fan-out, as the event loop sees it."""

    def __init__(self, space: str, owner: str, keys: MixKeys, first_sequence: int) -> None:
        self.space = space
        self.owner = owner
        self.keys = keys
        self.next_sequence = first_sequence
        """Where his sequence goes on when he is attached again."""
        self.packet_frames = 1
        """Frames in a packet to him."""
        self.red_payload_type = 0
        """He is sent RED under this payload type; 0: plain Opus."""
        self.packets = self.octets = 0
        """Sent to him until he was last detached."""
        self.row = -1
        """Published: −1 while he has no row."""
        self.program: Program | None = None


@dataclass(slots=True, eq=False)
class Program:
    """One mix of a Space: everybody, or everybody but `without`, in packets of so many frames."""

    without: str | None
    packet_frames: int
    row: int
    encoder: Encoder
    rows: list[int] = field(default_factory=list)
    """Its listeners' rows of the fan-out."""


class SpaceSound:
    """The sources and programs of one Space."""

    def __init__(self, name: str, ssrc: int, expected_loss_percent: int) -> None:
        self.name = name
        self.ssrc = ssrc
        self.expected_loss_percent = expected_loss_percent
        self.sources: list[Source] = []
        self.programs: dict[tuple[str | None, int], Program] = {}
        """By whom they leave out and by frames in a packet."""
        self.listeners: list[Listener] = []
        self.relayed: set[int] = set()
        """Frames in a packet of the mixes that other nodes are sent."""
        self.phase = 0
        """Which ticks make its frames: those whose number modulo PHASES is this."""
        self.frames = 0
        """Made so far. A program's packets begin at multiples of their frames, so that listeners can change programs."""
        self.early: deque[float] = deque(maxlen=3)
        """Seconds that the slowest packet of each of the last windows came before its turn."""
        self.clock = (0, 0)
        """(sample clock, tick) when the last program ended; while there is one, it has the clock."""
