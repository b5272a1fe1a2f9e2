"""Answers to WHIP and WHEP offers: in the client's numbering, and only what he offered; aiortc's parser as second opinion."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription

from spaces.signaling.sdp import answer, parse_offer_untrusted
from tests.harness.offers import CHROMIUM, FIREFOX, GSTREAMER, OFFERS, PlaneNames, SessionNames, wire


def answered(text: str, *, sending: bool) -> tuple[str, SessionDescription]:
    names, plane = SessionNames(), PlaneNames()
    body = answer(parse_offer_untrusted(wire(text)), names, plane, sending=sending)  # type: ignore[arg-type]
    return body, SessionDescription.parse(body)


def test_to_a_listener() -> None:
    body, parsed = answered(FIREFOX, sending=True)
    (media,) = parsed.media
    assert (media.kind, media.port, media.profile, media.direction) == ("audio", 9, "UDP/TLS/RTP/SAVPF", "sendonly")
    assert [(c.payloadType, c.mimeType, c.clockRate, c.channels) for c in media.rtp.codecs] == [
        (109, "audio/opus", 48_000, 2)
    ]
    assert media.rtp.codecs[0].parameters == {"minptime": 10, "useinbandfec": 1}
    assert media.rtp.muxId == "0"
    assert media.rtp.headerExtensions == [], "transport-cc would need a sequence per listener"
    assert media.rtcp_mux
    assert media.ice is not None
    assert media.ice.iceLite
    assert (media.ice.usernameFragment, media.ice.password) == (SessionNames.ufrag, SessionNames.pwd)
    assert [(c.ip, c.port, c.type, c.component) for c in media.ice_candidates] == [
        ("203.0.113.5", 8_081, "host", 1),
        ("2001:db8::5", 8_081, "host", 1),
    ]
    assert media.ice_candidates[0].priority > media.ice_candidates[1].priority
    assert media.ice_candidates_complete
    assert media.dtls is not None
    assert media.dtls.role == "server", "a=setup:passive"
    assert [(f.algorithm, f.value) for f in media.dtls.fingerprints] == [PlaneNames.fingerprint]
    assert [(s.ssrc, s.cname) for s in media.ssrc] == [(1_111, "c0ffee")]
    assert parsed.group[0].items == ["0"]
    assert "stereo" not in body
    assert "nack" not in body


def test_to_a_speaker() -> None:
    body, parsed = answered(CHROMIUM, sending=False)
    (media,) = parsed.media
    assert media.direction == "recvonly"
    assert [c.payloadType for c in media.rtp.codecs] == [111, 63]
    assert "a=fmtp:63 111/111\r\n" in body
    assert {e.uri.rpartition(":")[2]: e.id for e in media.rtp.headerExtensions} == {"ssrc-audio-level": 1, "mid": 4}
    assert media.ssrc == [], "we send nothing"


def test_video_is_refused_and_not_bundled() -> None:
    body, parsed = answered(GSTREAMER, sending=False)
    video, audio = parsed.media
    assert (video.kind, video.port, video.direction, video.rtp.muxId) == ("video", 0, "inactive", "video0")
    assert (audio.kind, audio.port, audio.rtp.muxId) == ("audio", 9, "audio1")
    assert parsed.group[0].items == ["audio1"]
    assert body.count("a=ice-ufrag") == 1


def test_who_offers_no_bundle_gets_none() -> None:
    body, parsed = answered(CHROMIUM.replace("a=group:BUNDLE 0\n", ""), sending=True)
    assert parsed.group == []
    assert "a=mid:0\r\n" in body
    body, _ = answered(CHROMIUM.replace("a=group:BUNDLE 0\n", "").replace("a=mid:0\n", ""), sending=True)
    assert "a=mid" not in body


def test_a_passive_client_gets_an_active_server() -> None:
    for offered, said in (("actpass", "passive"), ("active", "passive"), ("passive", "active")):
        body, _ = answered(CHROMIUM.replace("actpass", offered), sending=True)
        assert f"a=setup:{said}\r\n" in body


@pytest.mark.parametrize("client", OFFERS)
@pytest.mark.parametrize("sending", [True, False])
def test_answers_have_a_section_for_each_offered_in_order(client: str, sending: bool) -> None:
    body, parsed = answered(OFFERS[client], sending=sending)
    offered = SessionDescription.parse(OFFERS[client].replace("\n", "\r\n"))
    assert [m.kind for m in parsed.media] == [m.kind for m in offered.media]
    assert [m.rtp.muxId for m in parsed.media] == [m.rtp.muxId for m in offered.media]
    assert body.startswith("v=0\r\no=- ")
    assert body.endswith("\r\n")
    assert all(len(line) > 2 and line[1] == "=" for line in body.removesuffix("\r\n").split("\r\n"))


def test_nothing_of_an_offer_breaks_out_of_its_line() -> None:
    sneaky = GSTREAMER.replace("m=video 9 UDP/TLS/RTP/SAVPF 97", "m=application 9 UDP/DTLS/SCTP webrtc-data.*+/")
    offer = parse_offer_untrusted(wire(sneaky.replace("video0", "v!~;=:")))
    body = answer(offer, SessionNames(), PlaneNames(), sending=False)  # type: ignore[arg-type]
    assert body.count("\r\nm=") == 2
    assert "\n" not in body.replace("\r\n", "")
