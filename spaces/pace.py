"""How often somebody may do something: so many at once, and then one every so often (the GCRA of ATM Forum TM 4.0)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

KEYS_MAX = 100_000
"""Of one table, if nothing else is said."""


class Pace:
    """At most `burst` at once, and one every `seconds` in the long run, of each key.

    A key is one number, the time at which it would be back at rest, and is forgotten then. Beyond `keys_max` the one that
    came longest ago is forgotten, so the table is bounded, whoever comes.
    """

    def __init__(self, seconds: float, burst: int, keys_max: int = KEYS_MAX) -> None:
        assert seconds > 0
        assert burst > 0
        self._seconds = seconds
        self._full = seconds * burst
        self._keys_max = keys_max
        self._at_rest: OrderedDict[Hashable, float] = OrderedDict()

    def wait(self, key: Hashable, now: float) -> float:
        """0: it is counted. Else how many seconds too early it comes, and nothing is counted."""
        at_rest = max(self._at_rest.get(key, now), now) + self._seconds
        early = at_rest - now - self._full
        if early > 1e-6:
            return early
        self._at_rest[key] = at_rest
        self._at_rest.move_to_end(key)
        while self._at_rest and (len(self._at_rest) > self._keys_max or next(iter(self._at_rest.values())) <= now):
            self._at_rest.popitem(last=False)
        return 0.0

    def __len__(self) -> int:
        return len(self._at_rest)
