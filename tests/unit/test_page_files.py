"""The page as files: what it imports, says and weighs, and that a strict content security policy can serve it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from PIL import Image

import spaces
from access.creators import BENEFITS
from spaces.signaling.messages import Request, ServerMessage
from spaces.signaling.web_files import files, imports, modules, without_comments

WEB = Path(spaces.__file__).parent / "web"
MODULES = {path.name: path.read_text() for path in WEB.glob("*.js")}
FIRST_BYTES_MAX = 60_000
"""Compressed, what a listener's page fetches."""
ON_DEMAND = re.compile(r'(?:withTexts\("([a-z ]*)", )?(?<!typeof )\bimport\("\./([^"]+)"\)(?!\.[A-Z])')
"""With the words that are fetched beside it; but not a type's."""
KEY = re.compile(r'^  "([\w.]+)":', re.MULTILINE)


ENTRIES = {"ahead.js", "app.js", "audio_space.js", "example.js"}
"""What a document names."""
TYPES_ALONE = {name for name, text in MODULES.items() if text.endswith(" */\nexport {};\n")}


def words_of(name: str) -> tuple[str, str] | None:
    """The part of the page and the language of a file of messages."""
    found = re.fullmatch(r"messages_?([a-z]*?)_([a-z]{2})\.js", name)
    return found and (found[1], found[2])


def test_every_import_leads_to_a_module_of_ours_and_every_module_is_imported() -> None:
    imported = set(ENTRIES)
    for name, text in MODULES.items():
        for target in [*imports(text), *(module for _, module in ON_DEMAND.findall(text))]:
            assert target in MODULES, f"{name} imports {target}"
            imported.add(target)
    assert imported == {name for name in MODULES if words_of(name) is None} - TYPES_ALONE


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    index = (WEB / "index.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)", index) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", index) == []
    for text in (index, (WEB / "style.css").read_text(), *map(without_comments, MODULES.values())):
        addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`)]*", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}


def test_every_text_that_is_named_exists_and_every_text_is_named() -> None:
    found = [key for name, text in MODULES.items() if name.endswith("_en.js") for key in KEY.findall(text)]
    keys = set(found)
    assert len(found) == len(keys), "no text is there twice"
    code = "\n".join(text for name, text in MODULES.items() if words_of(name) is None)
    families = {key.partition(".")[0] for key in keys}
    named = {key for key in re.findall(r'"([a-z_]+\.[\w.-]+)"', code) if key.partition(".")[0] in families}
    messages = {kind.__struct_config__.tag for kind in get_args(Request | ServerMessage)}  # the socket's
    assert named - messages - keys - set(BENEFITS) == set()
    made = {"ended.title", "ended.text", "cancelled.title", "cancelled.text"}  # by the Space's state
    prefixes = tuple(f"{prefix}." for prefix in re.findall(r"`([a-z_.]+)\.\$\{", code))
    assert [key for key in keys - named - made if not key.startswith((*prefixes, "microphone.denied."))] == []


def test_a_text_comes_with_what_says_it() -> None:
    home = {key: part for name in MODULES if (part := words_of(name)) for key in KEY.findall(MODULES[name])}
    first = set(modules("app.js"))
    there: dict[str, set[str]] = {"app.js": {""}}
    for text in MODULES.values():
        for parts, entry in ON_DEMAND.findall(text):
            there[entry] = there.get(entry, {*parts.split(), ""}) & {*parts.split(), ""}
    for entry, known in there.items():
        for name in set(modules(entry)) - (first if entry != "app.js" else set()):
            for key in re.findall(r'"([a-z_]+\.[\w.]+)"', MODULES[name]):
                needed = home.get(key, ("", ""))[0]
                assert needed in known, f"{name} says {key} of {needed}, and {entry} is fetched with {sorted(known)}"


def test_the_script_is_small() -> None:
    """In whichever language: French is fetched beside the English that was announced."""
    scripts = {*modules("app.js", "space_presence.js"), "messages_en.js", "messages_fr.js"}
    weight = sum(len(files()[name].gzipped or b"") for name in scripts)
    print(f"{weight} bytes compressed")
    assert weight <= FIRST_BYTES_MAX


def test_it_can_be_installed() -> None:
    manifest = json.loads((WEB / "manifest.webmanifest").read_text())
    assert 'rel="manifest" href="/web/manifest.webmanifest"' in (WEB / "index.html").read_text()
    assert (manifest["display"], manifest["start_url"]) == ("standalone", "/")
    drawn = {(icon["sizes"], icon.get("purpose", "any")): icon["src"] for icon in manifest["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= set(drawn)
    for (sizes, _), source in drawn.items():
        path = WEB / source.removeprefix("/web/")
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert "{}x{}".format(*picture.size) == sizes
