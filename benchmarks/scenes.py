"""Conversations run in real time through a server: mouths that talk in loops, ears that write down what they get.

Many run at once. First everybody settles (jitter buffers, leveller, receiver reports); the next round of the loop is what is
measured.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.ear import Ear, opus_packets
from benchmarks.losses import Pattern
from benchmarks.mouth import Mouth
from benchmarks.playout import Received, play
from benchmarks.voices import Loop
from spaces.demo.link import Link
from spaces.demo.stream import OpusStream
from spaces.mixing.opus import FRAME, SAMPLE_RATE
from tests.harness.opus import Samples

BEFORE_SECONDS, AFTER_SECONDS = 0.3, 0.7
"""Listened to around a round: a decoder wants a running start, and sound is late."""


SETTLE_SECONDS = 8.0
"""From the last listener's coming: eight receiver reports, and the leveller's three seconds."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What one speaker sends, and how his network treats it."""

    loop: Loop
    lost: Pattern | None = None
    jitter_seconds: float = 0.0
    copies: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """One Space: who talks in it, and what each listener's network loses of what is sent to him."""

    name: str
    speeches: tuple[Speech, ...]
    ears: tuple[Pattern | None, ...] = (None,)
    ear_jitter_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        return max(len(speech.loop.packets) for speech in self.speeches) * FRAME / SAMPLE_RATE

    @property
    def people(self) -> int:
        return len(self.speeches) + len(self.ears)


@dataclass(slots=True)
class Heard:
    """What one listener got in the measured round. Times on the event loop's clock."""

    packets: list[Received]
    rounds: list[float]
    """When each speaker's measured round began."""
    seconds: float
    """How long a round is."""
    lag_seconds: float
    """By how much the speakers' packets left late (p99): a machine that does not keep up."""
    redundant: bool = False
    """Whether RED came."""
    _samples: Samples | None = field(default=None)

    @property
    def samples(self) -> Samples:
        """As a player with a fixed delay makes it sound; it begins BEFORE_SECONDS before the round, and is so much late."""
        if self._samples is None:
            self._samples = play(self.packets).samples
        return self._samples

    def stretch(self, start: float, end: float) -> Samples:
        """What came between two moments."""
        return play([packet for packet in self.packets if start <= packet.arrival < end]).samples


@dataclass(frozen=True, slots=True)
class Speaking:
    """A speaker who is connected."""

    link: Link
    stream: OpusStream
    red_payload_type: int | None


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener who is connected."""

    link: Link
    red_payload_type: int | None


class Stage(Protocol):
    """A server with rooms, as scenes need it: ours, and the peer that it is compared with."""

    def room(self, name: str) -> AbstractAsyncContextManager[Room]:
        """A new room."""

    def known_room(self, reference: str) -> Room:
        """One that another process has made, for listeners."""


class Room(Protocol):
    reference: str

    def speaker(self, number: int, *, red: bool = False) -> AbstractAsyncContextManager[Speaking]: ...
    def listener(
        self, number: int, on_rtp: Callable[[bytes], None], *, decrypt: bool = True
    ) -> AbstractAsyncContextManager[Listening]: ...


async def perform(
    stage: Stage, scenes: Sequence[Scene], *, settle_seconds: float = SETTLE_SECONDS
) -> list[list[Heard]]:
    """All scenes at once; of each, what its ears got in the measured round."""
    return list(await asyncio.gather(*(_one(stage, scene, settle_seconds) for scene in scenes)))


async def _one(stage: Stage, scene: Scene, settle_seconds: float) -> list[Heard]:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        room = await stack.enter_async_context(stage.room(scene.name))
        pairs = []
        for place, speech in enumerate(scene.speeches):
            speaking = await stack.enter_async_context(room.speaker(place, red=speech.copies > 0))
            mouth = Mouth(
                speaking.link,
                speech.loop,
                lost=speech.lost,
                jitter_seconds=speech.jitter_seconds,
                copies=speech.copies,
                seed=speech.seed,
            )
            pairs.append((mouth, speaking))
        tasks = await stack.enter_async_context(_tasks())
        playing = [asyncio.create_task(m.run(s.stream, s.red_payload_type)) for m, s in pairs]
        tasks.extend(playing)
        jitter = scene.ear_jitter_seconds
        ears = [Ear(lost=lost, jitter_seconds=jitter, seed=seed) for seed, lost in enumerate(scene.ears)]
        listening = []
        for place, ear in enumerate(ears):
            listening.append(await stack.enter_async_context(room.listener(place, ear.rtp)))
            tasks.append(asyncio.create_task(ear.report(listening[-1].link)))
        mouths = [mouth for mouth, _ in pairs]
        settled = loop.time() + settle_seconds
        while (number := _first_round(mouths, settled)) is None:
            await asyncio.sleep(0.05)
            for task in playing:
                if task.done():
                    task.result()
        rounds = [mouth.rounds[number] for mouth in mouths]
        end = max(rounds) + scene.seconds + AFTER_SECONDS
        await asyncio.sleep(end - loop.time())
        found, lag = [], max(mouth.lag() for mouth in mouths)
        for ear, listener in zip(ears, listening, strict=True):
            packets = ear.between(min(rounds) - BEFORE_SECONDS, end)
            red = listener.red_payload_type
            redundant = any(packet.payload_type == red for packet in packets)
            found.append(Heard(opus_packets(packets, red), rounds, scene.seconds, lag, redundant))
        return found


def _first_round(mouths: Sequence[Mouth], after: float) -> int | None:
    """The number of the first round that everybody began after a moment."""
    everybody = zip(*(mouth.rounds for mouth in mouths), strict=False)
    return next((number for number, began in enumerate(everybody) if min(began) >= after), None)


@contextlib.asynccontextmanager
async def _tasks() -> AsyncIterator[list[asyncio.Task[None]]]:
    """Tasks that end with the block."""
    tasks: list[asyncio.Task[None]] = []
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
