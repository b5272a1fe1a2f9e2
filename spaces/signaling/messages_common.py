"""What every message of the socket is made with."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from spaces.signaling.patterns import ID

Number = Annotated[int, Meta(ge=0, lt=2**53)]
AccountId = Annotated[str, Meta(pattern=ID)]


class FromClient(Struct, kw_only=True, frozen=True, tag_field="type"):
    id: Number
