"""What signaling may ask of the media plane: the values and the interface, without its machinery.

A *media session* is one ICE + DTLS association of one client: a WHIP publisher, a WHEP listener or the page's
connection (which both sends and receives). Signaling describes what should flow as a Plan; the media plane makes it so.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Remote:
    """The client's side of the transport, read from its SDP."""

    fingerprints: tuple[tuple[str, str], ...]
    """(hash function, colon-separated hex) pairs, RFC 8122; one at least known, all known ones match."""
    we_are_dtls_client: bool
    """True only if the client insists on being passive."""


@dataclass(frozen=True, slots=True)
class Receive:
    """What the client sends us: his microphone."""

    opus_payload_type: int
    red_payload_type: int | None = None
    level_extension_id: int | None = None
    """RFC 6464 header extension id in the client's numbering."""


@dataclass(frozen=True, slots=True)
class Send:
    """What we send the client, under the client's own numbering (RFC 3264 §6.1)."""

    opus_payload_type: int
    red_payload_type: int | None = None
    packet_milliseconds_max: int | None = None
    """His `maxptime`; None: he did not say."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What flows in a session now. None: that direction is off. A plan replaces the one before it at once."""

    receive: Receive | None = None
    mix: Send | None = None
    slots: Send | None = None


class Closed(enum.Enum):
    """Why a session ended by itself (not by our `close`)."""

    HANDSHAKE_TIMEOUT = "handshake_timeout"
    CROWDED_OUT = "crowded_out"
    """Too many are being set up, and it was this one's turn to go."""
    DTLS_FAILED = "dtls_failed"
    SILENT = "silent"
    LEFT = "left"
    NOT_ADMITTED = "not_admitted"


@dataclass(frozen=True, slots=True)
class SessionStats:
    """One participant's link. Loss is a fraction, times are seconds; None: not known yet."""

    uplink_loss: float | None
    uplink_jitter: float | None
    downlink_loss: float | None
    downlink_jitter: float | None
    round_trip: float | None


class MediaSession(Protocol):
    """One association. All calls are made on the event loop's thread and return at once."""

    id: str
    owner: str
    ufrag: str
    pwd: str
    cname: str
    mix_ssrc: int
    slot_ssrcs: tuple[int, ...]

    @property
    def connected(self) -> bool: ...
    def start(self, remote: Remote) -> None:
        """Answer this client's checks and handshake. Call once."""

    def set_plan(self, plan: Plan) -> None: ...
    def set_muted(self, muted: bool) -> None:
        """Muted: what the client sends is neither forwarded nor mixed."""

    def close(self) -> None:
        """Stop media at once (the next datagram is not sent), say BYE, forget everything. Idempotent."""

    def stats(self) -> SessionStats: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One host candidate of the node's UDP port."""

    address: str
    port: int


class MediaPlane(Protocol):
    """The node's media. Implemented by spaces.sfu.media.Media."""

    fingerprint: tuple[str, str]
    candidates: tuple[Candidate, ...]

    def open_space(self, space: str) -> None:
        """Idempotent."""

    def close_space(self, space: str) -> None:
        """Close every session of the Space."""

    def open_session(
        self,
        space: str,
        owner: str,
        *,
        confirm: Callable[[], Awaitable[bool]],
        on_connected: Callable[[], None],
        on_closed: Callable[[Closed], None],
        client_address: str = "",
    ) -> MediaSession:
        """A new session of `owner` (an account id, or a unique name for an anonymous listener).

        Nobody hears sound of their own `owner`. `confirm` is asked once DTLS is up and before any media flows: the
        right to be here may have ended since admission. `on_closed` is called at most once, never after `close()`.
        If too many are being set up, another makes room. Raises RequestError(429) if `client_address` has too many itself.
        """

    def levels(self, space: str) -> Mapping[str, float]:
        """Loudness in dBFS of every owner who is speaking now (within the last 200 ms); empty when nobody is."""
