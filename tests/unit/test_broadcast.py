"""What all are told: in order and once, also by who is many, comes meanwhile, goes meanwhile or is told something apart."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import WebSocketReader, WSMsgType

from spaces.signaling.broadcast import EARS_PER_TURN, Broadcast
from spaces.signaling.frames import text_frame


class Ear:
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def hear(self, frames: bytes) -> None:
        self.heard += [frames[n : n + 1] for n in range(len(frames))]


def crowd(broadcast: Broadcast, size: int) -> list[Ear]:
    ears = [Ear() for _ in range(size)]
    for ear in ears:
        broadcast.join(ear)
    return ears


async def all_heard(ears: list[Ear], wanted: list[bytes]) -> None:
    for _ in range(20):  # turns of the loop: more than any crowd here needs
        await asyncio.sleep(0)
    assert all(ear.heard == wanted for ear in ears)


def test_few_are_told_at_once() -> None:
    broadcast = Broadcast()
    ears = crowd(broadcast, EARS_PER_TURN)
    broadcast.say(b"a")
    broadcast.say(b"b")
    assert all(ear.heard == [b"a", b"b"] for ear in ears)


async def test_many_are_told_in_turns_and_all_in_order() -> None:
    broadcast = Broadcast()
    ears = crowd(broadcast, 4 * EARS_PER_TURN)
    broadcast.say(b"a")
    assert sum(ear.heard == [b"a"] for ear in ears) == EARS_PER_TURN
    await asyncio.sleep(0)
    broadcast.say(b"b")
    broadcast.say(b"c")
    await all_heard(ears, [b"a", b"b", b"c"])
    broadcast.say(b"d")
    await all_heard(ears, [b"a", b"b", b"c", b"d"])


async def test_who_comes_meanwhile_hears_what_is_said_from_then_on() -> None:
    broadcast = Broadcast()
    crowd(broadcast, 3 * EARS_PER_TURN)
    broadcast.say(b"a")
    [late] = crowd(broadcast, 1)
    broadcast.say(b"b")
    await all_heard([late], [b"b"])


async def test_who_goes_meanwhile_has_heard_what_was_said_and_hears_no_more() -> None:
    broadcast = Broadcast()
    ears = crowd(broadcast, 3 * EARS_PER_TURN)
    broadcast.say(b"a")
    for ear in ears:
        broadcast.leave(ear)
        broadcast.leave(ear)
    assert all(ear.heard == [b"a"] for ear in ears)
    broadcast.say(b"b")
    await asyncio.sleep(0)
    assert all(ear.heard == [b"a"] for ear in ears)
    assert len(broadcast) == 0


async def test_catching_up_takes_the_turn_and_nothing_is_heard_twice() -> None:
    broadcast = Broadcast()
    ears = crowd(broadcast, 3 * EARS_PER_TURN)
    broadcast.say(b"a")
    broadcast.say(b"b")
    for ear in ears[::7]:
        broadcast.catch_up(ear)
        assert ear.heard == [b"a", b"b"]
    await all_heard(ears, [b"a", b"b"])
    broadcast.catch_up(ears[0])
    assert ears[0].heard == [b"a", b"b"]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
async def test_a_frame_is_what_a_reader_nobody_here_wrote_reads(size: int) -> None:
    text = "é" * (size // 2) + "x" * (size % 2)
    loop = asyncio.get_running_loop()
    queue = WebSocketDataQueue(BaseProtocol(loop), 1 << 20, loop=loop)
    reader = WebSocketReader(queue, 1 << 20, compress=False, decode_text=True)
    reader.feed_data(text_frame(text.encode()) + text_frame(b"and on"))
    messages = [await queue.read(), await queue.read()]
    assert [(m.type, m.data) for m in messages] == [(WSMsgType.TEXT, text), (WSMsgType.TEXT, "and on")]
