"""What is sent over HTTP around the talk: reactions, lines of the chat, pinned links and captions."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from spaces.signaling.messages_talk import Place
from spaces.talk.reactions import Reaction


class NewReaction(Struct, kw_only=True, frozen=True):
    reaction: Reaction


class NewLine(Struct, kw_only=True, frozen=True):
    text: Annotated[str, Meta(description="one line of 1 to 500 characters")]


class NewCaption(Struct, kw_only=True, frozen=True):
    """What the sender is saying, in words: so far, or finished."""

    text: Annotated[str, Meta(description="one line of 1 to 400 characters")]
    final: bool = True


class NewPin(Struct, kw_only=True, frozen=True):
    url: Annotated[str, Meta(description="https or http")]
    title: str = ""


class NewPinAt(NewPin, kw_only=True, frozen=True):
    """Or another title or place for one that is there."""

    place: Place | None = None
    """Among the others, from 0; left out: where it was, or last."""


class NewPins(Struct, kw_only=True, frozen=True):
    """All of them, in the order in which they are shown."""

    pins: Annotated[list[NewPin], Meta(max_length=100)]
