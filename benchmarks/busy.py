"""A Python thread that never rests, beside which a tick has to win back the GIL."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

from spaces.mixing.tick import SWITCH_INTERVAL_SECONDS


@contextlib.contextmanager
def busy_thread() -> Iterator[None]:
    """Runs meanwhile; the switch interval is the audio thread's."""
    resting = threading.Event()

    def work() -> None:
        while not resting.is_set():
            pass

    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    thread = threading.Thread(target=work, name="busy")
    thread.start()
    try:
        yield
    finally:
        resting.set()
        thread.join()
        sys.setswitchinterval(before)
