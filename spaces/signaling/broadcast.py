"""What everybody in a Space is sent, in order: a frame is made once and written to some sockets in each turn of the event loop.

Thousands of writes in one go would keep speakers' packets waiting for tens of milliseconds. So who is many is told in turns;
whoever is sent something of his own meanwhile is first told what he has not heard yet: nobody sees a different order.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

EARS_PER_TURN = 250
"""About two milliseconds of writing."""


class Ear(Protocol):
    """Takes whole frames, one or several."""

    def hear(self, frames: bytes) -> None: ...


class Broadcast:
    def __init__(self) -> None:
        self._heard: dict[Ear, int] = {}
        """How many frames each has had, or may not have."""
        self._edges: dict[Ear, str] = {}
        """The other nodes that those whom they serve have reached."""
        self._counts: Counter[str] = Counter()
        """How many of each."""
        self._said: list[tuple[bytes, frozenset[str]]] = []
        """Those that somebody is still to hear, each with the nodes that have been told already."""
        self._before = 0
        """Frames before these."""
        self._waiting: list[Ear] = []
        """Whose turn is still to come in this round."""
        self._rounds = 0
        """To be made, this one included."""
        self._joined: dict[tuple[int, str], bytes] = {}
        """What is to be heard from a number on at a node, in one piece."""

    def __len__(self) -> int:
        return len(self._heard)

    @property
    def edges(self) -> list[str]:
        """Other nodes through which somebody hears."""
        return list(self._counts)

    def join(self, ear: Ear, edge: str = "") -> None:
        """It hears what is said from now on. `edge`: through that other node."""
        self._heard[ear] = self._before + len(self._said)
        if edge:
            self._edges[ear] = edge
            self._counts[edge] += 1

    def leave(self, ear: Ear) -> None:
        """It hears what has been said, and no more. Idempotent."""
        self.catch_up(ear)
        self._heard.pop(ear, None)
        if (edge := self._edges.pop(ear, "")) and self._counts[edge] == 1:
            del self._counts[edge]
        elif edge:
            self._counts[edge] -= 1

    def say(self, frame: bytes, told: frozenset[str] = frozenset()) -> None:
        """To everybody, but for those whose node has been told for all of them."""
        self._said.append((frame, told))
        self._joined.clear()
        if not self._rounds:
            self._rounds = 1
            self._begin_round()
        elif self._rounds == 1:
            self._rounds = 2  # who has had his turn needs another

    def catch_up(self, ear: Ear) -> None:
        """Let it hear now what it would hear in its turn."""
        heard, end = self._heard.get(ear), self._before + len(self._said)
        if heard is None or heard == end:
            return
        self._heard[ear] = end
        key = heard, self._edges.get(ear, "")
        frames = self._joined.get(key)
        if frames is None:
            said = self._said[heard - self._before :]
            frames = self._joined[key] = b"".join(frame for frame, told in said if key[1] not in told)
        if frames:
            ear.hear(frames)

    def _begin_round(self) -> None:
        self._waiting = list(self._heard)
        self._turn()

    def _turn(self) -> None:
        for ear in self._waiting[-EARS_PER_TURN:]:
            self.catch_up(ear)
        del self._waiting[-EARS_PER_TURN:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
            return
        self._rounds -= 1
        if self._rounds:
            asyncio.get_running_loop().call_soon(self._begin_round)
            return
        self._before += len(self._said)
        self._said.clear()
        self._joined.clear()
