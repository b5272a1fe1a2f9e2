"""How many examples the long profile has of all that Hypothesis makes up: `SPACES_TEST_EXAMPLES=10000` (`docs/testing.md`)."""

from __future__ import annotations

import os

EXAMPLES = "SPACES_TEST_EXAMPLES"


def long_profile() -> int | None:
    """None: the usual run."""
    return int(os.environ[EXAMPLES]) if EXAMPLES in os.environ else None
