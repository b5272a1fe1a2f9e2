"""The node's DTLS certificate (RFC 8827 §6.5), what it is known by, and what its associations may agree on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Policy

from spaces.sfu.dtls_alert import CIPHERS

DTLS_1_2 = 0xFEFD
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha-256": hashes.SHA256(),
    "sha-384": hashes.SHA384(),
    "sha-512": hashes.SHA512(),
}
"""Of fingerprints (RFC 8122 §5): those that are taken."""

CERTIFICATE_LIFETIME = timedelta(days=365)
"""A node makes a new one at each start; whom it belongs to is told by its fingerprint in the answer, not by its dates."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile of DTLS-SRTP: its names at OpenSSL and libsrtp, and the sizes of its keys."""

    openssl: bytes
    libsrtp: int
    key_bytes: int
    salt_bytes: int


PROFILES = (
    Profile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    Profile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
    Profile(b"SRTP_AEAD_AES_256_GCM", Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
)
"""In our order of preference by measured cost of a 92-byte packet: 0.43, 0.56 and 0.65 µs."""


class Certificate:
    """The node's key and self-signed certificate; all its associations share one SSL context."""

    def __init__(self, profiles: tuple[Profile, ...] = PROFILES) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "spaces")])
        now = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))  # clocks differ
            .not_valid_after(now + CERTIFICATE_LIFETIME)
            .sign(key, hashes.SHA256())
        )
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_max_proto_version(DTLS_1_2)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # Whose certificate it is says the fingerprint, which is looked at when the handshake is done (RFC 8827 §6.5).
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(self._certificate)
        context.use_privatekey(key)
        context.set_cipher_list(":".join(CIPHERS).encode())
        context.set_tlsext_use_srtp(b":".join(profile.openssl for profile in profiles))
        self.context = context

    def sha256(self) -> tuple[str, str]:
        return "sha-256", fingerprint(self._certificate, "sha-256")


def fingerprint(certificate: x509.Certificate, algorithm: str) -> str:
    return certificate.fingerprint(HASHES[algorithm]).hex(":").upper()
