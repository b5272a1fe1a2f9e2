"""A Space that is open for hours, people coming and going: memory, tables and delay stay what they were.

What is simulated and what is left out: everybody connects for real (ICE, DTLS, SRTP over sockets), sends consent checks and
receiver reports all the time, and every packet of a talk spurt is encrypted, decrypted, played, mixed, encoded and fanned out,
200 ticks a second. Between the spurts nobody sends sound, and the engine ticks once a second instead, the ticks between
counted as skipped. Hours of unbroken speech are `test_clock_drift.py`.

SPACES_SOAK_HOURS=24 makes a day of it (some minutes of CPU); two hours are part of the suite.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spaces.mixing.opus import FRAME, SAMPLE_RATE
from spaces.sfu.media import Media
from spaces.sfu.rtcp import ReportBlock, receiver_report
from spaces.sfu.session import Plan, Receive, Send
from tests.simulation.client import Client, Link
from tests.simulation.scene import media_plane, tone
from tests.simulation.virtual_time import RestingTicker, VirtualClock, run_virtually

pytestmark = pytest.mark.thorough

HOURS = float(os.environ.get("SPACES_SOAK_HOURS", "2"))
SPURTS_PER_HOUR = 12
SPURT_SECONDS = (1.0, 6.0)
LISTENERS, SPEAKERS = 6, 3
NETWORK = Link(loss=0.01, delay_min=0.01, delay_max=0.04)
PPM_MAX = 300.0
SPEAKING = Plan(receive=Receive(111, None, 1), slots=Send(111))
LISTENING = Plan(mix=Send(111, 63))
SOUND = tone(440)
STATM = Path("/proc/self/statm")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1_024


@dataclass
class Look:
    """What is looked at once an hour."""

    objects: int
    kibibytes: int
    rows: tuple[int, int, int]
    """Of speakers, programs and the fan-out."""
    delays: list[float] = field(default_factory=list)
    """Of each speaker at the end of each spurt, seconds."""


class Person:
    """Somebody in the Space, and his clock."""

    def __init__(self, media: Media, owner: str, plan: Plan, die: random.Random) -> None:
        self.client = Client(media, "room", owner, NETWORK, die.randrange(1 << 30))
        self.plan = plan
        self.client.start(plan)
        self._pace = FRAME / SAMPLE_RATE * (1 + die.uniform(-PPM_MAX, PPM_MAX) * 1e-6)
        self._ssrc = die.randrange(1 << 32)
        self._sent = die.randrange(1 << 15)
        self._clock = 0

    async def talk(self, seconds: float) -> None:
        """Sequence numbers go on where they stopped, timestamps with the time that has passed."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        self._clock = round(due * SAMPLE_RATE)
        for _ in range(round(seconds / self._pace)):
            self.client.send_speech(SOUND[self._sent % len(SOUND)], self._ssrc, self._sent, self._clock)
            self._sent += 1
            self._clock += FRAME
            due += self._pace
            await asyncio.sleep(due - loop.time())

    def report(self) -> None:
        block = ReportBlock(self.client.session.mix_ssrc, 3, 10, 1, 100, 0, 0)
        self.client.send_report(receiver_report(self._ssrc ^ 1, (block,)))

    def forget(self) -> None:
        self.client.packets.clear()
        self.client.datagrams.clear()

    async def leave(self, *, politely: bool) -> None:
        if politely:
            self.client.session.close()
        await self.client.vanish()


class Soak:
    def __init__(self, media: Media, clock: VirtualClock, seed: int) -> None:
        self.media, self.clock = media, clock
        self.die = random.Random(seed)
        self.people: list[Person] = []
        self.looks: list[Look] = []
        self.joined = 0
        ticker = media._thread
        assert isinstance(ticker, RestingTicker)
        self.ticker = ticker

    async def join(self, plan: Plan) -> None:
        self.joined += 1
        person = Person(self.media, f"p{self.joined}", plan, self.die)
        self.people.append(person)
        await person.client.connected.wait()

    def of(self, plan: Plan) -> list[Person]:
        return [person for person in self.people if person.plan is plan]

    async def change(self) -> None:
        """Somebody goes, with or without a word, and another comes; or his address changes."""
        plan = self.die.choice((LISTENING, LISTENING, SPEAKING))
        person = self.die.choice(self.of(plan))
        if self.die.random() < 0.2:
            person.client.change_address()
            return
        self.people.remove(person)
        await person.leave(politely=self.die.random() < 0.7)
        await self.join(plan)

    async def spurt(self) -> None:
        self.ticker.wake()
        talking = self.die.sample(self.of(SPEAKING), self.die.randint(1, SPEAKERS))
        await asyncio.gather(*(person.talk(self.die.uniform(*SPURT_SECONDS)) for person in talking))
        engine = self.media._engine
        state = engine._speakers.rows.state[[source.row for source in engine._spaces["room"].sources]]
        held = (state["held"] * state["duration"] + state["fill"]) / SAMPLE_RATE
        self.looks[-1].delays.append(float(held.max()))
        await asyncio.sleep(0.5)
        self.ticker.rest()

    async def hour(self) -> None:
        for person in self.people:
            person.forget()
        gc.collect()
        engine = self.media._engine
        rows = (len(engine._speakers.rows.state), len(engine._programs.rows.state), len(engine.fanout.rows.context))
        self.looks.append(Look(len(gc.get_objects()), resident_kibibytes(), rows))
        for _ in range(SPURTS_PER_HOUR):
            await asyncio.sleep(3_600 / SPURTS_PER_HOUR - self.die.uniform(10, 20))
            await self.change()
            for person in self.of(LISTENING):
                person.report()
            await self.spurt()
            for person in self.people:
                person.forget()


@pytest.mark.timeout(max(120, 120 * HOURS))
def test_hours_leave_no_trace() -> None:
    async def scenario(clock: VirtualClock) -> None:
        async with media_plane(clock, RestingTicker) as media:
            soak = Soak(media, clock, seed=1)
            for _ in range(SPEAKERS):
                await soak.join(SPEAKING)
            for _ in range(LISTENERS):
                await soak.join(LISTENING)
            soak.ticker.rest()
            for _ in range(max(2, round(HOURS))):
                await soak.hour()
            await asyncio.sleep(60.0)  # who vanished is found out
            assert len(media._peers) == len(media._spaces["room"].peers) == len(soak.people)
            for person in soak.people:
                await person.leave(politely=True)
            await asyncio.sleep(1.0)
            report(soak)

    run_virtually(scenario)


def resident_kibibytes() -> int:
    """Memory of this process (proc(5), statm: pages)."""
    return int(STATM.read_text().split()[1]) * PAGE_KIB


def report(soak: Soak) -> None:
    first, *_, last = soak.looks
    delays = [max(look.delays) for look in soak.looks]
    print(f"{len(soak.looks)} h, {soak.joined} joins, counts {soak.media._engine.counts()}")
    for look in soak.looks:
        print(f"  {look.objects} objects, {look.kibibytes} KiB, rows {look.rows}, delay up to {max(look.delays):.3f} s")
    assert last.rows == first.rows, "arrays grow with who is there, not with who has been"
    assert last.objects <= 1.02 * first.objects + 500
    assert last.kibibytes <= first.kibibytes + 20_000
    assert max(delays) < 0.15
    assert max(delays[len(delays) // 2 :]) <= max(delays[: len(delays) // 2]) + 0.03, "delay does not grow"
