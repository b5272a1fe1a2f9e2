"""The words that Spaces are found by: the same of what is stored and of what is asked.

Case, accents and forms of the same letter do not count (NFKD, without marks). Scripts that put no spaces between words are
taken letter by letter.
"""

from __future__ import annotations

import re
import unicodedata

WORD_LENGTH_MAX = 32
"""Longer words are known by their beginnings."""
WORDS_MAX = 60
"""Of one Space."""

UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
"""Thai, kana and Han."""
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
AFTER_ALL = "\U0010ffff"
"""Nothing that begins with a word comes after the word and this."""


def fold(text: str) -> str:
    """What is left of a text where only letters and figures count."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in apart if unicodedata.category(c) != "Mn"))


def words_in(text: str) -> list[str]:
    """In order, each once."""
    return list(dict.fromkeys(word[:WORD_LENGTH_MAX] for word in WORD.findall(fold(text))))


def topic_key(topic: str) -> str:
    """Topics of one key are the same topic."""
    return " ".join(fold(topic).split())


def topic_word(topic: str) -> str:
    """A topic as a whole, as it stands among the words; no word of a text begins like that."""
    return f"#{topic_key(topic)}"


def read_topics(topics: list[str]) -> tuple[str, ...]:
    """As they are shown: trimmed, without a leading #, each once."""
    kept: dict[str, str] = {}
    for topic in topics:
        shown = " ".join(topic.strip().removeprefix("#").split())
        if key := topic_key(shown):
            kept.setdefault(key, shown)
    return tuple(kept.values())
