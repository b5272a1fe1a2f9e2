"""Limits per client address: so many a minute, so many at once. Tables are bounded, whoever knocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from spaces.errors import RequestError
from spaces.pace import Pace

ADDRESSES_MAX = 100_000
"""Addresses remembered; beyond it the one that asked longest ago is forgotten."""


class Budget:
    """At most `per_minute` events of one address in any minute, all at once if need be."""

    def __init__(self, name: str, per_minute: int, addresses_max: int = ADDRESSES_MAX) -> None:
        self._name = name
        self._pace = Pace(60.0 / per_minute, per_minute, addresses_max)

    def take(self, address: str, now: float) -> None:
        """Count one event. Raises RequestError(429), which counts nothing."""
        if early := self._pace.wait(address, now):
            raise RequestError(
                429,
                f"too_many_{self._name}",
                f"too many {self._name} from your address",
                retry_after_seconds=max(1, round(early + 0.5)),
            )

    def __len__(self) -> int:
        return len(self._pace)


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
