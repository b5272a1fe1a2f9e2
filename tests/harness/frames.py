"""Frames that the server has made ready, as a client understands them."""

from __future__ import annotations

import json
from typing import Any


def messages(frames: bytes) -> list[dict[str, Any]]:
    """Of whole unmasked text frames, one behind the other (RFC 6455 §5.2)."""
    found, at = [], 0
    while at < len(frames):
        assert frames[at] == 0x81, "a final text frame"
        size, at = frames[at + 1], at + 2
        if size > 125:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(frames[at : at + width], "big"), at + width
        assert len(frames) >= at + size, "a whole frame"
        found.append(json.loads(frames[at : at + size]))
        at += size
    return found
