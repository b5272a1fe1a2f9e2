"""SDP (RFC 8866, JSEP RFC 8829): what we read of a client's description, and the descriptions that we write. Pure.

Clients number codecs, extensions and mids as they like; whatever we answer is in their numbering.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from spaces.errors import RemoteError
from spaces.sfu.session import MediaSession, Reach, Receive, Remote, Send

SDP_BYTES_MAX = 65_536
LINES_MAX = 2_000
SECTIONS_MAX = 32

LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
KNOWN_HASHES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
"""Hash functions of fingerprints that we can check, and their length in bytes."""

OPUS, RED = 111, 63
"""The numbers in our own offers: Chromium's habit, which both browsers follow."""
LEVEL_ID = 1
OPUS_PARAMETERS = "minptime=10;useinbandfec=1"

_MLINE = re.compile(r"m=(\w+) (\d{1,5}) ([A-Z/]+) ([\w .*+/-]+)", re.ASCII)
_RTPMAP = re.compile(r"(\d{1,3}) ([\w.-]+)/(\d{1,9})(?:/\d{1,9})?", re.ASCII)
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_TOKEN = re.compile(r"[!-~]{1,64}")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(slots=True)
class Section:
    """One m-section, as read."""

    kind: str
    protocol: str
    formats: str
    port: int
    mid: str | None = None
    direction: str = "sendrecv"
    rtpmaps: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Payload type → (encoding name in lower case, clock rate)."""
    parameters: dict[int, str] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    rtcp_mux: bool = False
    bundle_only: bool = False
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: str | None = None
    maxptime: int | None = None
    """Milliseconds of sound that a packet to this side may hold (RFC 8866 §6.5)."""
    ufrag: str | None = None

    @property
    def wanted(self) -> bool:
        """Port 0 refuses a section, but for one that is to share another's transport or not be at all (RFC 8843 §6)."""
        return self.port != 0 or self.bundle_only

    def opus(self) -> int | None:
        return next((number for number, name in self._codecs() if name == "opus"), None)

    def _codecs(self) -> Iterator[tuple[int, str]]:
        """Payload types with a clock of 48 kHz, in the order of preference; 64 to 95 would look like RTCP (RFC 5761 §4)."""
        for text in self.formats.split():
            number = int(text) if text.isdecimal() and len(text) <= 3 else -1
            name, rate = self.rtpmaps.get(number, ("", 0))
            if rate == 48_000 and not 64 <= number <= 95:
                yield number, name

    def red(self) -> int | None:
        """RED whose blocks are this section's Opus (RFC 2198; its fmtp lists the blocks' payload types)."""
        opus = self.opus()
        for number, name in self._codecs():
            blocks = self.parameters.get(number, "").split("/")
            if name == "red" and len(blocks) >= 2 and set(blocks) == {str(opus)}:
                return number
        return None


@dataclass(frozen=True, slots=True)
class Offer:
    """A WHIP or WHEP client's offer."""

    sections: tuple[Section, ...]
    audio: Section
    remote: Remote
    bundle: bool

    def receive(self) -> Receive:
        """What the client will send."""
        opus = self.audio.opus()
        assert opus is not None
        return Receive(opus, self.audio.red(), self.audio.extensions.get(LEVEL_URI))

    def send(self) -> Send:
        """How the client wants to be sent to."""
        opus = self.audio.opus()
        assert opus is not None
        return Send(opus, self.audio.red(), self.audio.maxptime)


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """The page's answer to an offer of ours."""

    remote: Remote
    receive: Receive | None
    send: Send


def parse_offer_untrusted(body: bytes, *, sending: bool | None = None) -> Offer:
    """The offer of somebody whom we are to send to (`sending`), or who is to send to us; None: either.

    Raises RemoteError: `bad_sdp`, `no_audio`, `no_opus`, `bad_fingerprint`.
    """
    sections, bundled = _parse_untrusted(body)
    audio = next((s for s in sections if s.kind == "audio" and s.wanted), None)
    if audio is None:
        raise RemoteError("no_audio", "the offer has no audio section")
    if audio.opus() is None:
        raise RemoteError("no_opus", "the audio section does not offer opus/48000")
    if not audio.rtcp_mux:
        raise RemoteError("bad_sdp", "the audio section lacks a=rtcp-mux: RTP and RTCP share our one port")
    if sending is not None and audio.direction not in ("sendrecv", "recvonly" if sending else "sendonly"):
        raise RemoteError("bad_sdp", f"the audio section is {audio.direction}: it cannot be answered")
    return Offer(tuple(sections), audio, _remote(audio, offer=True), audio.mid is not None and audio.mid in bundled)


def parse_page_answer_untrusted(body: str) -> PageAnswer:
    """Raises RemoteError: `bad_sdp`, `no_audio`, `no_opus`, `bad_fingerprint`."""
    sections, _ = _parse_untrusted(body.encode("utf-8", "surrogatepass"))
    mix = next((s for s in sections if s.mid == "mix" and s.wanted), None)
    if mix is None:
        raise RemoteError("no_audio", "the answer has no section with mid 'mix'")
    mic = next((s for s in sections if s.mid == "mic" and s.wanted), None)
    opus = mix.opus()
    if opus is None:
        raise RemoteError("no_opus", "the answer refuses opus")
    receive = None
    if mic is not None and mic.direction == "sendonly":
        mic_opus = mic.opus()
        if mic_opus is None:
            raise RemoteError("no_opus", "the answer refuses opus for the microphone")
        receive = Receive(mic_opus, mic.red(), mic.extensions.get(LEVEL_URI))
    return PageAnswer(_remote(mix, offer=False), receive, Send(opus, mix.red(), mix.maxptime))


def _remote(section: Section, *, offer: bool) -> Remote:
    if not section.fingerprints:
        raise RemoteError("bad_fingerprint", "no a=fingerprint")
    known = tuple(f for f in section.fingerprints if f[0] in KNOWN_HASHES)
    if not known:
        raise RemoteError("bad_fingerprint", "none of the hash functions sha-256, sha-384, sha-512")
    for algorithm, value in known:
        if not re.fullmatch("[0-9A-F]{2}(:[0-9A-F]{2})*", value) or len(value) != 3 * KNOWN_HASHES[algorithm] - 1:
            raise RemoteError("bad_fingerprint", f"not a {algorithm} fingerprint")
    if section.ufrag is None or not _UFRAG.fullmatch(section.ufrag):
        raise RemoteError("bad_sdp", "a=ice-ufrag is missing or malformed")
    setup = section.setup
    allowed = ("actpass", "active", "passive") if offer else ("active", "passive")
    if setup not in allowed:
        raise RemoteError("bad_sdp", f"a=setup must be one of {', '.join(allowed)}")
    return Remote(known, we_are_dtls_client=setup == "passive")


def _parse_untrusted(body: bytes) -> tuple[list[Section], set[str]]:
    """m-sections with session-level values inherited, and the mids in the first BUNDLE group."""
    if len(body) > SDP_BYTES_MAX:
        raise RemoteError("bad_sdp", "too long")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteError("bad_sdp", "not UTF-8") from None
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if not lines or lines[0] != "v=0":
        raise RemoteError("bad_sdp", "does not begin with v=0")
    if len(lines) > LINES_MAX:
        raise RemoteError("bad_sdp", "too many lines")
    session = Section("session", "", "", 0)
    bundled: set[str] = set()
    sections: list[Section] = []
    current = session
    for line in lines[1:]:
        if line.startswith("m="):
            match = _MLINE.fullmatch(line.strip())
            if match is None or len(sections) >= SECTIONS_MAX:
                raise RemoteError("bad_sdp", "m-line")
            current = Section(match[1], match[3], match[4], int(match[2]))
            current.direction = session.direction
            sections.append(current)
        elif line.startswith("a=group:BUNDLE") and current is session and not bundled:
            bundled = set(line.split()[1:])
        elif line.startswith("a="):
            _attribute_untrusted(current, line[2:].strip())
    for section in sections:
        section.fingerprints = section.fingerprints or session.fingerprints
        section.setup = section.setup or session.setup
        section.ufrag = section.ufrag or session.ufrag
    _share_transport(sections, bundled)
    return sections, bundled


def _share_transport(sections: list[Section], bundled: set[str]) -> None:
    """Sections that are nothing without their BUNDLE leave the transport to its first section (RFC 8843 §7.1.3)."""
    first = next((s for s in sections if s.mid in bundled and not s.bundle_only), None)
    for section in sections:
        section.bundle_only = section.bundle_only and section.mid in bundled and first is not None
        if first is not None and section.bundle_only:
            section.fingerprints = section.fingerprints or first.fingerprints
            section.setup = section.setup or first.setup
            section.ufrag = section.ufrag or first.ufrag
            section.rtcp_mux = section.rtcp_mux or first.rtcp_mux


def _attribute_untrusted(section: Section, attribute: str) -> None:
    name, _, value = attribute.partition(":")
    if name in _DIRECTIONS:
        section.direction = name
    elif name == "mid":
        if not _TOKEN.fullmatch(value):
            raise RemoteError("bad_sdp", "a=mid")
        section.mid = value
    elif name == "rtcp-mux":
        section.rtcp_mux = True
    elif name == "bundle-only":
        section.bundle_only = True
    elif name == "setup":
        section.setup = value
    elif name == "ice-ufrag":
        section.ufrag = value
    elif name == "fingerprint":
        algorithm, _, digest = value.partition(" ")
        section.fingerprints.append((algorithm.lower(), digest.strip().upper()))
    elif name == "maxptime":
        if value.isdecimal() and value.isascii() and 0 < len(value) <= 5:  # what cannot be read bounds nothing
            section.maxptime = int(value)
    elif name == "rtpmap":
        match = _RTPMAP.fullmatch(value)
        if match is None or not 0 <= int(match[1]) <= 127:
            raise RemoteError("bad_sdp", "a=rtpmap")
        section.rtpmaps[int(match[1])] = (match[2].lower(), int(match[3]))
    elif name == "fmtp":
        payload_type, _, parameters = value.partition(" ")
        if payload_type.isdecimal() and payload_type.isascii() and len(payload_type) <= 3:
            section.parameters[int(payload_type)] = parameters
    elif name == "extmap":
        number, _, rest = value.partition(" ")
        identifier = number.partition("/")[0]
        if not (identifier.isdecimal() and identifier.isascii() and len(identifier) <= 5):
            raise RemoteError("bad_sdp", "a=extmap")
        if 1 <= int(identifier) <= 255:  # others are offered without a number yet (RFC 8285 §7): not for us
            section.extensions[rest.split(" ")[0]] = int(identifier)


def answer(offer: Offer, session: MediaSession, plane: Reach, *, sending: bool) -> str:
    """The answer to a WHIP offer, or (`sending`) to a WHEP one; every section but the audio's is refused by port 0."""
    audio = offer.audio
    opus, red = audio.opus(), audio.red()
    lines = _session_lines(1)
    if offer.bundle and audio.mid is not None:
        lines.append(f"a=group:BUNDLE {audio.mid}")
    for section in offer.sections:
        if section is not audio:
            lines += [f"m={section.kind} 0 {section.protocol} {section.formats}", "c=IN IP4 0.0.0.0", "a=inactive"]
            if section.mid is not None:
                lines.append(f"a=mid:{section.mid}")
            continue
        formats = f"{opus}" if red is None else f"{opus} {red}"
        lines += _media_lines(session, plane, audio.protocol, formats)
        if audio.mid is not None:
            lines.append(f"a=mid:{audio.mid}")
        lines.append("a=setup:" + ("active" if offer.remote.we_are_dtls_client else "passive"))
        lines.append("a=sendonly" if sending else "a=recvonly")
        lines += _codec_lines(opus, red)
        if sending:
            lines += _source_lines(session.mix_ssrc, session.cname, "mix")
        else:
            for uri in (LEVEL_URI, MID_URI):
                if uri in audio.extensions:
                    lines.append(f"a=extmap:{audio.extensions[uri]} {uri}")
    return "\r\n".join(lines) + "\r\n"


def page_offer(session: MediaSession, plane: Reach, *, version: int, on_stage: bool) -> str:
    """Our offer to the page: the mix, the slots and the microphone, always all, directions as the role is.

    `version` grows by one with each offer of a session (RFC 3264 §8).
    """
    slots = [f"slot{i}" for i in range(len(session.slot_ssrcs))]
    lines = _session_lines(version)
    lines.append("a=group:BUNDLE " + " ".join(["mix", *slots, "mic"]))
    directions = {"mix": "sendonly", "mic": "recvonly" if on_stage else "inactive"}
    sources = {"mix": session.mix_ssrc} | dict(zip(slots, session.slot_ssrcs, strict=True))
    for mid in ["mix", *slots, "mic"]:
        lines += _media_lines(session, plane, "UDP/TLS/RTP/SAVPF", f"{OPUS} {RED}")
        lines += [f"a=mid:{mid}", "a=setup:actpass"]
        lines.append("a=" + directions.get(mid, "sendonly" if on_stage else "inactive"))
        lines += _codec_lines(OPUS, RED)
        if mid in sources:
            lines += _source_lines(sources[mid], session.cname, mid)
        else:
            lines.append(f"a=extmap:{LEVEL_ID} {LEVEL_URI}")
    return "\r\n".join(lines) + "\r\n"


def _session_lines(version: int) -> list[str]:
    return ["v=0", f"o=- 1 {version} IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite", "a=msid-semantic:WMS *"]


def _media_lines(session: MediaSession, plane: Reach, protocol: str, formats: str) -> list[str]:
    algorithm, fingerprint = plane.fingerprint
    lines = [f"m=audio 9 {protocol} {formats}", "c=IN IP4 0.0.0.0", "a=rtcp-mux"]
    lines += [f"a=ice-ufrag:{session.ufrag}", f"a=ice-pwd:{session.pwd}", f"a=fingerprint:{algorithm} {fingerprint}"]
    for index, candidate in enumerate(plane.candidates):
        # RFC 8445 §5.1.2.1: type preference of a host candidate 126; earlier candidates are preferred.
        priority = (126 << 24) | ((65_535 - index) << 8) | 255
        lines.append(f"a=candidate:{index + 1} 1 udp {priority} {candidate.address} {candidate.port} typ host")
    lines.append("a=end-of-candidates")
    return lines


def _codec_lines(opus: int | None, red: int | None) -> list[str]:
    lines = [f"a=rtpmap:{opus} opus/48000/2", f"a=fmtp:{opus} {OPUS_PARAMETERS}"]
    if red is not None:
        lines += [f"a=rtpmap:{red} red/48000/2", f"a=fmtp:{red} {opus}/{opus}"]
    return lines


def _source_lines(ssrc: int, cname: str, name: str) -> list[str]:
    return [f"a=msid:{cname} {name}", f"a=ssrc:{ssrc} cname:{cname}", f"a=ssrc:{ssrc} msid:{cname} {name}"]
