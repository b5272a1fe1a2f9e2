"""A light client's SDP answer to a server that makes the offer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spaces.demo.link import Link

MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class Section:
    """What an offer says of one m-line; `direction` as the server sees it."""

    mid: str
    direction: str
    source: int | None


def answer(offer: str, link: Link, *, setup: str = "active") -> tuple[str, list[Section]]:
    """Take everything that is offered, by default as the DTLS client; the answer, and what was offered."""
    head, *parts = re.split(r"(?=^m=)", offer.replace("\r\n", "\n"), flags=re.MULTILINE)
    lines = ["v=0", "o=- 7 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    lines += [line for line in head.splitlines() if line.startswith("a=group:")]
    sections = []
    for part in parts:
        mid, direction = _one(r"a=mid:(\S+)", part), _one(r"a=(sendonly|recvonly|inactive)$", part)
        source = re.search(r"a=ssrc:(\d+)", part)
        sections.append(Section(mid, direction, int(source[1]) if source else None))
        lines += [part.splitlines()[0], "c=IN IP4 0.0.0.0", "a=rtcp-mux", f"a=mid:{mid}", f"a=setup:{setup}"]
        lines += [f"a=ice-ufrag:{link.ice.ufrag}", f"a=ice-pwd:{link.ice.pwd}"]
        lines += [f"a=fingerprint:sha-256 {link.fingerprint}", f"a={MIRROR[direction]}"]
        lines += [line for line in part.splitlines() if line.startswith(("a=rtpmap", "a=fmtp", "a=extmap"))]
    return "\r\n".join(lines) + "\r\n", sections


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None, (pattern, text)
    return found[1]
