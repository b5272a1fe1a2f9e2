"""The audio thread: runs the engine's ticks, 5 ms apart, on time beside a busy event loop; it sleeps through empty ones."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Callable

import structlog

from spaces.mixing.engine import AudioEngine
from spaces.mixing.phases import TICK_SECONDS

SWITCH_INTERVAL_SECONDS = 0.0001
"""How soon a busy Python thread gives the GIL away; a tick asks for it after its sleep and at its end. Tried beside a fully
busy thread, when it asked five times: ticks ended 16 ms late at the default of 5 ms, 2.7 ms at 0.5 ms, 1.4 ms at this."""

NICE = -10

CATCH_UP_TICKS_MAX = 12
"""Ticks that are run late rather than left out: beyond it the process was stopped, and sound of then is of no use now."""

log = structlog.get_logger()


class AudioThread:
    """Owns the thread; `ticked` is told, per tick with a frame, how long after its due time it began and was all sent.

    The end is taken by the compiled call itself: how long the thread then waits for the GIL delays no sound.
    """

    def __init__(self, engine: AudioEngine, ticked: Callable[[float, float], None]) -> None:
        self._engine = engine
        self._ticked = ticked
        self._stopping = threading.Event()
        self._woken = threading.Event()
        engine.wake = self._woken.set
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)
        self.failed: BaseException | None = None
        """What ended the thread, if it was not `stop`: a bug, which the node must not outlive in silence."""

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        prefer_this_process()
        # What was imported lives as long as the process: a collection that goes through it again holds the GIL for
        # longer than a frame.
        gc.collect()
        gc.freeze()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        prefer_this_thread()
        try:
            self._loop()
        except BaseException as error:
            self.failed = error
            log.exception("audio_thread_failed")
            raise

    def _loop(self) -> None:
        due = time.monotonic() + TICK_SECONDS
        while not self._stopping.is_set():
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            behind = int((time.monotonic() - due) / TICK_SECONDS)
            skipped = behind if behind > CATCH_UP_TICKS_MAX else 0
            due += skipped * TICK_SECONDS
            now = time.monotonic()
            left_at = self._engine.tick(now, due=due, skipped=skipped)
            if left_at is not None:
                self._ticked(now - due, left_at - due)
            due += TICK_SECONDS
            due += self._rest(due) * TICK_SECONDS
        self._engine.apply()

    def _rest(self, due: float) -> int:
        """Sleep through the ticks from `due` on in which there is nothing to do; how many these were.

        A wake-up costs more than all that an empty tick does: one Space needs 50 of them a second, not 200.
        """
        self._woken.clear()
        ticks = self._engine.rest()
        if not ticks or self._stopping.is_set():
            return 0
        self._woken.wait(due + ticks * TICK_SECONDS - time.monotonic())
        ticks = min(ticks, max(0, 1 + int((time.monotonic() - due) // TICK_SECONDS)))
        self._engine.rested(ticks)
        return ticks


def prefer_this_thread() -> None:
    """Real-time scheduling for the calling thread, where the system allows it (root, CAP_SYS_NICE or an rtprio limit).

    It works a few milliseconds in twenty and sleeps the rest; the kernel bounds real-time threads besides
    (sched_rt_runtime_us). Without it the thread shares the processor with whatever else runs on the machine.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (AttributeError, OSError) as error:
        log.info("audio_thread_without_priority", reason=str(error))


def prefer_this_process() -> None:
    """A better nice value, where the system allows it: whoever holds the GIL must not be kept from giving it away."""
    with contextlib.suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, 0) > NICE:
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
