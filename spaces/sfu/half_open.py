"""Sessions that are being set up: bounded in number, and whoever comes finds a place whatever a crowd of others does.

Anybody may ask for a session and then say nothing. A table that refuses when it is full would let such a crowd keep everybody
out for as long as it likes; here a newcomer takes the place of another instead. That is one whom nobody has heard of, before
one whose path has been authenticated; then one of the client address with the most; then the oldest. Somebody who means it has
been heard within a round trip, so he is put out only by others who were heard and are newer. Sans-IO.
"""

from __future__ import annotations

from collections import Counter


class _Fair:
    """Sessions by client address. Each operation costs the same however many there are."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, None]] = {}
        self._addresses_with: dict[int, dict[str, None]] = {}
        """Those with so many sessions, in the order in which they came to have that many."""
        self._most = 0

    def add(self, session: str, address: str) -> None:
        mine = self._of.setdefault(address, {})
        mine[session] = None
        self._moved(address, len(mine) - 1, len(mine))

    def remove(self, session: str, address: str) -> bool:
        mine = self._of.get(address, {})
        if session not in mine:
            return False
        del mine[session]
        if not mine:
            del self._of[address]
        self._moved(address, len(mine) + 1, len(mine))
        return True

    def victim(self) -> str | None:
        """The oldest of the address that has had the most for the longest; None: there is nobody."""
        if not self._most:
            return None
        address = next(iter(self._addresses_with[self._most]))
        return next(iter(self._of[address]))

    def _moved(self, address: str, before: int, after: int) -> None:
        if before:
            del self._addresses_with[before][address]
            if not self._addresses_with[before]:
                del self._addresses_with[before]
        if after:
            self._addresses_with.setdefault(after, {})[address] = None
        self._most = max(self._most, after)
        while self._most and self._most not in self._addresses_with:
            self._most -= 1


class HalfOpen:
    """Names of sessions, each with the client address that asked for it (empty: not told)."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._address: dict[str, str] = {}
        self._count: Counter[str] = Counter()
        self._silent = _Fair()
        self._heard = _Fair()

    def __len__(self) -> int:
        return len(self._address)

    def of(self, address: str) -> int:
        """How many of this client address."""
        return self._count[address]

    def victim(self) -> str | None:
        """Who is to go before one more comes; None: there is a place."""
        if len(self) < self._at_once:
            return None
        return self._silent.victim() or self._heard.victim()

    def add(self, session: str, address: str) -> None:
        self._address[session] = address
        self._count[address] += 1
        self._silent.add(session, address)

    def heard(self, session: str) -> None:
        """Its path has been authenticated."""
        address = self._address.get(session)
        if address is not None and self._silent.remove(session, address):
            self._heard.add(session, address)

    def remove(self, session: str) -> None:
        """It is set up, or gone. Idempotent."""
        address = self._address.pop(session, None)
        if address is None:
            return
        if not self._silent.remove(session, address):
            self._heard.remove(session, address)
        self._count[address] -= 1
        if not self._count[address]:
            del self._count[address]
