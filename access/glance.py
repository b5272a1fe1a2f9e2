"""Whether anything has been committed since one last looked: what is asked four times a second is then mostly not read at all.

SQLite tells (`PRAGMA data_version`, of a connection of its own that never writes) for some ten microseconds; a read by the
reader's thread costs a hundred times that. PostgreSQL tells only by being asked what one wants to know.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


Version = tuple[int, int]


class Glance:
    """Of one SQLite file, for one thread. The connection is made with the first look."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._connected = 0

    def version(self) -> Version | None:
        """Another one than before if anybody has committed since. None: it cannot be told now."""
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(self._file, timeout=0.0, isolation_level=None)
                self._connected += 1  # whose numbers begin anew
            (number,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            self.close()
            return None
        return self._connected, int(number)

    def close(self) -> None:
        """It may be used again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


class Remembered(Generic[P, T]):
    """A read whose last answer is given again while it is asked for the same and nothing has been committed since."""

    def __init__(self, glance: Glance | None, read: Callable[P, Coroutine[object, object, T]]) -> None:
        """`glance`: None where the database cannot tell; then every call reads."""
        self._glance = glance
        self._read = read
        self._known: tuple[Version, object, T] | None = None

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        version = None if self._glance is None else self._glance.version()
        asked = (args, kwargs)
        if self._known is not None and self._known[:2] == (version, asked):
            return self._known[2]
        answer = await self._read(*args, **kwargs)
        self._known = None if version is None else (version, asked, answer)
        return answer
