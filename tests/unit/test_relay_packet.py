"""Packets between nodes: as they were sent, or dropped for a cause that is counted; the newest owner's in order, no other's."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.errors import RemoteError
from spaces.sfu.relay_packet import BYTES_MAX, TAG_BYTES, RelayPacket, Succession, pack, parse_relay_untrusted

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
PACKET = RelayPacket("aSpace1234567", 1_764_000_000_123, 1, 7, 960, b"\xf8opus")

packets = st.builds(
    RelayPacket,
    space=st.from_regex(r"[a-zA-Z0-9]{1,13}", fullmatch=True),
    fence=st.integers(0, 2**64 - 1),
    frames=st.integers(1, 3),
    sequence=st.integers(0, 2**32 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    payload=st.binary(min_size=1, max_size=1_275),
)


def cause_of(data: bytes) -> str:
    with pytest.raises(RemoteError) as dropped:
        parse_relay_untrusted(data, KEY)
    return dropped.value.cause


@given(packets)
def test_what_is_sent_comes(packet: RelayPacket) -> None:
    assert parse_relay_untrusted(pack(packet, KEY), KEY) == packet


def test_a_packet_is_small() -> None:
    assert len(pack(PACKET, KEY)) == 19 + 13 + TAG_BYTES + len(PACKET.payload)


def test_another_version_is_told_from_a_forgery() -> None:
    data = pack(PACKET, KEY)
    assert cause_of(b"\x02" + data[1:]) == "relay_version"
    assert cause_of(pack(PACKET, OTHER_KEY)) == "relay_forged"


@pytest.mark.parametrize("changes", [{"frames": 0}, {"frames": 4}, {"payload": b""}, {"space": "a/b"}, {"space": "é"}])
def test_who_has_the_key_cannot_send_nonsense_either(changes: dict[str, Any]) -> None:
    assert cause_of(pack(PACKET._replace(**changes), KEY)) == "relay_malformed"


def test_every_truncation_is_dropped() -> None:
    data = pack(PACKET, KEY)
    for size in range(len(data)):
        assert cause_of(data[:size]) in ("relay_malformed", "relay_forged")
    assert cause_of(data + b"\0") == "relay_forged"
    assert cause_of(data.ljust(BYTES_MAX + 1, b"\0")) == "relay_malformed"


def test_every_flipped_bit_is_dropped() -> None:
    data = pack(PACKET, KEY)
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert cause_of(bytes(changed)) in ("relay_malformed", "relay_forged", "relay_version")


def test_of_two_owners_the_newer_is_heard() -> None:
    line = Succession()
    assert line.take(PACKET) == 0
    assert line.take(PACKET._replace(sequence=8)) == 1
    assert line.take(PACKET._replace(sequence=12)) == 4
    with pytest.raises(RemoteError, match="relay_late"):
        line.take(PACKET._replace(sequence=12))
    assert line.take(PACKET._replace(fence=PACKET.fence + 1, sequence=1)) == 0
    with pytest.raises(RemoteError, match="relay_fenced"):
        line.take(PACKET._replace(sequence=13))
    assert line.take(PACKET._replace(fence=PACKET.fence + 1, sequence=2)) == 1


def test_the_sequence_wraps() -> None:
    line = Succession()
    line.take(PACKET._replace(sequence=2**32 - 1))
    assert line.take(PACKET._replace(sequence=0)) == 1


def test_whatever_comes_in_whatever_order_nothing_old_is_heard() -> None:
    noise = random.Random(7)
    line, heard = Succession(), []
    for _ in range(2_000):
        packet = PACKET._replace(fence=noise.randrange(1, 6), sequence=noise.randrange(1, 200))
        try:
            line.take(packet)
        except RemoteError:
            continue
        heard.append((packet.fence, packet.sequence))
    assert heard == sorted(set(heard))
