"""The page's own words and drawings, for what the server draws of it: read from the files that the page is made of."""

from __future__ import annotations

import json
import re
from functools import cache

from spaces.signaling import web_files

SAID = r'"(?:[^"\\]|\\.)*"'
TEXT = re.compile(rf'^  "([\w.]+)": ({SAID}|\{{(?:[^"}}]|{SAID})*\}}),$', re.MULTILINE)
FORM = re.compile(rf"(\w+): ({SAID})")
DRAWING = re.compile(r'^  "?([a-z-]+)"?: "(M[^"]+)",$', re.MULTILINE)
ONE_UP_TO = {"fr": 1}
"""From nought on, in French; elsewhere 1 alone (CLDR's plural rules, for whole numbers that are small)."""


@cache
def texts(language: str) -> dict[str, str | dict[str, str]]:
    """Of whoever listens (`messages_en.js`): a text, or its forms by plural category."""
    body = web_files.files()[f"messages_{language}.js"].body.decode()
    return {
        key: {form: json.loads(text) for form, text in FORM.findall(said)} if said[0] == "{" else json.loads(said)
        for key, said in TEXT.findall(body)
    }


def text(language: str, key: str, count: int = 0, **values: str) -> str:
    """Filled in as the page does it; `count` is less than a thousand, which every language writes alike."""
    said = texts(language)[key]
    if not isinstance(said, str):
        one = count == 1 or count <= ONE_UP_TO.get(language, -1)
        said = said["one"] if one else said["other"]
    filled = {"count": str(count), **values}
    return re.sub(r"\{(\w+)\}", lambda name: filled.get(name[1], ""), said)


@cache
def drawings() -> dict[str, str]:
    """The paths of the page's icons, on 24 × 24, by name."""
    return dict(DRAWING.findall(web_files.files()["dom.js"].body.decode()))
