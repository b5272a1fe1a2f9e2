"""The captioning process: what it hears of speakers, and that nothing waits for it, whatever becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.captioning.captioner import BEHIND_BYTES_MAX, Captioner
from spaces.captioning.recognizer import Engine, Heard, load, trouble
from spaces.captioning.voices import PAUSE_SECONDS, STALE_SECONDS, STREAMS_MAX, Voices
from spaces.captioning.wire import MESSAGE_BYTES_MAX, Message, Packet, Reader, Said, encoded
from spaces.config import ConfigError
from spaces.demo.speech import read_speech
from spaces.mixing.opus import FRAME, Encoder
from spaces.tasks import Stop
from tests.harness.eventually import until

pytestmark = pytest.mark.thorough

ENGINE = "tests.harness.caption_engine:load"
PROCESS_SECONDS = 60.0
"""For a process to start on a busy machine."""


@cache
def tone() -> tuple[bytes, ...]:
    """A second of 440 Hz, in packets of 20 ms."""
    encoder = Encoder(48_000, expected_loss_percent=0, dtx=False)
    samples = (0.3 * np.sin(2 * np.pi * 440 / 48_000 * np.arange(50 * FRAME))).astype(np.float32)
    return tuple(encoder.encode(samples[n * FRAME : (n + 1) * FRAME]) for n in range(50))


def packet(sequence: int, payload: bytes, *, at: float | None = None, owner: str = "17", stream: str = "x") -> Packet:
    return Packet("aSpace", owner, stream, sequence, sequence * FRAME, payload, sequence * 0.02 if at is None else at)


# --- between the processes

messages = st.one_of(
    st.builds(Said, st.text(max_size=13), st.text(max_size=5), st.text(max_size=50), st.booleans()),
    st.builds(
        Packet,
        st.text(max_size=13), st.text(max_size=5), st.text(max_size=5), st.integers(0, 2**40), st.integers(0, 2**32 - 1),
        st.binary(max_size=1_275), st.floats(0, 1e9),
    ),
)  # fmt: skip


@given(st.lists(messages, max_size=5), st.lists(st.integers(1, 200), max_size=30))
def test_messages_come_whole_however_the_pipe_cuts_them(said: list[Message], cuts: list[int]) -> None:
    data, reader, heard = b"".join(map(encoded, said)), Reader(), []
    for size in cuts:
        heard += list(reader.feed(data[:size]))
        data = data[size:]
    assert [*heard, *reader.feed(data)] == said


@given(st.binary(max_size=100))
def test_what_is_no_message_is_said_to_be_none(data: bytes) -> None:
    reader = Reader()
    with contextlib.suppress(ValueError):
        list(reader.feed(data))
    with pytest.raises(ValueError, match="too long"):
        list(Reader().feed((MESSAGE_BYTES_MAX + 1).to_bytes(4, "big")))


# --- what an engine hears


def test_a_sentence_ends_when_nothing_more_comes() -> None:
    voices = Voices(load(ENGINE, ""))
    said = [one for n, payload in enumerate(tone()) for one in voices.packet(packet(n, payload), n * 0.02)]
    assert {one.text for one in said} == {"loud"}
    assert voices.pass_time(1.0 + PAUSE_SECONDS / 2) == []
    assert voices.pass_time(1.0 + PAUSE_SECONDS) == [Said("aSpace", "17", "loud for 1.0 s", True)]
    assert voices.pass_time(3.0) == []


def test_lost_packets_are_concealed_and_late_and_stale_ones_left_out() -> None:
    voices = Voices(load(ENGINE, ""))
    for n, payload in enumerate(tone()):
        if n % 10 == 5:
            continue  # lost
        voices.packet(packet(n, payload), n * 0.02)
        voices.packet(packet(max(0, n - 3), payload), n * 0.02)  # late
        assert voices.packet(packet(n + 1, payload, at=n * 0.02 - STALE_SECONDS - 1), n * 0.02) == []
    [said] = voices.pass_time(1.0 + PAUSE_SECONDS)
    assert said.text in ("loud for 0.9 s", "loud for 1.0 s")


def test_what_is_no_opus_is_left_out() -> None:
    voices = Voices(load(ENGINE, ""))
    assert voices.packet(packet(0, b"\xff" * 20), 0.0) == []
    for n, payload in enumerate(tone()):
        voices.packet(packet(n + 1, payload), n * 0.02)
    assert [said.final for said in voices.pass_time(1.0 + PAUSE_SECONDS)] == [True]


def test_speakers_are_heard_apart_and_only_so_many_are_remembered() -> None:
    voices = Voices(load(ENGINE, ""))
    for n, payload in enumerate(tone()):
        for owner in ("1", "2"):
            voices.packet(packet(n, payload, owner=owner), n * 0.02)
    assert [(said.owner, said.text) for said in voices.pass_time(2.0)] == [
        ("1", "loud for 1.0 s"),
        ("2", "loud for 1.0 s"),
    ]
    for n in range(STREAMS_MAX + 5):
        voices.packet(packet(0, tone()[0], at=3.0, stream=f"s{n}"), 3.0)
    assert len(voices._streams) == STREAMS_MAX


@pytest.mark.thorough
def test_pocketsphinx_understands_some_of_a_recorded_speech() -> None:
    """With the model in its wheel. It is a rough draft: most words are not right, some are."""
    voices, speech, heard = Voices(load("pocketsphinx", "")), read_speech(), []
    for n, payload in enumerate(speech.packets[:900]):
        heard += voices.packet(packet(n, payload), n * 0.02)
    heard += voices.pass_time(900 * 0.02 + PAUSE_SECONDS + 1)
    assert any(said.final for said in heard)
    assert any(not said.final for said in heard)
    words = {word for said in heard for word in said.text.split()}
    assert len(words) > 20


def test_a_model_that_is_none_is_said_to_be_none() -> None:
    assert trouble("pocketsphinx") is None
    assert trouble("nothing") is not None
    assert trouble("no.such.module:load") is not None
    with pytest.raises(ConfigError, match="captions_engine"):
        Captioner("nothing", "", "en", Stop(), time.monotonic)
    with pytest.raises(RuntimeError):
        load("pocketsphinx", "/nowhere")


# --- the process


@contextlib.asynccontextmanager
async def captioning(
    model: str = "", left_out: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[Captioner, list[Said]]]:
    stop, said = Stop(), list[Said]()
    captioner = Captioner(ENGINE, model, "en", stop, time.monotonic, left_out)
    captioner.said = said.append
    running = asyncio.create_task(captioner.run())
    try:
        yield captioner, said
    finally:
        stop.tell()
        await running


async def speak_until(captioner: Captioner, said: list[Said], count: int) -> None:
    """A tone of a second again and again, faster than time, until so many captions have come."""
    sequence = 0
    async with asyncio.timeout(PROCESS_SECONDS):
        while len(said) < count:
            for payload in tone():
                captioner.feed("aSpace", "17", "x", sequence, sequence * FRAME, payload)
                sequence += 1
            await asyncio.sleep(0.05)


@pytest.mark.thorough
async def test_a_process_that_is_killed_is_started_again_when_somebody_speaks() -> None:
    async with captioning() as (captioner, said):
        await speak_until(captioner, said, 1)
        assert (said[0].space, said[0].owner) == ("aSpace", "17")
        assert captioner.pid is not None
        before = captioner.pid
        os.kill(before, signal.SIGKILL)
        await until(lambda: captioner.pid != before, PROCESS_SECONDS)
        said.clear()
        await speak_until(captioner, said, 1)
    assert captioner.pid is None


@pytest.mark.thorough
async def test_an_engine_that_is_stuck_keeps_nobody_waiting_and_no_memory() -> None:
    left_out: list[None] = []
    async with captioning("stuck", lambda: left_out.append(None)) as (captioner, said):
        sequence = 0
        async with asyncio.timeout(PROCESS_SECONDS):
            while not left_out:
                for _ in range(100):
                    captioner.feed("aSpace", "17", "x", sequence, 0, bytes(1_000))
                    sequence += 1
                await asyncio.sleep(0.01)
        assert captioner.behind <= BEHIND_BYTES_MAX + 2_000
        assert said == []


@pytest.mark.thorough
async def test_an_engine_that_dies_is_tried_again_later_and_later() -> None:
    async with captioning("dying") as (captioner, said):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await speak_until(captioner, said, 1)
        assert captioner.starts <= 4


class NoVoice:
    def hear(self, samples: bytes) -> list[Heard]:
        return []

    def close(self) -> None: ...


class NoEngine:
    def voice(self) -> NoVoice:
        return NoVoice()


def test_engines_are_of_one_kind() -> None:
    engine: Engine = NoEngine()
    assert Voices(engine).packet(packet(0, tone()[0]), 0.0) == []


@pytest.mark.parametrize(("language", "spoken"), [("en", True), ("en-GB", True), ("EN", True), ("de", False)])
def test_it_knows_its_language(language: str, spoken: bool) -> None:
    assert Captioner(ENGINE, "", "en-US", Stop(), time.monotonic).speaks(language) is spoken
