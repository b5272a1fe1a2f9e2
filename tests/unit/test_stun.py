"""Binding requests and responses, with aioice's STUN codec as second opinion."""

from __future__ import annotations

import binascii
from struct import pack

import pytest
from aioice import stun

from spaces.errors import RemoteError
from spaces.sfu.stun import binding_success, integrity_holds, parse_binding_request_untrusted

KEY = b"the password of our side"
TRANSACTION = bytes(range(12))


def request(**attributes: object) -> stun.Message:
    return stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.REQUEST,
        transaction_id=TRANSACTION,
        attributes={"USERNAME": "ours:theirs", "PRIORITY": 0x6E0001FF} | attributes,
    )


def signed(message: stun.Message, key: bytes = KEY) -> bytes:
    message.add_message_integrity(key)
    return bytes(message)


def raw(*attributes: tuple[int, bytes], kind: int = 1, cookie: int = 0x2112A442) -> bytes:
    body = b"".join(pack("!HH", k, len(v)) + v + bytes(-len(v) % 4) for k, v in attributes)
    return pack("!HHI", kind, len(body), cookie) + TRANSACTION + body


def refused(data: bytes) -> str:
    with pytest.raises(RemoteError) as error:
        parse_binding_request_untrusted(data)
    return error.value.cause


def test_reads_what_aioice_writes() -> None:
    data = signed(request(**{"USE-CANDIDATE": None, "ICE-CONTROLLING": 7}))
    read = parse_binding_request_untrusted(data)
    assert (read.transaction_id, read.local_ufrag, read.priority, read.use_candidate) == (
        TRANSACTION, "ours", 0x6E0001FF, True,
    )  # fmt: skip
    assert integrity_holds(data, read, KEY)
    assert not integrity_holds(data, read, KEY + b"!")


def test_integrity_does_not_cover_the_fingerprint_but_all_before_it() -> None:
    message = request()
    message.add_message_integrity(KEY)
    message.add_fingerprint()
    data = bytes(message)
    read = parse_binding_request_untrusted(data)
    assert integrity_holds(data, read, KEY)
    for at in (24, 30, 40):  # in USERNAME and PRIORITY
        assert not integrity_holds(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :], read, KEY)


@pytest.mark.parametrize(
    ("host", "port"),
    [("192.0.2.1", 5_000), ("2001:db8::1", 65_535), ("::ffff:192.0.2.7", 1), ("fe80::1%lo", 9)],
)
def test_aioice_reads_what_we_answer(host: str, port: int) -> None:
    answer = binding_success(TRANSACTION, host, port, KEY)
    read = stun.parse_message(answer)  # raises if the fingerprint is wrong
    assert read.check_message_integrity(KEY)
    assert not read.check_message_integrity(KEY[::-1])
    assert read.message_class is stun.Class.RESPONSE
    assert read.message_method is stun.Method.BINDING
    assert read.transaction_id == TRANSACTION
    assert read.attributes["XOR-MAPPED-ADDRESS"] == (host.removeprefix("::ffff:").partition("%")[0], port)
    assert "FINGERPRINT" in read.attributes
    assert len(answer) == 20 + int.from_bytes(answer[2:4], "big")
    assert int.from_bytes(answer[-4:], "big") == binascii.crc32(answer[:-8]) ^ 0x5354554E


def test_an_answer_is_not_a_request() -> None:
    assert refused(binding_success(TRANSACTION, "192.0.2.1", 1, KEY)) == "stun_not_request"


def test_without_integrity_or_a_username_with_two_fragments_it_is_unauthenticated() -> None:
    assert refused(bytes(request())) == "stun_unauthenticated"
    assert refused(signed(request(USERNAME="ours"))) == "stun_unauthenticated"
    assert refused(raw((0x08, bytes(20)))) == "stun_unauthenticated"
    assert refused(raw((0x06, b"\xff\xfe:x"), (0x08, bytes(20)))) == "stun_unauthenticated"


def test_what_follows_the_integrity_is_not_believed() -> None:
    data = raw((0x06, b"ours:x"), (0x08, bytes(20)), (0x25, b""), (0x24, b"\xff" * 4))
    read = parse_binding_request_untrusted(data)
    assert not read.use_candidate
    assert read.priority == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(19),
        raw()[:-1] + b"\0" * 4,
        raw(cookie=0x2112A443),
        pack("!HHI", 1, 2, 0x2112A442) + TRANSACTION + b"ab",
        pack("!HHI", 1, 8, 0x2112A442) + TRANSACTION + pack("!HH", 6, 400) + b"abcd",
        raw((0x08, bytes(16))),
        raw((0x06, b"u" * 516), (0x08, bytes(20))),
        raw((0x06, b"o:t"), (0x8000, bytes(1_280)), (0x08, bytes(20))),
    ],
    ids=["empty", "short", "length field", "cookie", "unaligned", "runs past", "integrity", "username", "too long"],
)
def test_malformed(data: bytes) -> None:
    assert refused(data) == "stun_malformed"


def test_unknown_attributes_and_padding_are_stepped_over() -> None:
    data = raw((0xC057, b"\0\1\0\2\0"), (0x06, b"o:them"), (0x802A, bytes(8)), (0x25, b""), (0x08, bytes(20)))
    read = parse_binding_request_untrusted(data)
    assert read.local_ufrag == "o"
    assert read.use_candidate
    assert data[read.integrity_end : read.integrity_end + 4] == b"\x00\x08\x00\x14"
