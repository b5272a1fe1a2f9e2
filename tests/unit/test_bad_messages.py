"""Whatever a client puts into a message of the socket: a clear problem with its number, or it is done; no fault of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.harness.api import Api
from tests.harness.channel import Channel, entered, socket
from tests.unit.test_protocol_examples import examples

pytestmark = [pytest.mark.thorough, pytest.mark.sqlite]

BAD: tuple[Any, ...] = (
    None, "", "x", "\x00", "\u202e", "a" * 5_000, "9" * 19, "9223372036854775808", "-1", -1, 0, 2**63, 2**70, 1.5, True,
    [], {}, ["a"],
)  # fmt: skip
LAST = ("space.lock", "space.hand_over", "space.end")
"""After them little can be asked."""


async def test_no_field_of_any_message_is_a_fault_of_ours(api: Api) -> None:
    host = await api.creator("ada")
    space = await api.space(host)
    messages = {message["type"]: message for message in map(json.loads, examples("client"))}
    for kind in [kind for kind in messages if kind not in LAST] + list(LAST):
        fields = {name: value for name, value in messages[kind].items() if name not in ("id", "type")}
        if kind == "hello":
            for name in fields:
                for bad in BAD:
                    async with socket(api, space) as channel:
                        await asked(channel, kind, {"v": 1, "client": "x", name: bad})
            continue
        async with entered(api, space, host) as (channel, _):
            for name in fields:
                for bad in BAD:
                    await asked(channel, kind, fields | {name: bad})


async def asked(channel: Channel, kind: str, fields: dict[str, Any]) -> None:
    channel.patience_seconds = 30.0
    reply = await channel.request(kind, **fields)
    if reply["type"] != "ok":
        problem = reply["problem"]
        assert problem["status"] in (401, 403, 404, 409, 422, 429), (kind, fields, problem)
        assert problem["detail"], (kind, fields)
