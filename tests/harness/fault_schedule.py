"""Which faults happen in which order: made from a seed alone, so that the seed repeats them."""

from __future__ import annotations

import random
from dataclasses import dataclass

KINDS = ("kill", "drain", "stop", "redis restart", "redis pause", "redis full", "cut", "silent cut", "dark", "all dark")
GONE = ("kill", "drain")
"""A node is gone for good, struck down or planned."""
OF_ALL = tuple(kind for kind in KINDS if kind.startswith(("redis", "all")))
"""They happen to what all nodes share."""
BESIDE_SECONDS_MAX = 2.0
"""Between two faults that happen at once: by then the first one is over for nobody."""


@dataclass(frozen=True, slots=True)
class Planned:
    kind: str
    to_owner: bool
    other: int
    """1 or 2: which of the others it is, if not the owner."""
    pause: float
    """Seconds before it, or after the beginning of the one beside which it happens."""


def schedule(seed: int, count: int, *, at_once: bool = False) -> list[list[Planned]]:
    """So many times trouble: one fault, or two that overlap."""
    die = random.Random(seed)
    rounds = -(-count // len(KINDS))
    kinds = [kind for _ in range(rounds) for kind in die.sample(KINDS, len(KINDS))]
    singles = [Planned(kind, die.random() < 0.7, die.choice((1, 2)), die.random()) for kind in kinds[:count]]
    return [[first, _beside(first, die)] if at_once else [first] for first in singles]


def _beside(first: Planned, die: random.Random) -> Planned:
    """Of another node, or of what all share if that is well."""
    kind = die.choice([kind for kind in KINDS if first.kind not in OF_ALL or kind not in OF_ALL])
    pause = die.uniform(0.0, BESIDE_SECONDS_MAX)
    if first.kind in OF_ALL:
        return Planned(kind, die.random() < 0.7, die.choice((1, 2)), pause)
    # Not where the first one is: it is of the owner if that one is not, else of either of the others.
    to_owner = not first.to_owner and die.random() < 0.7
    return Planned(kind, to_owner, die.choice((1, 2)) if first.to_owner else 3 - first.other, pause)
