"""How loud a speaker's packet is: what he claims (RFC 6464), held against what was decoded."""

from __future__ import annotations

import math

import numpy as np

from spaces.errors import RemoteError
from spaces.mixing.level import SILENCE_DBFS, dbfs, dbfs_of_rfc6464
from spaces.mixing.opus import Decoder

CLAIM_TRUSTED_DB = 10.0
"""A claim counts up to this far above what was decoded: it chooses, it is not trusted."""
MEASURE_VALID_SECONDS = 0.5
"""Of what the mix has decoded: it decodes every packet, or none."""
CHECK_VALID_SECONDS = 2.0
"""Of what was decoded here, where nobody listens to a mix: one packet in a hundred of an honest speaker."""
ASSUMED_DBFS = -40.0
"""Of a packet with sound in it when neither claim nor measurement is there."""
DTX_BYTES_MAX = 3


class Loudness:
    """The levels of one speaker's packets."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None
        self._checked = SILENCE_DBFS
        self._checked_at = -math.inf

    def of(self, claim: int | None, payload: bytes, mixed: tuple[float, float], now: float) -> float:
        """dBFS of a packet; `mixed` is (dBFS, when) of what the mix played last."""
        dbfs_mixed, mixed_at = mixed
        measured = dbfs_mixed if now - mixed_at < MEASURE_VALID_SECONDS else None
        if claim is None:
            if measured is not None:
                return measured
            return SILENCE_DBFS if len(payload) <= DTX_BYTES_MAX else ASSUMED_DBFS
        claimed = dbfs_of_rfc6464(claim)
        if measured is None:
            measured = self._check(claimed, payload, now)
        return min(claimed, measured + CLAIM_TRUSTED_DB)

    def _check(self, claimed: float, payload: bytes, now: float) -> float:
        """What was decoded lately; a packet that claims more than that allows is decoded now."""
        if now - self._checked_at >= CHECK_VALID_SECONDS:
            self._checked, self._decoder = SILENCE_DBFS, None  # what the one before remembers is not of now
        if claimed > self._checked + CLAIM_TRUSTED_DB:
            if self._decoder is None:
                self._decoder = Decoder()
            try:
                samples = self._decoder.decode(payload)
            except RemoteError:  # the claim of a packet that is none
                return SILENCE_DBFS
            heard = dbfs(float(np.mean(np.square(samples, dtype=np.float64))))
            if heard >= self._checked:
                self._checked, self._checked_at = heard, now
        return self._checked
