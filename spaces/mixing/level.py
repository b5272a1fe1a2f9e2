"""Loudness in decibels relative to full scale."""

from __future__ import annotations

import math

SILENCE_DBFS = -127.0
"""What RFC 6464 calls digital silence."""


def dbfs(mean_square: float) -> float:
    """Mean square of float samples (full scale 1.0) as dBFS, where a full-scale square wave is 0."""
    return max(SILENCE_DBFS, 10.0 * math.log10(mean_square)) if mean_square > 0.0 else SILENCE_DBFS


def dbfs_of_rfc6464(level: int) -> float:
    """The claim of an audio-level header extension: −dBov, 0 … 127."""
    return -float(level)
