"""What one node says to another over HTTP carries a stamp: for whom it speaks, when, and that it has the nodes' own key.

    X-Spaces-Node: v1;NODE;CLIENT_ADDRESS;MILLISECONDS;HEX

The last is HMAC-SHA256 over the rest, the method and the path: a stamp is good for one address, for STAMP_SECONDS_MAX.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from aiohttp import web

from spaces.errors import RemoteError

HEADER = "X-Spaces-Node"
STAMP_SECONDS_MAX = 30.0
"""Clocks of nodes may be some seconds apart."""
VERSION = "v1"


@dataclass(frozen=True, slots=True)
class Stamp:
    node: str
    """The node that the client has reached."""
    client: str
    """The client's address, as that node counts it."""


def make_stamp(stamp: Stamp, key: bytes, method: str, path: str, now: float) -> str:
    """`path` with its query; `now` as Unix time."""
    said = f"{VERSION};{stamp.node};{stamp.client};{int(now * 1_000)}"
    return f"{said};{_mac(said, key, method, path)}"


def read_stamp_untrusted(text: str, key: bytes, method: str, path: str, now: float) -> Stamp:
    """Raises RemoteError `stamp_malformed`, `stamp_version`, `stamp_forged` or `stamp_old`."""
    parts = text.split(";")
    if len(parts) != 5 or not text.isascii():
        raise RemoteError("stamp_malformed")
    version, node, client, at, mac = parts
    if version != VERSION:
        raise RemoteError("stamp_version")
    if not hmac.compare_digest(_mac(";".join(parts[:4]), key, method, path), mac):
        raise RemoteError("stamp_forged")
    if not at.isdecimal() or abs(int(at) / 1_000 - now) > STAMP_SECONDS_MAX:
        raise RemoteError("stamp_old")
    return Stamp(node, client)


def _mac(said: str, key: bytes, method: str, path: str) -> str:
    return hmac.new(key, f"{said}\n{method}\n{path}".encode(), hashlib.sha256).hexdigest()


SENDER: web.RequestKey[Stamp] = web.RequestKey("node_stamp", Stamp)
"""Of a request that another node passes on."""
