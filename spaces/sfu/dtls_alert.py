"""close_notify of a DTLS 1.2 association after OpenSSL's part in it is over: one record out, one record in. Pure.

All that an association of ours still has to say or to hear once its handshake is done is that it ends. OpenSSL keeps 94 kB
for that; here it is two keys. Records: RFC 6347 §4.1; keys: RFC 5246 §6.3; AES-GCM: RFC 5288 §3; ChaCha20: RFC 7905 §2.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

CIPHERS = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305")
"""What we negotiate, in OpenSSL's names: the first is what every WebRTC endpoint must have (RFC 8827 §6.5)."""
KEY_BYTES = {CIPHERS[0]: 16, CIPHERS[1]: 32}
SALT_BYTES = {CIPHERS[0]: 4, CIPHERS[1]: 12}

HEADER = struct.Struct("!BHHHIH")  # type, version, epoch, sequence (16 + 32 bits), length
VERSION = 0xFEFD
ALERT = 21
CLOSE_NOTIFY_EITHER_LEVEL = frozenset({b"\x01\x00", b"\x02\x00"})
CLOSE_NOTIFY = b"\x01\x00"
EPOCH = 1
SEQUENCE_HIGH = 0x0100
"""Of the one record that we send: beyond any number that the handshake's Finished and its repetitions have used."""
TAG_BYTES = 16
RECORDS_READ_MAX = 4
"""Of one datagram: an end comes alone or behind a few. A datagram may hold fifty that look like one, and each is decrypted."""


@dataclass(frozen=True, slots=True)
class AlertKeys:
    """Of one direction."""

    cipher: str
    key: bytes
    salt: bytes

    def __repr__(self) -> str:
        return "AlertKeys(…)"


def derive(cipher: str, master: bytes, client_random: bytes, server_random: bytes) -> tuple[AlertKeys, AlertKeys]:
    """What client and server write with (RFC 5246 §6.3). Raises KeyError for a cipher that is not of CIPHERS."""
    key, salt = KEY_BYTES[cipher], SALT_BYTES[cipher]
    block = _expand(master, b"key expansion" + server_random + client_random, 2 * (key + salt))
    salts = block[2 * key :]
    return (
        AlertKeys(cipher, block[:key], salts[:salt]),
        AlertKeys(cipher, block[key : 2 * key], salts[salt:]),
    )


def close_notify(keys: AlertKeys) -> bytes:
    """The record; to be sent under these keys once, or again to the bit."""
    number = struct.pack("!HHI", EPOCH, SEQUENCE_HIGH, 0)
    explicit = number if keys.cipher == CIPHERS[0] else b""
    sealed = _aead(keys).encrypt(_nonce(keys, explicit, number), CLOSE_NOTIFY, _additional(number))
    fragment = explicit + sealed
    return HEADER.pack(ALERT, VERSION, EPOCH, SEQUENCE_HIGH, 0, len(fragment)) + fragment


def is_close_notify_untrusted(datagram: bytes, keys: AlertKeys) -> bool:
    """Whether one of its first records is the other side's authentic close_notify; anything else is none."""
    for _ in range(RECORDS_READ_MAX):
        if len(datagram) < HEADER.size:
            break
        kind, version, epoch, _, _, length = HEADER.unpack_from(datagram)
        number, fragment = datagram[3:11], datagram[HEADER.size : HEADER.size + length]
        datagram = datagram[HEADER.size + length :]
        if (kind, version, epoch) != (ALERT, VERSION, EPOCH) or len(fragment) != length:
            continue
        explicit = 8 if keys.cipher == CIPHERS[0] else 0
        if length != explicit + len(CLOSE_NOTIFY) + TAG_BYTES:
            continue
        nonce = _nonce(keys, fragment[:explicit], number)
        try:
            alert = _aead(keys).decrypt(nonce, fragment[explicit:], _additional(number))
        except InvalidTag:
            continue
        if alert in CLOSE_NOTIFY_EITHER_LEVEL:
            return True
    return False


def _aead(keys: AlertKeys) -> AESGCM | ChaCha20Poly1305:
    return AESGCM(keys.key) if keys.cipher == CIPHERS[0] else ChaCha20Poly1305(keys.key)


def _nonce(keys: AlertKeys, explicit: bytes, number: bytes) -> bytes:
    if explicit:
        return keys.salt + explicit
    return bytes(a ^ b for a, b in zip(keys.salt, b"\0\0\0\0" + number, strict=True))


def _additional(number: bytes) -> bytes:
    return number + struct.pack("!BHH", ALERT, VERSION, len(CLOSE_NOTIFY))


def _expand(secret: bytes, seed: bytes, length: int) -> bytes:
    """P_SHA256 of RFC 5246 §5."""
    block, link = b"", seed
    while len(block) < length:
        link = hmac.digest(secret, link, "sha256")
        block += hmac.digest(secret, link + seed, "sha256")
    return block[:length]
