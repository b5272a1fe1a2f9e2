"""The socket's messages around the talk: reactions, the chat, pinned links, captions."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from spaces.signaling.answers_talk import ChatLineView, PinView
from spaces.signaling.messages_common import AccountId, FromClient
from spaces.talk.reactions import Reaction

Place = Annotated[int, Meta(ge=0, le=1_000)]
LineId = Annotated[str, Meta(pattern=r"^[0-9]{1,18}$")]


class React(FromClient, kw_only=True, frozen=True, tag="react"):
    reaction: Reaction


class ChatWrite(FromClient, kw_only=True, frozen=True, tag="chat.write"):
    text: str


class ChatDelete(FromClient, kw_only=True, frozen=True, tag="chat.delete"):
    line: LineId


class ChatClear(FromClient, kw_only=True, frozen=True, tag="chat.clear"):
    """Everything that this account has written here."""

    account: AccountId


class PinAdd(FromClient, kw_only=True, frozen=True, tag="pin.add"):
    """Or give one that is there another title or place."""

    url: str
    title: str = ""
    place: Place | None = None


class PinRemove(FromClient, kw_only=True, frozen=True, tag="pin.remove"):
    url: str


class CaptionsWanted(FromClient, kw_only=True, frozen=True, tag="captions"):
    on: bool


class CaptionSay(FromClient, kw_only=True, frozen=True, tag="caption"):
    """What the sender is saying, in words: so far, or finished."""

    text: str
    final: bool


TalkRequest = React | ChatWrite | ChatDelete | ChatClear | PinAdd | PinRemove | CaptionsWanted | CaptionSay


# --- events with a number


class ChatEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="chat"):
    seq: int
    line: ChatLineView


class ChatDeletedEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="chat.deleted"):
    seq: int
    line: str


class ChatClearedEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="chat.cleared"):
    seq: int
    account: str


class PinsEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="pins"):
    seq: int
    pins: list[PinView]


NumberedTalkEvent = ChatEvent | ChatDeletedEvent | ChatClearedEvent | PinsEvent


# --- events of the moment


class ReactionsTold(Struct, kw_only=True, frozen=True, tag_field="type", tag="reactions"):
    counts: dict[str, int]
    """How often each was tapped since the last of these."""


class CaptionTold(Struct, kw_only=True, frozen=True, tag_field="type", tag="caption"):
    account: str
    text: str
    final: bool
    source: Literal["speaker", "server"]
    earlier: bool | UnsetType = UNSET
    """Said before captions were asked for."""
