"""One packet of a Space's mix on its way from the node that makes it to the nodes that have listeners of it.

    byte 0      version (1)
         1      frames of 20 ms in it, 1 to 3: which of the Space's programs it is of
         2      bytes of the Space's id, 1 to 13
         3…10   fencing number of the owner
        11…14   sequence: one more with each packet of this program
        15…18   RTP timestamp at the owner (48 kHz)
        19…     the Space's id, the Opus packet
        −16…    BLAKE2b of all before, keyed with the nodes' own key

All numbers big-endian. Who has no key cannot make one: whoever else may write to Redis is not heard.
"""

from __future__ import annotations

import hmac
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from spaces.errors import RemoteError
from spaces.mixing.opus import PACKET_BYTES_MAX
from spaces.mixing.programs import PACKET_FRAMES_MAX

VERSION = 1
SPACE_BYTES_MAX = 13
TAG_BYTES = 16
KEY_BYTES = 32

_HEADER = Struct("!BBBQII")
BYTES_MIN = _HEADER.size + 1 + TAG_BYTES
BYTES_MAX = _HEADER.size + SPACE_BYTES_MAX + PACKET_BYTES_MAX + TAG_BYTES


class RelayPacket(NamedTuple):
    space: str
    fence: int
    frames: int
    sequence: int
    timestamp: int
    payload: bytes


def pack(packet: RelayPacket, key: bytes) -> bytes:
    space = packet.space.encode()
    header = _HEADER.pack(
        VERSION, packet.frames, len(space), packet.fence, packet.sequence & 0xFFFFFFFF, packet.timestamp & 0xFFFFFFFF
    )
    data = header + space + packet.payload
    return data + _tag(data, key)


def parse_relay_untrusted(data: bytes, key: bytes) -> RelayPacket:
    """Raises RemoteError `relay_version`, `relay_malformed` or `relay_forged`."""
    if not BYTES_MIN <= len(data) <= BYTES_MAX:
        raise RemoteError("relay_malformed", "length")
    version, frames, size, fence, sequence, timestamp = _HEADER.unpack_from(data)
    if version != VERSION:
        raise RemoteError("relay_version", str(version))
    clear = data[:-TAG_BYTES]
    if not hmac.compare_digest(_tag(clear, key), data[-TAG_BYTES:]):
        raise RemoteError("relay_forged")
    payload_at = _HEADER.size + size
    space = clear[_HEADER.size : payload_at]
    if not 1 <= size <= SPACE_BYTES_MAX or len(space) != size or not space.isalnum() or not space.isascii():
        raise RemoteError("relay_malformed", "space")
    payload = clear[payload_at:]
    if not 1 <= frames <= PACKET_FRAMES_MAX or not 1 <= len(payload) <= PACKET_BYTES_MAX:
        raise RemoteError("relay_malformed", "payload")
    return RelayPacket(space.decode(), fence, frames, sequence, timestamp, payload)


def _tag(data: bytes, key: bytes) -> bytes:
    return blake2b(data, digest_size=TAG_BYTES, key=key).digest()


class Succession:
    """Which packets of one program of a Space are new: of the newest owner, in order. What came before is dropped."""

    def __init__(self) -> None:
        self.fence = 0
        self._sequence = 0

    def take(self, packet: RelayPacket) -> int:
        """How many packets this one is after the last: 1 for the next; 0: the first of another owner.

        Raises RemoteError `relay_fenced` for an earlier owner, `relay_late` for what is not newer than the last.
        """
        if packet.fence < self.fence:
            raise RemoteError("relay_fenced")
        if packet.fence > self.fence:
            self.fence, self._sequence = packet.fence, packet.sequence
            return 0
        ahead = (packet.sequence - self._sequence) & 0xFFFFFFFF
        if not 0 < ahead < 1 << 31:
            raise RemoteError("relay_late")
        self._sequence = packet.sequence
        return ahead
