"""SRTP keys from DTLS (RFC 5764) and the libsrtp contexts made of them.

One association has several contexts over the same keys because a context has one owner thread: the audio thread protects
the mix, the event loop everything else. Each SSRC is sent through one context only, for as long as the keys live: a second
one would begin its packet index anew, and with GCM that is the same nonce twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from spaces.errors import RemoteError
from spaces.sfu.gcm import GcmKeys
from spaces.sfu.vectors import SUPPORTED

REPLAY_WINDOW_PACKETS = 512

MixKeys = GcmKeys | Session
"""What protects one listener's mix."""


@dataclass(frozen=True, slots=True)
class Keys:
    """One association's master keys, key and salt joined."""

    libsrtp_profile: int
    send: bytes
    receive: bytes

    def __repr__(self) -> str:
        return "Keys(…)"

    def sending(self) -> Session:
        """A context for packets that we send. allow_repeat_tx stays off: a repeated index is refused by libsrtp."""
        return Session(self._policy(self.send, Policy.SSRC_ANY_OUTBOUND))

    def sending_mix(self) -> MixKeys:
        """For the fan-out: keys that it uses itself, where profile and processor allow it."""
        if SUPPORTED and self.libsrtp_profile == Policy.SRTP_PROFILE_AEAD_AES_128_GCM:
            return GcmKeys(self.send[:16], self.send[16:])
        return self.sending()

    def receiving(self) -> Session:
        return Session(self._policy(self.receive, Policy.SSRC_ANY_INBOUND))

    def _policy(self, key: bytes, ssrc_type: int) -> Policy:
        policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=self.libsrtp_profile)
        policy.window_size = REPLAY_WINDOW_PACKETS
        return policy


def unprotect_untrusted(context: Session, data: bytes) -> bytes:
    """Raises RemoteError `srtp_rejected`: forged, replayed or too long."""
    try:
        return bytes(context.unprotect(data))
    except (SrtpError, ValueError) as error:
        raise RemoteError("srtp_rejected", str(error)) from None


def unprotect_rtcp_untrusted(context: Session, data: bytes) -> bytes:
    """Raises RemoteError `srtcp_rejected`."""
    try:
        return bytes(context.unprotect_rtcp(data))
    except (SrtpError, ValueError) as error:
        raise RemoteError("srtcp_rejected", str(error)) from None
