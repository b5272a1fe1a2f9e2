"""`python -m tests.harness.skewed SECONDS serve`: the server with a clock that is so far off, as that of a badly kept machine.

Where it takes the time of day from is shifted before anything of it is imported. Its monotonic clock, by which it waits,
is not.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, tzinfo

import access.service


def shift(seconds: float) -> None:
    true_time = time.time

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # what is given out is a plain one
            return datetime.now(tz) + timedelta(seconds=seconds)

    def shifted_time() -> float:
        return true_time() + seconds

    time.time = shifted_time
    vars(access.service)["datetime"] = Shifted


if __name__ == "__main__":
    shift(float(sys.argv.pop(1)))
    from spaces.__main__ import main

    main()
