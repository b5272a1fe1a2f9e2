"""What a client's receiver reports tell of the way to him."""

from __future__ import annotations

import math

from spaces.errors import RemoteError
from spaces.sfu.rtcp import ReportBlock, round_trip_seconds
from spaces.sfu.rtp import CLOCK_RATE

REPORTERS_MAX = 16
"""SSRCs that one session may send RTCP as; libsrtp keeps state for each."""
SMOOTHING = 0.25
"""Weight of a new report: a loss of one interval is noise, of four a trend."""

LOSSY = 0.02
"""A loss from which redundancy pays: below it concealment is hardly heard."""
LOSSY_SECONDS = 30.0
"""How long redundancy goes on after the last report of such loss: networks that were bad are often bad again."""
BEYOND_HELP = 0.5
"""Who says that he loses more than this is not helped by in-band FEC, and gets none made for him."""


class Link:
    """Loss as a smoothed fraction, jitter and round trip in seconds; None until the first report."""

    def __init__(self) -> None:
        self.loss: float | None = None
        self.jitter: float | None = None
        self.round_trip: float | None = None
        self._lossy_until = -math.inf
        self._reporters: set[int] = set()

    def check_reporter_untrusted(self, data: bytes) -> int:
        """The SSRC an RTCP packet speaks for. Raises RemoteError `rtcp_unknown_ssrc`: this session has used too many."""
        ssrc = int.from_bytes(data[4:8], "big")
        if ssrc not in self._reporters and len(self._reporters) >= REPORTERS_MAX:
            raise RemoteError("rtcp_unknown_ssrc", "too many")
        return ssrc

    def add_reporter(self, ssrc: int) -> None:
        """An authenticated packet came from this SSRC."""
        self._reporters.add(ssrc)

    def lossy(self, unix_time: float) -> bool:
        """Whether what is sent this way should be sent twice."""
        return unix_time < self._lossy_until

    def report(self, block: ReportBlock, unix_time: float) -> None:
        loss = block.fraction_lost / 256
        if loss > LOSSY:
            self._lossy_until = unix_time + LOSSY_SECONDS
        self.loss = loss if self.loss is None else self.loss + SMOOTHING * (loss - self.loss)
        self.jitter = block.jitter / CLOCK_RATE
        round_trip = round_trip_seconds(block, unix_time)
        if round_trip is not None:
            self.round_trip = round_trip
