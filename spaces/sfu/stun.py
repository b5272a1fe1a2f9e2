"""The two STUN messages that an ICE-lite server needs (RFC 8489): Binding requests in, success responses out.

Written for the consent checks of thousands of listeners, several thousand a second: one pass over the attributes, one
HMAC each way. Anything but a well-formed Binding request is a RemoteError.
"""

from __future__ import annotations

import binascii
import hmac
import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct, pack

from spaces.errors import RemoteError

MAGIC_COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
FINGERPRINT_XOR = 0x5354554E

USERNAME_BYTES_MAX = 513
"""RFC 8489 §14.3 allows less than 509 octets; ICE's is two fragments of at most 256 and a colon."""
MESSAGE_BYTES_MAX = 1280

_HEADER = Struct("!HHI12s")
_ATTRIBUTE = Struct("!HH")
_MAPPED = Struct("!HHxBH")
_FINGERPRINT = Struct("!HHI")
_INTEGRITY = _ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20)
_COOKIE = pack("!I", MAGIC_COOKIE)

ADDRESSES_REMEMBERED_MAX = 16_384
"""In binary form: reading one takes four times as long as all the rest of an answer. Only authenticated peers' get here."""


@dataclass(frozen=True, slots=True)
class BindingRequest:
    transaction_id: bytes
    local_ufrag: str
    """The fragment before the colon: the receiver's, ours."""
    priority: int
    use_candidate: bool
    integrity_end: int
    """Offset of the MESSAGE-INTEGRITY attribute in the datagram."""


def parse_binding_request_untrusted(data: bytes) -> BindingRequest:
    """Read a Binding request; its integrity is not checked yet (see `integrity_holds`).

    Raises RemoteError: `stun_malformed`, `stun_not_request`, `stun_unauthenticated`.
    """
    if not 20 <= len(data) <= MESSAGE_BYTES_MAX:
        raise RemoteError("stun_malformed", "length")
    message_type, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if cookie != MAGIC_COOKIE or length % 4 or length != len(data) - 20:
        raise RemoteError("stun_malformed", "header")
    if message_type != BINDING_REQUEST:
        raise RemoteError("stun_not_request")
    username = b""
    priority = 0
    use_candidate = False
    position, end = 20, len(data)
    while position + 4 <= end:
        kind, size = _ATTRIBUTE.unpack_from(data, position)
        value_at = position + 4
        if value_at + size > end:
            raise RemoteError("stun_malformed", "attribute runs past the end")
        if kind == MESSAGE_INTEGRITY:
            if size != 20:
                raise RemoteError("stun_malformed", "MESSAGE-INTEGRITY")
            ufrag, colon, _ = username.partition(b":")
            if not colon or not ufrag.isascii():
                raise RemoteError("stun_unauthenticated", "USERNAME")
            return BindingRequest(transaction_id, ufrag.decode("ascii"), priority, use_candidate, position)
        if kind == USERNAME:
            if size > USERNAME_BYTES_MAX:
                raise RemoteError("stun_malformed", "USERNAME")
            username = data[value_at : value_at + size]
        elif kind == PRIORITY and size == 4:
            priority = int.from_bytes(data[value_at : value_at + 4], "big")
        elif kind == USE_CANDIDATE:
            use_candidate = True
        position = value_at + size + (-size) % 4
    raise RemoteError("stun_unauthenticated", "no MESSAGE-INTEGRITY")


def integrity_holds(data: bytes, request: BindingRequest, password: bytes) -> bool:
    """MESSAGE-INTEGRITY over all before it, the length field counting up to its own end (RFC 8489 §14.5)."""
    at = request.integrity_end
    covered = data[:2] + pack("!H", at + 24 - 20) + data[4:at]
    return hmac.compare_digest(hmac.digest(password, covered, "sha1"), data[at + 4 : at + 24])


def binding_success(transaction_id: bytes, host: str, port: int, password: bytes) -> bytes:
    """The answer: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT."""
    address = _packed(host)
    size = len(address)
    pad = int.from_bytes((_COOKIE + transaction_id)[:size], "big")
    mapped = (int.from_bytes(address, "big") ^ pad).to_bytes(size, "big")
    family, length = 1 if size == 4 else 2, size + 8
    body = _MAPPED.pack(XOR_MAPPED_ADDRESS, size + 4, family, port ^ (MAGIC_COOKIE >> 16)) + mapped
    covered = _HEADER.pack(BINDING_SUCCESS, length + 24, MAGIC_COOKIE, transaction_id) + body
    integrity = _INTEGRITY + hmac.digest(password, covered, "sha1")
    message = _HEADER.pack(BINDING_SUCCESS, length + 24 + 8, MAGIC_COOKIE, transaction_id) + body + integrity
    return message + _FINGERPRINT.pack(FINGERPRINT, 4, binascii.crc32(message) ^ FINGERPRINT_XOR)


@lru_cache(maxsize=ADDRESSES_REMEMBERED_MAX)
def _packed(host: str) -> bytes:
    """The address in 4 or 16 bytes, IPv4 also where the socket sees it as mapped into IPv6."""
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.packed
