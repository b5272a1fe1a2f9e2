"""Reports and timeouts of a node's peers, spread over time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

import structlog

from spaces.sfu.peer import Peer
from spaces.sfu.session import Closed

SERVICE_SECONDS = 0.1
REPORT_SPEAKERS_SECONDS = 1.0
"""Receiver reports are what makes a browser's FEC follow the loss."""
REPORT_LISTENERS_SECONDS = 5.0

log = structlog.get_logger()


class Rounds:
    """Every peer comes round in REPORT_LISTENERS_SECONDS or sooner."""

    def __init__(
        self,
        peers: Mapping[str, Peer],
        monotonic: Callable[[], float],
        close: Callable[[Peer, Closed], None],
        each_second: Callable[[float], None],
        *,
        handshake_seconds_max: float,
        silence_seconds_max: float,
    ) -> None:
        self._peers = peers
        self._monotonic = monotonic
        self._close = close
        self._each_second = each_second
        self._handshake_seconds_max = handshake_seconds_max
        self._silence_seconds_max = silence_seconds_max
        self._waiting: deque[str] = deque()
        self._speakers_reported_at = 0.0

    def add(self, peer: Peer) -> None:
        self._waiting.append(peer.id)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SERVICE_SECONDS)
            now = self._monotonic()
            for _ in range(1 + int(len(self._waiting) * SERVICE_SECONDS / REPORT_LISTENERS_SECONDS)):
                if not self._waiting:
                    break
                peer = self._peers.get(self._waiting.popleft())
                if peer is not None:
                    self._waiting.append(peer.id)
                    self._guard(peer, self._serve, now)
            if now - self._speakers_reported_at >= REPORT_SPEAKERS_SECONDS:
                self._speakers_reported_at = now
                for peer in [p for p in self._peers.values() if p.receiving]:
                    self._guard(peer, Peer.send_reports, now)
                self._each_second(now)

    def _guard(self, peer: Peer, job: Callable[[Peer, float], None], now: float) -> None:
        """A bug met at one peer ends that peer, not the timers of all."""
        try:
            job(peer, now)
        except Exception:
            log.exception("service_crashed", session=peer.id, space=peer.space.name)
            self._close(peer, Closed.CRASHED)

    def _serve(self, peer: Peer, now: float) -> None:
        if not peer.connected and now - peer.started_at > self._handshake_seconds_max:
            self._close(peer, Closed.HANDSHAKE_TIMEOUT)
        elif now - peer.heard_at > self._silence_seconds_max:
            self._close(peer, Closed.SILENT)
        elif not peer.receiving and now - peer.reported_at >= REPORT_LISTENERS_SECONDS / 2:
            peer.send_reports(now)
