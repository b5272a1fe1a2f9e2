"""Offers as clients write them, and the little of a media plane that descriptions are made of."""

from __future__ import annotations

from dataclasses import dataclass

from spaces.sfu.session import Candidate

FINGERPRINT = ":".join(["AB"] * 32)
TRANSPORT = f"""a=ice-ufrag:F/r+g
a=ice-pwd:0123456789abcdefghijklmn
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
"""

CHROMIUM = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 0e37
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
{TRANSPORT}a=ice-options:trickle
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:0e37 5d8f
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:2231627014 cname:4TOk42mSjXCkVIa6
"""

FIREFOX = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 4294967295 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 {FINGERPRINT.lower()}
a=sendrecv
a=group:BUNDLE 0
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=recvonly
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:1234567890abcdef1234567890abcdef
a=ice-ufrag:abcd1234
a=mid:0
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=setup:actpass
a=ssrc:4027123456 cname:{{0b6c8e5a}}
"""

GSTREAMER = f"""v=0
o=- 5034867302438345113 0 IN IP4 0.0.0.0
s=-
t=0 0
a=ice-options:trickle
a=group:BUNDLE video0 audio1
m=video 9 UDP/TLS/RTP/SAVPF 97
c=IN IP4 0.0.0.0
{TRANSPORT}a=rtcp-mux
a=sendonly
a=mid:video0
a=rtpmap:97 VP8/90000
a=rtcp-fb:97 nack pli
m=audio 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
{TRANSPORT}a=rtcp-mux
a=sendonly
a=mid:audio1
a=rtpmap:96 OPUS/48000/2
a=rtcp-fb:96 nack
a=candidate:1 1 UDP 2015363327 192.0.2.9 36341 typ host
a=candidate:2 2 TCP 1015021823 fe80::1 9 typ host tcptype active
"""

OFFERS = {"Chromium": CHROMIUM, "Firefox": FIREFOX, "GStreamer": GSTREAMER}


def wire(text: str) -> bytes:
    """As it goes over the network."""
    return text.replace("\n", "\r\n").encode()


@dataclass
class SessionNames:
    """What a description says of a session (sfu.session.MediaSession)."""

    ufrag: str = "0a1b2c3d4e5f"
    pwd: str = "f" * 32
    cname: str = "c0ffee"
    mix_ssrc: int = 1_111
    slot_ssrcs: tuple[int, ...] = (2_001, 2_002, 2_003, 2_004)


@dataclass
class PlaneNames:
    """What a description says of a node (sfu.session.MediaPlane)."""

    fingerprint: tuple[str, str] = ("sha-256", ":".join(["CD"] * 32))
    candidates: tuple[Candidate, ...] = (Candidate("203.0.113.5", 8_081), Candidate("2001:db8::5", 8_081))
