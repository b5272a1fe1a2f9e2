"""The page as files: what it imports, says and weighs, and that a strict content security policy can serve it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import get_args

import spaces
from spaces.signaling.messages import Request

WEB = Path(spaces.__file__).parent / "web"
MODULES = {path.name: path.read_text() for path in WEB.glob("*.js")}
FIRST_BYTES_MAX = 60_000
"""Compressed, what a listener's page fetches."""
STATIC = re.compile(r'^(?:import|export)\b[^;]*?from "\./([^"]+)"', re.MULTILINE)
ON_DEMAND = re.compile(r'\bimport\("\./([^"]+)"\)')


def reached(name: str, found: set[str]) -> set[str]:
    """The module and all that comes with it at once."""
    if name not in found:
        found.add(name)
        for target in STATIC.findall(MODULES[name]):
            reached(target, found)
    return found


def test_every_import_leads_to_a_module_of_ours_and_every_module_is_imported() -> None:
    imported = {"app.js"}
    for name, text in MODULES.items():
        for target in [*STATIC.findall(text), *ON_DEMAND.findall(text)]:
            assert target in MODULES, f"{name} imports {target}"
            imported.add(target)
    assert imported == set(MODULES)


def test_all_that_a_listener_needs_is_fetched_at_once_and_nothing_else() -> None:
    index = (WEB / "index.html").read_text()
    named = re.findall(r'(?:modulepreload" href|src)="/web/([^"]+)"', index)
    assert sorted(named) == sorted(reached("app.js", set()))


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    index = (WEB / "index.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)", index) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", index) == []
    for text in (index, (WEB / "style.css").read_text(), *MODULES.values()):
        addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`)]*", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}


def test_every_text_that_is_named_exists_and_every_text_is_named() -> None:
    keys = set(re.findall(r'^  "([\w.]+)":', MODULES["messages_en.js"], re.MULTILINE))
    code = "\n".join(text for name, text in MODULES.items() if name != "messages_en.js")
    families = {key.partition(".")[0] for key in keys}
    named = {key for key in re.findall(r'"([a-z_]+\.[\w.]+)"', code) if key.partition(".")[0] in families}
    commands = {kind.__struct_config__.tag for kind in get_args(Request)}  # the socket's
    assert named - commands <= keys
    made = {"ended.title", "ended.text", "cancelled.title", "cancelled.text"}  # by the Space's state
    prefixes = tuple(f"{prefix}." for prefix in re.findall(r"`([a-z_.]+)\.\$\{", code))
    assert [key for key in keys - named - made if not key.startswith(prefixes)] == []


def test_the_script_is_small() -> None:
    weight = sum(len(gzip.compress(MODULES[name].encode())) for name in reached("app.js", set()))
    print(f"{weight} bytes compressed")
    assert weight <= FIRST_BYTES_MAX
