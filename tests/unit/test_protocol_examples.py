"""PROTOCOL.md shows one of each message of the socket, both ways, as the code reads and writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from spaces.signaling.messages import ClientMessage, ServerMessage
from spaces.signaling.socket import DECODER

PROTOCOL = Path(__file__).parents[2] / "PROTOCOL.md"


def examples(side: str) -> list[str]:
    """The lines of the block behind that mark."""
    _, _, rest = PROTOCOL.read_text(encoding="utf-8").partition(f"<!-- examples: {side} -->\n\n```json\n")
    block, end, _ = rest.partition("\n```")
    assert end, f"PROTOCOL.md has no examples of a {side}"
    return block.splitlines()


def test_each_message_of_a_client_is_shown_and_understood() -> None:
    shown = [(DECODER.decode(line), json.loads(line)) for line in examples("client")]
    assert [type(message) for message, _ in shown] == list(dict.fromkeys(type(message) for message, _ in shown)), "once"
    assert {type(message) for message, _ in shown} == set(get_args(ClientMessage))
    for message, fields in shown:
        assert fields.keys() - {"type"} == set(message.__struct_fields__), f"{fields['type']}: all that it may have"


@pytest.mark.parametrize("kind", get_args(ServerMessage), ids=lambda kind: kind.__name__)
def test_each_message_of_the_server_is_shown_as_it_is_written(kind: Any) -> None:
    """`ok` is of three kinds: what is not of this one is read or written otherwise."""
    lines = [line for line in examples("server") if json.loads(line)["type"] == kind.__struct_config__.tag]
    assert len([line for line in lines if written_as(kind, line)]) == 1, lines


def test_no_example_of_the_server_is_of_no_kind() -> None:
    for line in examples("server"):
        assert [kind for kind in get_args(ServerMessage) if written_as(kind, line)], line


def written_as(kind: Any, line: str) -> bool:
    try:
        message = msgspec.json.decode(line, type=kind)
    except msgspec.ValidationError:
        return False
    return bool(json.loads(msgspec.json.encode(message)) == json.loads(line))
