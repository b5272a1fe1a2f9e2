"""What is read of a WHIP or WHEP client's offer, and why an offer is refused."""

from __future__ import annotations

import pytest
from aiortc import RTCPeerConnection

from spaces.errors import RemoteError
from spaces.signaling.sdp import LINES_MAX, SDP_BYTES_MAX, parse_offer_untrusted
from tests.harness.offers import CHROMIUM, FINGERPRINT, FIREFOX, GSTREAMER, OFFERS, TRANSPORT, wire


def refused(text: str, **options: bool) -> tuple[str, str]:
    with pytest.raises(RemoteError) as error:
        parse_offer_untrusted(wire(text), **options)
    return error.value.cause, error.value.detail


def test_chromium() -> None:
    offer = parse_offer_untrusted(wire(CHROMIUM))
    assert offer.bundle
    assert (offer.receive().opus_payload_type, offer.receive().red_payload_type) == (111, 63)
    assert offer.receive().level_extension_id == 1
    assert (offer.send().opus_payload_type, offer.send().red_payload_type) == (111, 63)
    assert offer.remote.fingerprints == (("sha-256", FINGERPRINT),)
    assert not offer.remote.we_are_dtls_client, "actpass: we answer passive"


def test_firefox_with_its_fingerprint_at_session_level_and_in_lower_case() -> None:
    offer = parse_offer_untrusted(wire(FIREFOX))
    assert (offer.send().opus_payload_type, offer.send().red_payload_type) == (109, None)
    assert offer.remote.fingerprints == (("sha-256", FINGERPRINT),)
    assert offer.audio.direction == "recvonly"


def test_gstreamer_with_video_first_and_opus_in_capitals() -> None:
    offer = parse_offer_untrusted(wire(GSTREAMER))
    assert offer.receive().opus_payload_type == 96
    assert offer.receive().level_extension_id is None
    assert offer.audio.mid == "audio1"


async def test_aiortc() -> None:
    connection = RTCPeerConnection()
    connection.addTransceiver("audio", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    offer = parse_offer_untrusted(connection.localDescription.sdp.encode())
    await connection.close()
    assert offer.send().opus_payload_type == 96
    assert {algorithm for algorithm, _ in offer.remote.fingerprints} >= {"sha-256", "sha-512"}


@pytest.mark.parametrize("number", [96, 97, 100, 109, 111])
def test_any_numbering_of_opus(number: int) -> None:
    offer = parse_offer_untrusted(wire(GSTREAMER.replace("96", str(number))))
    assert offer.receive().opus_payload_type == number


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("client", OFFERS)
def test_line_ends_of_either_kind(client: str, newline: str) -> None:
    assert parse_offer_untrusted(OFFERS[client].replace("\n", newline).encode())


def test_the_order_of_the_m_line_is_the_preference_and_what_it_does_not_list_is_not_offered() -> None:
    two = CHROMIUM.replace("a=rtpmap:9 G722/8000", "a=rtpmap:9 opus/48000/2")
    assert parse_offer_untrusted(wire(two)).send().opus_payload_type == 111
    assert parse_offer_untrusted(wire(two.replace("SAVPF 111 63 9", "SAVPF 9 63 111"))).send().opus_payload_type == 9
    assert refused(CHROMIUM.replace("SAVPF 111 63", "SAVPF 63"))[0] == "no_opus"


def test_numbers_that_would_look_like_rtcp_are_not_taken() -> None:
    assert refused(GSTREAMER.replace("96", "72"))[0] == "no_opus"


def test_red_is_taken_only_of_this_opus() -> None:
    for blocks in ("111", "0/0", "111/0", "110/110", "1111/111"):
        other = CHROMIUM.replace("a=fmtp:63 111/111", f"a=fmtp:63 {blocks}")
        assert parse_offer_untrusted(wire(other)).send().red_payload_type is None, blocks
    more = CHROMIUM.replace("a=fmtp:63 111/111", "a=fmtp:63 111/111/111")
    assert parse_offer_untrusted(wire(more)).send().red_payload_type == 63


def test_extensions_with_a_direction_and_without_a_number_yet() -> None:
    assert parse_offer_untrusted(wire(CHROMIUM.replace("extmap:1 ", "extmap:14/sendonly "))).receive() is not None
    unmapped = CHROMIUM.replace("extmap:1 ", "extmap:4096 ")
    assert parse_offer_untrusted(wire(unmapped)).receive().level_extension_id is None
    assert refused(CHROMIUM.replace("extmap:1 ", "extmap:x "))[0] == "bad_sdp"


@pytest.mark.parametrize(
    ("line", "longest"),
    [("60", 60), ("20", 20), ("", None), ("-1", None), ("20.5", None), ("9" * 400, None), ("²", None)],
)
def test_how_long_packets_may_be(line: str, longest: int | None) -> None:
    assert parse_offer_untrusted(wire(CHROMIUM)).send().packet_milliseconds_max is None
    told = CHROMIUM.replace("a=rtcp-mux", f"a=rtcp-mux\na=maxptime:{line}")
    assert parse_offer_untrusted(wire(told)).send().packet_milliseconds_max == longest


def test_setup_passive_makes_us_the_dtls_client() -> None:
    passive = parse_offer_untrusted(wire(CHROMIUM.replace("actpass", "passive")))
    assert passive.remote.we_are_dtls_client
    active = parse_offer_untrusted(wire(CHROMIUM.replace("actpass", "active")))
    assert not active.remote.we_are_dtls_client


def test_audio_that_is_nothing_without_its_bundle() -> None:
    """bundlePolicy max-bundle with video first: the audio has port 0 and no transport of its own (RFC 8843 §7.1.3)."""
    first, second = GSTREAMER.split("m=audio")
    text = first + "m=audio" + second.replace(" 9 UDP", " 0 UDP").replace(TRANSPORT, "").replace("a=rtcp-mux\n", "")
    assert refused(text)[0] == "no_audio"
    offer = parse_offer_untrusted(wire(text + "a=bundle-only\n"))
    assert offer.bundle
    assert offer.remote.fingerprints == (("sha-256", FINGERPRINT),)
    loose = text.replace("BUNDLE video0 audio1", "BUNDLE video0")
    assert refused(loose + "a=bundle-only\n")[0] == "no_audio"


def test_directions_that_cannot_be_answered() -> None:
    assert refused(GSTREAMER, sending=True)[0] == "bad_sdp"
    assert refused(FIREFOX, sending=False)[0] == "bad_sdp"
    for sending in (True, False):
        assert refused(CHROMIUM.replace("a=sendrecv", "a=inactive"), sending=sending)[0] == "bad_sdp"
        assert parse_offer_untrusted(wire(CHROMIUM), sending=sending)
    assert parse_offer_untrusted(wire(GSTREAMER), sending=False)
    assert parse_offer_untrusted(wire(FIREFOX), sending=True)
    session_level = CHROMIUM.replace("a=sendrecv\n", "").replace("a=extmap-allow-mixed", "a=recvonly")
    assert refused(session_level, sending=False)[0] == "bad_sdp"


@pytest.mark.parametrize("fingerprint", [
    "", "sha-256", "sha-256 AB", "sha-256 " + FINGERPRINT[:-1], "sha-256 " + FINGERPRINT.replace(":", "-"),
    "sha-1 " + ":".join(["AB"] * 20), "md5 " + ":".join(["AB"] * 16), "sha-512 " + FINGERPRINT,
])  # fmt: skip
def test_fingerprints_that_we_cannot_check(fingerprint: str) -> None:
    line = f"a=fingerprint:{fingerprint}\n" if fingerprint else ""
    assert refused(CHROMIUM.replace(f"a=fingerprint:sha-256 {FINGERPRINT}\n", line))[0] == "bad_fingerprint"


def test_a_good_fingerprint_does_not_excuse_a_malformed_one() -> None:
    assert refused(CHROMIUM + "a=fingerprint:sha-512 AB\n")[0] == "bad_fingerprint"
    unknown = parse_offer_untrusted(wire(CHROMIUM + "a=fingerprint:sha-1 AB\n"))
    assert unknown.remote.fingerprints == (("sha-256", FINGERPRINT),)


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("m=audio", "m=video", "no_audio"),
        ("m=audio 9", "m=audio 0", "no_audio"),
        ("opus/48000", "opus/16000", "no_opus"),
        ("opus/", "opuss/", "no_opus"),
        ("a=rtcp-mux\n", "", "bad_sdp"),
        ("a=ice-ufrag:F/r+g\n", "", "bad_sdp"),
        ("a=ice-ufrag:F/r+g", "a=ice-ufrag:abc", "bad_sdp"),
        ("a=ice-ufrag:F/r+g", "a=ice-ufrag:ab:cd", "bad_sdp"),
        ("a=ice-ufrag:F/r+g", "a=ice-ufrag:" + "x" * 257, "bad_sdp"),
        ("a=setup:actpass\n", "", "bad_sdp"),
        ("actpass", "holdconn", "bad_sdp"),
        ("a=mid:0", "a=mid:" + "x" * 65, "bad_sdp"),
        ("a=mid:0", "a=mid:a b", "bad_sdp"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:opus", "bad_sdp"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:200 opus/48000/2", "bad_sdp"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus/" + "4" * 5_000, "bad_sdp"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio nine UDP/TLS/RTP/SAVPF 111", "bad_sdp"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio", "bad_sdp"),
        ("v=0\n", "", "bad_sdp"),
        ("v=0", "v=1", "bad_sdp"),
    ],
)
def test_offers_that_are_refused(old: str, new: str, cause: str) -> None:
    assert old in CHROMIUM
    found, detail = refused(CHROMIUM.replace(old, new))
    assert found == cause
    assert detail, "a stranger is told what is wrong"


@pytest.mark.parametrize(
    "body",
    [b"", b"\n", b"\xff\xfe", b"v=0", b"v=0\r\n", bytes(1_000), b"v=0\n" + b"a=x\n" * LINES_MAX],
    ids=["empty", "newline", "not UTF-8", "v", "v line", "zeros", "lines"],
)
def test_bodies_that_are_no_offer(body: bytes) -> None:
    with pytest.raises(RemoteError) as error:
        parse_offer_untrusted(body)
    assert error.value.cause in ("bad_sdp", "no_audio")


def test_size_is_bounded() -> None:
    assert refused(CHROMIUM + "a=x:" + "y" * SDP_BYTES_MAX)[0] == "bad_sdp"
    assert refused("v=0\n" + "m=audio 0 RTP/AVP 0\n" * 33)[0] == "bad_sdp"
