"""The server's offers to the page, and the page's answers to them."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription

from spaces.errors import RemoteError
from spaces.sfu.session import Receive, Send
from spaces.signaling.sdp import page_offer, parse_page_answer_untrusted
from tests.harness.offers import FINGERPRINT, PlaneNames, SessionNames

MIDS = ["mix", "slot0", "slot1", "slot2", "slot3", "mic"]


def offered(*, version: int = 1, on_stage: bool = False) -> str:
    return page_offer(SessionNames(), PlaneNames(), version=version, on_stage=on_stage)  # type: ignore[arg-type]


def answered(directions: dict[str, str], *, opus: int = 111, red: bool = True, setup: str = "active") -> str:
    lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE " + " ".join(MIDS)]
    for mid in MIDS:
        lines += [
            f"m=audio 9 UDP/TLS/RTP/SAVPF {opus}{' 63' if red else ''}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{mid}",
            "a=" + directions.get(mid, "inactive"),
            f"a=setup:{setup}",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:0123456789abcdefghijklmn",
            f"a=fingerprint:sha-256 {FINGERPRINT}",
            "a=rtcp-mux",
            f"a=rtpmap:{opus} opus/48000/2",
        ]
        if red:
            lines += ["a=rtpmap:63 red/48000/2", f"a=fmtp:63 {opus}/{opus}"]
        if mid == "mic":
            lines.append("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level")
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("on_stage", [False, True])
def test_all_sections_always_in_one_bundle(on_stage: bool) -> None:
    parsed = SessionDescription.parse(offered(on_stage=on_stage))
    assert [m.rtp.muxId for m in parsed.media] == MIDS
    assert parsed.group[0].items == MIDS
    directions = ["sendonly"] + ["sendonly" if on_stage else "inactive"] * 4 + ["recvonly" if on_stage else "inactive"]
    assert [m.direction for m in parsed.media] == directions
    for media in parsed.media:
        assert [c.payloadType for c in media.rtp.codecs] == [111, 63]
        assert media.dtls is not None
        assert media.dtls.role == "auto", "actpass: an offer may not choose (RFC 8842 §5.2)"
        assert media.rtcp_mux


def test_each_section_that_sends_names_an_ssrc_of_its_own() -> None:
    parsed = SessionDescription.parse(offered(on_stage=True))
    assert [[s.ssrc for s in m.ssrc] for m in parsed.media] == [[1_111], [2_001], [2_002], [2_003], [2_004], []]


def test_a_new_version_changes_the_version_and_directions_alone() -> None:
    before, after = offered().split("\r\n"), offered(version=2, on_stage=True).split("\r\n")
    changed = {(a, b) for a, b in zip(before, after, strict=True) if a != b}
    assert changed == {
        ("o=- 1 1 IN IP4 127.0.0.1", "o=- 1 2 IN IP4 127.0.0.1"),
        ("a=inactive", "a=sendonly"),
        ("a=inactive", "a=recvonly"),
    }


def test_only_the_microphone_offers_levels() -> None:
    for section in offered(on_stage=True).split("m=audio")[1:]:
        assert ("ssrc-audio-level" in section) == ("a=mid:mic" in section)


def test_a_listeners_answer() -> None:
    read = parse_page_answer_untrusted(answered({"mix": "recvonly"}))
    assert read.receive is None
    assert read.send == Send(111, 63)
    assert read.remote.fingerprints == (("sha-256", FINGERPRINT),)
    assert not read.remote.we_are_dtls_client


def test_a_speakers_answer() -> None:
    slots = {f"slot{n}": "recvonly" for n in range(4)}
    read = parse_page_answer_untrusted(answered({"mix": "recvonly", "mic": "sendonly"} | slots, red=False))
    assert read.receive == Receive(111, None, 1)
    assert read.send == Send(111, None)


def test_a_browser_that_renumbers_is_followed() -> None:
    read = parse_page_answer_untrusted(answered({"mix": "recvonly", "mic": "sendonly"}, opus=109))
    assert read.receive == Receive(109, 63, 1)
    assert read.send == Send(109, 63)


def test_a_passive_page_makes_us_the_dtls_client() -> None:
    assert parse_page_answer_untrusted(answered({}, setup="passive")).remote.we_are_dtls_client


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("a=mid:mix", "a=mid:mixed", "no_audio"),
        ("m=audio 9", "m=audio 0", "no_audio"),
        ("opus/48000", "PCMU/8000", "no_opus"),
        ("a=setup:active", "a=setup:actpass", "bad_sdp"),
        ("a=fingerprint:sha-256", "a=fingerprint:md5", "bad_fingerprint"),
        ("v=0", "\ud800", "bad_sdp"),
        ("v=0", "", "bad_sdp"),
    ],
)
def test_answers_that_cannot_be_used(old: str, new: str, cause: str) -> None:
    with pytest.raises(RemoteError) as error:
        parse_page_answer_untrusted(answered({"mix": "recvonly"}).replace(old, new))
    assert error.value.cause == cause
