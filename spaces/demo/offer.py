"""The SDP of a light client: one audio section, Opus only, offered by us and answered by the server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

from aiortc.rtcdtlstransport import RTCDtlsFingerprint
from aiortc.sdp import SessionDescription

LEVEL_EXTENSION = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
"""RFC 6464."""

Direction = Literal["sendonly", "recvonly"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client needs of the server's answer."""

    ufrag: str
    pwd: str
    candidates: list[tuple[str, int]]
    fingerprints: list[RTCDtlsFingerprint]
    setup: str
    opus_payload_type: int
    red_payload_type: int | None
    level_extension_id: int | None
    ssrc: int | None
    """The source that the server announced (`a=ssrc`), if it sends."""


class AnswerError(ConnectionError):
    """The server's answer lacks what a client needs."""


def offer(
    direction: Direction,
    *,
    ufrag: str,
    pwd: str,
    fingerprint: str,
    ssrc: int,
    cname: str,
    opus_payload_type: int = 111,
    red_payload_type: int | None = None,
    level_extension_id: int = 1,
    port: int = 9,
) -> str:
    """An offer of one Opus section, with RED (RFC 2198) if that has a number.

    Candidates are left out: an ICE-lite server needs none.
    """
    pt, red = opus_payload_type, red_payload_type
    numbers = str(pt) if red is None else f"{pt} {red}"
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        f"m=audio {port} UDP/TLS/RTP/SAVPF {numbers}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp-mux",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{pwd}",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=setup:actpass",
        "a=mid:0",
        f"a={direction}",
        f"a=extmap:{level_extension_id} {LEVEL_EXTENSION}",
        f"a=rtpmap:{pt} opus/48000/2",
        f"a=fmtp:{pt} minptime=10;useinbandfec=1",
    ]
    if red is not None:
        lines += [f"a=rtpmap:{red} red/48000/2", f"a=fmtp:{red} {pt}/{pt}"]
    if direction == "sendonly":
        lines.append(f"a=ssrc:{ssrc} cname:{cname}")
    return "\r\n".join(lines) + "\r\n"


def read_answer(text: str) -> Answer:
    """Raises AnswerError, naming what is missing."""
    try:
        description = SessionDescription.parse(text)
        media = next(m for m in description.media if m.kind == "audio" and m.port)
        codec = next(c for c in media.rtp.codecs if c.mimeType.lower() == "audio/opus")
    except (StopIteration, ValueError, AssertionError) as error:
        raise AnswerError(f"no Opus section in the answer ({type(error).__name__})") from error
    ice, dtls = media.ice, media.dtls
    if ice is None or not (ice.usernameFragment and ice.password) or dtls is None or not dtls.fingerprints:
        raise AnswerError("the answer lacks ICE or DTLS parameters")
    assert codec.payloadType is not None, "read from an rtpmap line"
    red = next((c.payloadType for c in media.rtp.codecs if c.mimeType.lower() == "audio/red"), None)
    level = next((e.id for e in media.rtp.headerExtensions if e.uri == LEVEL_EXTENSION), None)
    return Answer(
        ufrag=ice.usernameFragment,
        pwd=ice.password,
        candidates=[(c.ip, c.port) for c in media.ice_candidates if c.protocol.lower() == "udp" and c.component == 1],
        fingerprints=dtls.fingerprints,
        setup={"server": "passive", "client": "active"}.get(dtls.role, "passive"),
        opus_payload_type=codec.payloadType,
        red_payload_type=red,
        level_extension_id=level,
        ssrc=media.ssrc[0].ssrc if media.ssrc else None,
    )
