"""What two nodes say to each other of media sessions that one has for the other, as MessagePack on a WebSocket.

The *owner* has the Space: its room decides and describes. The *edge* has the client's media.
"""

from __future__ import annotations

import msgspec

from spaces.room_rules import Kind
from spaces.sfu.session import Closed as Why
from spaces.sfu.session import Spoken

VERSION = 1


class Hello(msgspec.Struct, tag="hello", frozen=True):
    """The edge's first word."""

    version: int
    algorithm: str
    fingerprint: str
    candidates: list[tuple[str, int]]
    tells: bool = False
    """What all are told of the moment need be said but once (Told)."""


class Want(msgspec.Struct, tag="want", frozen=True):
    """The edge wants the mix of a Space, in packets of so many frames; none: no more."""

    space: str
    frames: list[int]


class Open(msgspec.Struct, tag="open", frozen=True):
    """The owner has a client told, or is about to, that this session is at the edge."""

    session: str
    space: str
    owner: str
    ufrag: str
    pwd: str
    entry: str
    account: int | None
    client: str
    kind: Kind
    anonymous: bool
    address: str


class Start(msgspec.Struct, tag="start", frozen=True):
    session: str
    fingerprints: list[tuple[str, str]]
    we_are_dtls_client: bool


class Mix(msgspec.Struct, frozen=True):
    opus: int
    red: int | None
    milliseconds: int | None


class Flow(msgspec.Struct, tag="flow", frozen=True):
    """What is sent in a session from now on; nothing, if `mix` is None."""

    session: str
    mix: Mix | None


class Close(msgspec.Struct, tag="close", frozen=True):
    """The owner: no datagram after this."""

    session: str


class Moved(msgspec.Struct, tag="moved", frozen=True):
    """The owner has the Space no more; who has it is in the directory. Sessions go on until he speaks."""

    space: str


class Confirm(msgspec.Struct, tag="confirm", frozen=True):
    """The edge: DTLS is up. May media flow?"""

    session: str


class Confirmed(msgspec.Struct, tag="confirmed", frozen=True):
    session: str
    holds: bool


class Connected(msgspec.Struct, tag="connected", frozen=True):
    session: str


class Closed(msgspec.Struct, tag="closed", frozen=True):
    """The edge: a session ended by itself."""

    session: str
    why: Why


class Told(msgspec.Struct, tag="told", frozen=True):
    """The owner: this, a ready WebSocket frame, is for all sockets of the Space at the edge."""

    space: str
    frame: bytes


class Adopt(msgspec.Struct, tag="adopt", frozen=True):
    """The edge has this session of an owner before. Let it go on, or close it."""

    session: Open
    mix: Mix | None


# --- a Space on its way from one node to another (handover.py): the one that gives it up is an edge of the other's afterwards


class Leaving(msgspec.Struct, tag="leaving", frozen=True):
    """The edge will end soon: nobody new is to have his media there."""


class Moving(msgspec.Struct, tag="moving", frozen=True):
    """The owner: that node will have the Space in a moment. Tell it what is wanted."""

    space: str
    node: str
    url: str


class Take(msgspec.Struct, tag="take", frozen=True):
    """The edge has this Space, and gives it up: have it ready, silent."""

    space: str


class Taken(msgspec.Struct, tag="taken", frozen=True):
    """It is ready, or not to be had."""

    space: str
    ready: bool


class Gone(msgspec.Struct, tag="gone", frozen=True):
    """The edge is silent: the owner goes on air. Who was muted since the owner read what was stored is in it."""

    space: str
    muted: list[int]


class Speech(msgspec.Struct, tag="speech", frozen=True):
    """A packet of a speaker whom the one has, and the other needs: for its mix, or for those of the stage that it has."""

    space: str
    spoken: Spoken


class Quiet(msgspec.Struct, tag="quiet", frozen=True):
    """The owner: that one is not to be heard any more."""

    space: str
    owner: str


FromEdge = Hello | Want | Confirm | Connected | Closed | Adopt | Leaving | Take | Gone | Speech
FromOwner = Open | Start | Flow | Close | Moved | Confirmed | Moving | Taken | Speech | Quiet | Told
