"""What people write, looked at before others are shown it: one line, visible, and no character that deceives.

Refused rather than repaired, so that whoever writes knows what others will see.
"""

from __future__ import annotations

import re
import unicodedata

from spaces.errors import RequestError

MARKS_MAX = 8
"""Combining marks on one letter: no language needs more than a few; towers of them run over the lines of others."""

_BLANK = re.compile(r"[ \t\r\n\f\v\u0085\u00a0\u2028\u2029\u3000]+")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
"""A flag of a region (England, Scotland, Wales): the one place where tag characters belong."""
_JOINERS = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u061c\ufe0f\u2060")
"""Of the invisible format characters those that writing needs: joiners, soft breaks, and marks of direction, which reach no
further than their neighbours. Overrides, embeddings and isolates (U+202A to U+202E, U+2066 to U+2069) are not among them: with
those a line can be made to read as another."""


def one_line(text: str, *, field: str, characters_max: int) -> str:
    """The text in NFC, its blanks made single spaces. Raises RequestError(422) naming the field and what is wrong."""
    if len(text) > 4 * characters_max:  # before any work on it
        raise _too_long(field, characters_max)
    line = unicodedata.normalize("NFC", _BLANK.sub(" ", text)).strip(" ")
    if len(line) > characters_max:
        raise _too_long(field, characters_max)
    marks, visible = 0, False
    for position, character in enumerate(_FLAG.sub("\U0001f3f4", line)):
        kind = unicodedata.category(character)
        if _is_refused(character, kind):
            raise RequestError(
                422, "bad_field", f"{field}: U+{ord(character):04X} at {position} is not taken", field=field
            )
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks > MARKS_MAX:
            raise RequestError(422, "bad_field", f"{field}: too many marks on one letter", field=field)
        visible = visible or kind[0] in "LNPS" or kind in ("Co", "Cn")
    if not visible:
        raise RequestError(422, "bad_field", f"{field}: there is nothing to see in it", field=field)
    return line


def _is_refused(character: str, kind: str) -> bool:
    """Control characters, halves of surrogate pairs, deceiving format characters, and what is no character at all."""
    return kind in ("Cc", "Cs") or (kind == "Cf" and character not in _JOINERS) or _is_noncharacter(ord(character))


def _is_noncharacter(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _too_long(field: str, characters_max: int) -> RequestError:
    return RequestError(422, "bad_field", f"{field}: {characters_max} characters at most", field=field)
