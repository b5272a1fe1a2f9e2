"""An asyncio event loop whose clock jumps: when nothing is ready, time moves to the next timer at once.

Datagrams over loopback arrive the moment they are sent, so a run is as deterministic as its seeds.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

from spaces.mixing.engine import AudioEngine
from spaces.mixing.phases import TICK_SECONDS

WAIT_FOR_THREADS_SECONDS = 0.01


class VirtualClock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_700_000_000.0 + self.now


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:  # only a thread can wake us
            return super().select(WAIT_FOR_THREADS_SECONDS)
        self._clock.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(_Selector(clock))
        self._virtual = clock

    def time(self) -> float:
        return self._virtual.now


class VirtualTicker:
    """Runs the engine on the loop, every tick exactly on time."""

    def __init__(self, engine: AudioEngine, ticked: Callable[[float, float], None]) -> None:
        self._engine = engine
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        self._due = asyncio.get_running_loop().time()
        self._tick()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._engine.tick(loop.time())
        self._due += TICK_SECONDS
        self._handle = loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._engine.apply()

    @property
    def alive(self) -> bool:
        return self._handle is not None


class RestingTicker(VirtualTicker):
    """One that may rest: while nobody speaks it ticks once a second, as a process would that stands still in between."""

    awake = True

    def wake(self) -> None:
        """Tick on time from now on."""
        self.awake = True
        if self._handle is not None:
            self._handle.cancel()
        self._tick()

    def rest(self) -> None:
        self.awake = False

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        skipped = max(0, int((loop.time() - self._due) / TICK_SECONDS))
        self._engine.tick(loop.time(), skipped=skipped)
        self._due += (1 + skipped) * TICK_SECONDS
        self._handle = loop.call_at(self._due + (0.0 if self.awake else 1.0), self._tick)


def run_virtually(scenario: Callable[[VirtualClock], Coroutine[Any, Any, None]]) -> None:
    clock = VirtualClock()
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        runner.run(scenario(clock))
