"""Which packets of a loop are lost: by a seeded die, singly or in bursts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BURST = 3

Pattern = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Loss:
    """`percent` of packets, each for itself or in bursts of three."""

    percent: int
    bursts: bool = False

    def __str__(self) -> str:
        return f"{self.percent} %" + (" in bursts" if self.bursts else " random" if self.percent else "")

    @property
    def key(self) -> str:
        return f"{self.percent}_percent" + ("_bursts" if self.bursts else "")


NONE = Loss(0)


def pattern(loss: Loss, packets: int, seed: int) -> Pattern:
    """True where a packet is lost. The share is met as nearly as whole bursts allow, so that seeds differ in where alone."""
    die = np.random.default_rng([seed, loss.percent, loss.bursts])
    lost = np.zeros(packets, np.bool_)
    length = BURST if loss.bursts else 1
    count = round(packets * loss.percent / 100 / length)
    if not count:
        return lost
    # Places are drawn among what is left when every burst but its first packet, and one packet after it, is taken out.
    room = packets - count * (length if length > 1 else 0)
    places = np.sort(die.choice(room, count, replace=False))
    for before, place in enumerate(places):
        start = place + before * (length if length > 1 else 0)
        lost[start : start + length] = True
    return lost
