"""Who buys from whom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parties:
    account: int
    """Who pays."""
    creator: int
    """Who is paid."""
