"""The page's texts in every language: all there, nothing more, the same values filled in, and really translated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import spaces

WEB = Path(spaces.__file__).parent / "web"
ENTRY = re.compile(r'^  "([\w.]+)":(.*?)(?=^  "|^\};|\n\n)', re.MULTILINE | re.DOTALL)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
PLURAL = re.compile(r"\b(zero|one|two|few|many|other):")
LANGUAGES = sorted({path.stem.rpartition("_")[2] for path in WEB.glob("messages*.js")} - {"en"})
ALIKE = {
    "health.figure.level",
    "app.name",
    "app.title",
    "action.volume",
    "embed.volume",
    "plan.there",
    "keys.m.name",
    "keys.help.name",
}
"""Texts that are in every language what they are in English."""


def texts(language: str) -> dict[str, str]:
    """Each with the code that makes it."""
    files = WEB.glob(f"messages*_{language}.js")
    return {key: code for file in files for key, code in ENTRY.findall(file.read_text())}


def words(code: str) -> str:
    return "".join(STRING.findall(code))


def test_there_is_another_language_and_the_page_offers_it() -> None:
    offered = re.search(r"LANGUAGES = .*?\(\{(.*?)\}\)", (WEB / "text.js").read_text())
    assert offered
    assert sorted(re.findall(r"(\w+):", offered[1])) == sorted(["en", *LANGUAGES])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_complete(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert len(english) > 500
    assert english.keys() - other.keys() == set(), "missing"
    assert other.keys() - english.keys() == set(), "of no use"
    parts = {path.name.replace("_en.", f"_{language}.") for path in WEB.glob("messages*_en.js")}
    assert parts == {path.name for path in WEB.glob(f"messages*_{language}.js")}
    for path in WEB.glob("messages*_en.js"):
        there = path.with_name(path.name.replace("_en.", f"_{language}."))
        assert sorted(k for k, _ in ENTRY.findall(path.read_text())) == sorted(
            k for k, _ in ENTRY.findall(there.read_text())
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_values_are_filled_in(language: str) -> None:
    english, other = texts("en"), texts(language)
    for key, code in english.items():
        ours = set(re.findall(r"\{\w+\}", words(other[key])))
        assert ours == set(re.findall(r"\{\w+\}", words(code))), key
        forms = PLURAL.findall(other[key])
        assert ("other" in forms) == ("other" in PLURAL.findall(code)), f"{key}: a text with a number has its plurals"


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_translated(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert {key for key in english if words(english[key]) == words(other[key])} <= ALIKE


def test_french_is_set_as_french_is_set() -> None:
    """Apostrophes are curved; no line breaks before the marks that have a space before them."""
    for key, code in texts("fr").items():
        said = words(code)
        assert "'" not in said, key
        assert not re.search(r" [?!;:»]|« ", said), key
        assert not re.search(r"[^\s\u202f?!…][?!]|[^\s\u202f\u00a0];", said.replace("?", "", said == "?")), key
