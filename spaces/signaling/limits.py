"""Limits per client address: so many a minute, so many at once. Tables are bounded, whoever knocks."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from spaces.errors import RequestError

ADDRESSES_MAX = 100_000
"""Addresses remembered; beyond it the one that asked longest ago is forgotten."""


class Budget:
    """At most `per_minute` events of one address in any minute, all at once if need be (the GCRA of ATM Forum TM 4.0).

    Each address is one number: the time at which it would be back at rest.
    """

    def __init__(self, name: str, per_minute: int, addresses_max: int = ADDRESSES_MAX) -> None:
        assert per_minute > 0
        self._name = name
        self._interval = 60.0 / per_minute
        self._addresses_max = addresses_max
        self._at_rest: OrderedDict[str, float] = OrderedDict()

    def take(self, address: str, now: float) -> None:
        """Count one event. Raises RequestError(429), which counts nothing."""
        at_rest = max(self._at_rest.get(address, now), now) + self._interval
        if at_rest - now > 60.0 + 1e-6:
            wait = max(1, round(at_rest - now - 60.0 + 0.5))
            raise RequestError(
                429, f"too_many_{self._name}", f"too many {self._name} from your address", retry_after_seconds=wait
            )
        self._at_rest[address] = at_rest
        self._at_rest.move_to_end(address)
        while self._at_rest and (len(self._at_rest) > self._addresses_max or next(iter(self._at_rest.values())) <= now):
            self._at_rest.popitem(last=False)

    def __len__(self) -> int:
        return len(self._at_rest)


class Concurrency:
    """At most `at_once` of something open for one address."""

    def __init__(self, name: str, at_once: int) -> None:
        self._name = name
        self._at_once = at_once
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, address: str) -> Iterator[None]:
        """Counts while the block runs. Raises RequestError(429)."""
        if self._open[address] >= self._at_once:
            if not self._open[address]:
                del self._open[address]
            raise RequestError(
                429, f"too_many_{self._name}", f"too many {self._name} open from your address", retry_after_seconds=10
            )
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
