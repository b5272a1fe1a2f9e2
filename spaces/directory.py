"""Where a Space lives: exactly one node runs the room of a Space, and every node can find out which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Place:
    """A node that Spaces can live on."""

    node: str
    """Unique per process."""
    url: str
    """Where that node answers HTTP."""


class Directory(Protocol):
    async def claim(self, space: str, place: Place) -> Place:
        """The Space lives at `place` unless it lives elsewhere already; where it lives."""

    async def find(self, space: str) -> Place | None: ...

    async def release(self, space: str, place: Place) -> None:
        """It does not live at `place` any more. Nothing happens if it does not."""


class LocalDirectory:
    """The directory of nodes in one process."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    async def claim(self, space: str, place: Place) -> Place:
        return self._places.setdefault(space, place)

    async def find(self, space: str) -> Place | None:
        return self._places.get(space)

    async def release(self, space: str, place: Place) -> None:
        if self._places.get(space) == place:
            del self._places[space]
