"""What signaling may ask of the media plane: the values and the interface, without its machinery.

A *media session* is one ICE + DTLS association of one client: a WHIP publisher, a WHEP listener or the page's
connection (which both sends and receives). Signaling describes what should flow as a Plan; the media plane makes it so.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from spaces.mixing.stinger import Samples


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
    CRASHED = "crashed"
    """By an error of ours."""


@dataclass(frozen=True, slots=True)
class SessionStats:
    """One participant's link. Loss is a fraction, times are seconds; None: not known yet."""

    uplink_loss: float | None
    uplink_jitter: float | None
    downlink_loss: float | None
    downlink_jitter: float | None
    round_trip: float | None


Tap = Callable[[str, str, int, int, bytes], None]
"""Told of a packet of a speaker who is not muted: owner, session, extended sequence, timestamp, Opus payload. Quick."""


class Spoken(NamedTuple):
    """A packet of a speaker, for another node."""

    owner: str
    session: str
    dbfs: float
    sequence: int
    """Extended."""
    timestamp: int
    marker: bool
    payload: bytes


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


@dataclass(frozen=True, slots=True)
class Terms:
    """What another node has told a client, or is about to, of a session that it has here."""

    id: str
    ufrag: str
    pwd: str
    mix_ssrc: int
    cname: str


class Reach(Protocol):
    """How a node's media is reached, as SDP tells it."""

    fingerprint: tuple[str, str]
    candidates: tuple[Candidate, ...]


class MediaPlane(Reach, Protocol):
    """The node's media. Implemented by spaces.sfu.media.Media."""

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

    def play(self, space: str, samples: Samples, over: Callable[[], None]) -> None:
        """Play a sound (48 kHz, mono) to everybody in the Space, instead of the one before; `over` is called when it has
        ended. Nothing if the Space is not open."""

    def stop_playing(self, space: str) -> None:
        """Fade out what is played there."""

    def tap(self, space: str, tap: Tap | None) -> None:
        """Hear what every speaker of the Space sends, from now on; None: no more. Nothing happens if it is not open."""

    def speakers(self, space: str) -> list[tuple[str, SessionStats]]:
        """Every session with a microphone: whose it is, and how well its sound gets here."""

    def levels(self, space: str) -> Mapping[str, float]:
        """Loudness in dBFS of every owner who is speaking now (within the last 200 ms); empty when nobody is."""
