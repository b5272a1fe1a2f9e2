"""docs/sdk.md names all that the SDK has: every method, property, event, state and attribute."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spaces.signaling.web_files import WEB

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text()
MEMBER = re.compile(r"^  (?:async |static |get |set )*([a-z]\w*)(?:\(.*\) \{| = .*;)$", re.MULTILINE)
INTERNAL = {"constructor", "welcomed", "receive"}


def named(name: str) -> bool:
    return re.search(rf"`(?:talk\.)?{name}\b", DOCUMENT) is not None


@pytest.mark.parametrize("module", ["client.js", "client_room.js", "client_talk.js"])
def test_every_method_and_property(module: str) -> None:
    members = set(MEMBER.findall((WEB / module).read_text())) - INTERNAL
    assert len(members) > 5
    assert sorted(name for name in members if not named(name)) == []


def test_every_event() -> None:
    events = re.findall(r"@property \{.+\} (\w+)", (WEB / "client_types.js").read_text().partition("ClientEvents")[2])
    assert len(events) > 15
    assert [name for name in events if not named(name)] == []


def test_every_state() -> None:
    states = re.findall(r'"(\w+)"', (WEB / "client_state.js").read_text().partition("ClientState")[0])
    assert len(states) == 10
    assert [state for state in states if not named(state)] == []


def test_every_attribute_of_the_element() -> None:
    (line,) = re.findall(r"observedAttributes = (\[.*\]);", (WEB / "audio_space.js").read_text())
    assert [name for name in re.findall(r'"([\w-]+)"', line) if not named(name)] == []
