"""Checks of what people send. Each returns the value to store or raises AccessError 422 naming the field."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from access.errors import AccessError

HANDLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
LEVEL_MAX = 1_000
TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Embeddings, overrides and isolates turn the direction of text: with those a name can be made to read as another."""
MOMENT_MIN, MOMENT_MAX = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Times outside may have no UTC form: the calendar begins and ends in some time zones first."""


def bad_field(field: str, detail: str) -> AccessError:
    return AccessError(422, "bad_field", f"{field}: {detail}", field)


def is_storable(value: str) -> bool:
    """No control characters and no lone surrogates: PostgreSQL stores neither NUL nor those."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)


def text(value: str, field: str, length_max: int) -> str:
    """One line of text."""
    value = value.strip()
    if not 1 <= len(value) <= length_max:
        raise bad_field(field, f"1 to {length_max} characters")
    if not is_storable(value):
        raise bad_field(field, "no control characters")
    return _unturned(value, field)


def prose(value: str, field: str, length_max: int, length_min: int = 1) -> str:
    """Text of several lines, with line feeds only; what surrounds it is left out."""
    value = value.replace("\r\n", "\n").strip()
    if not length_min <= len(value) <= length_max:
        raise bad_field(field, f"{length_min} to {length_max} characters")
    if not is_storable(value.replace("\n", "").replace("\t", "")):
        raise bad_field(field, "no control characters")
    return _unturned(value, field)


def _unturned(value: str, field: str) -> str:
    if not TURNING.isdisjoint(value):
        raise bad_field(field, "no characters that turn the direction of text")
    return value


def handle(value: str, field: str = "handle") -> str:
    value = value.removeprefix("@")
    if not HANDLE.fullmatch(value):
        raise bad_field(field, "1 to 64 letters, digits, '_', '.' or '-'")
    return value


def level(value: int) -> int:
    if not 0 <= value <= LEVEL_MAX:
        raise bad_field("level", f"0 to {LEVEL_MAX}")
    return value


def between(value: int, field: str, smallest: int, greatest: int) -> int:
    if not smallest <= value <= greatest:
        raise bad_field(field, f"{smallest} to {greatest}")
    return value


def to_come(value: datetime, field: str, now: datetime) -> datetime:
    if not now < value < MOMENT_MAX:
        raise bad_field(field, "a time to come")
    return value


def choice(value: str, field: str, among: tuple[str, ...]) -> str:
    if value not in among:
        raise bad_field(field, "one of " + ", ".join(among))
    return value
