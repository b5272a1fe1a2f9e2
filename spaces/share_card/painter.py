"""Pictures of cards, one at a time, each in a process of its own, and the latest of them remembered.

Drawing holds Python's lock for tens of milliseconds, which the audio thread does not have; and what strangers have typed
is laid out by code that is not ours. Neither concerns this process.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import OrderedDict
from dataclasses import asdict

import structlog

from spaces.errors import RequestError
from spaces.share_card.draw import Card

log = structlog.get_logger()

KEPT_MAX = 128
"""Pictures of some 20 kB."""
WAITING_MAX = 8
"""Who asks while so many wait is told to come back."""
SECONDS_MAX = 10.0


class Painter:
    def __init__(self) -> None:
        self._pictures: OrderedDict[Card, bytes] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def picture(self, card: Card) -> bytes:
        """A PNG. Raises RequestError(503)."""
        if (known := self._known(card)) is not None:
            return known
        if self._waiting >= WAITING_MAX:
            raise RequestError(503, "busy", "too many pictures are asked for", retry_after_seconds=5)
        self._waiting += 1
        try:
            async with self._turn:
                return self._known(card) or await self._paint(card)
        finally:
            self._waiting -= 1

    def _known(self, card: Card) -> bytes | None:
        if (picture := self._pictures.get(card)) is not None:
            self._pictures.move_to_end(card)
        return picture

    async def _paint(self, card: Card) -> bytes:
        try:
            picture = await asyncio.to_thread(_run, json.dumps(asdict(card)).encode())
        except (subprocess.SubprocessError, OSError) as error:
            log.warning("no picture", error=type(error).__name__)
            raise RequestError(503, "busy", "the picture cannot be drawn now", retry_after_seconds=30) from error
        self._pictures[card] = picture
        while len(self._pictures) > KEPT_MAX:
            self._pictures.popitem(last=False)
        return picture


def _run(card: bytes) -> bytes:
    command = [sys.executable, "-m", "spaces.share_card.process"]
    done = subprocess.run(command, input=card, capture_output=True, timeout=SECONDS_MAX, check=True)  # noqa: S603
    return done.stdout
