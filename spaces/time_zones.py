"""IANA time zones, of the pinned package `tzdata` and never of the machine: the same Space starts at the same time on
every node.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


@cache
def names() -> frozenset[str]:
    return frozenset((files("tzdata") / "zones").read_text(encoding="ascii").split())


def zone(name: str) -> ZoneInfo | None:
    """None: there is no such zone. What is asked for is looked up in `names` and never asked of the file system."""
    return _read(name) if name in names() else None


@cache
def _read(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
