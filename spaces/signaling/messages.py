"""The socket's messages, as tagged structs: what a client may send, and what we send. PROTOCOL.md says what they mean."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from spaces.signaling.answers import (
    AccountView,
    AudienceView,
    HandView,
    Problem,
    SpaceView,
    StageInvitationView,
    StageMemberView,
)
from spaces.signaling.answers_talk import ChatLineView, PinView
from spaces.signaling.messages_common import AccountId, FromClient, Number
from spaces.signaling.messages_talk import CaptionTold, NumberedTalkEvent, ReactionsTold, TalkRequest
from spaces.signaling.patterns import LINES, PERHAPS_ONE_LINE

BlockReason = Annotated[str, Meta(max_length=500, pattern=PERHAPS_ONE_LINE)]
ReportReason = Literal["abuse", "spam", "illegal", "other"]
ReportDetail = Annotated[str, Meta(max_length=2_000, pattern=LINES)]

ANSWER_BYTES_MAX = 32_768
"""A page's SDP answer is about 4 kB."""


class Hello(FromClient, frozen=True, tag="hello"):
    v: Literal[1]
    token: str | None = None
    client: str = "default"
    anonymous: bool = False
    """Of who is signed in: not to be told to others as listening."""
    cursor: Number | None = None


class Listen(FromClient, frozen=True, tag="listen"):
    pass


class Answer(FromClient, frozen=True, tag="answer"):
    session: str
    sdp: Annotated[str, Meta(max_length=ANSWER_BYTES_MAX)]


class LeaveMedia(FromClient, frozen=True, tag="leave"):
    pass


class HandRaise(FromClient, frozen=True, tag="hand.raise"):
    pass


class HandLower(FromClient, frozen=True, tag="hand.lower"):
    pass


class HandAccept(FromClient, frozen=True, tag="hand.accept"):
    account: AccountId


class HandDecline(FromClient, frozen=True, tag="hand.decline"):
    account: AccountId


class SpeakerRemove(FromClient, frozen=True, tag="speaker.remove"):
    account: AccountId


class Mute(FromClient, frozen=True, tag="mute"):
    muted: bool


class SpeakerMute(FromClient, frozen=True, tag="speaker.mute"):
    account: AccountId


class StageMute(FromClient, frozen=True, tag="stage.mute"):
    """Everybody but the host and who asks it."""


class StageInvite(FromClient, frozen=True, tag="stage.invite"):
    account: AccountId
    role: Literal["speaker", "cohost"] = "speaker"


class StageUninvite(FromClient, frozen=True, tag="stage.uninvite"):
    account: AccountId


class InvitationAccept(FromClient, frozen=True, tag="invitation.accept"):
    pass


class InvitationDecline(FromClient, frozen=True, tag="invitation.decline"):
    pass


class AccountRemove(FromClient, frozen=True, tag="account.remove"):
    account: AccountId


class AccountBlock(FromClient, frozen=True, tag="account.block"):
    account: AccountId
    reason: BlockReason = ""


class AccountUnblock(FromClient, frozen=True, tag="account.unblock"):
    account: AccountId


class SpaceLock(FromClient, frozen=True, tag="space.lock"):
    locked: bool


class SpaceHandOver(FromClient, frozen=True, tag="space.hand_over"):
    account: AccountId


class SpaceReport(FromClient, kw_only=True, frozen=True, tag="report"):
    """Without an account: the Space as a whole."""

    account: AccountId | None = None
    reason: ReportReason
    detail: ReportDetail = ""


class StingerPlay(FromClient, kw_only=True, frozen=True, tag="stinger.play"):
    stinger: AccountId


class StingerStop(FromClient, frozen=True, tag="stinger.stop"):
    pass


class Audience(FromClient, kw_only=True, frozen=True, tag="audience"):
    """Who listens, from behind that account on."""

    after: AccountId = "0"


class SpaceStart(FromClient, frozen=True, tag="space.start"):
    pass


class SpaceEnd(FromClient, frozen=True, tag="space.end"):
    pass


RoomRequest = (
    HandRaise
    | HandLower
    | HandAccept
    | HandDecline
    | SpeakerRemove
    | Mute
    | SpeakerMute
    | StageMute
    | StageInvite
    | StageUninvite
    | InvitationAccept
    | InvitationDecline
    | AccountRemove
    | AccountBlock
    | AccountUnblock
    | SpaceLock
    | SpaceHandOver
    | SpaceReport
    | StingerPlay
    | StingerStop
    | SpaceStart
    | SpaceEnd
)
Request = Listen | Answer | LeaveMedia | Audience | RoomRequest | TalkRequest
ClientMessage = Hello | Request


# --- replies


class Ok(Struct, kw_only=True, frozen=True, tag_field="type", tag="ok"):
    re: int


class SocketYou(Struct, kw_only=True, frozen=True):
    account: AccountView | None
    role: Literal["host", "cohost", "speaker", "listener"]
    seat: str
    muted: bool
    hand: bool
    """Whether your hand is up."""
    invitation: StageInvitationView | None
    """To the stage, for you."""


class StingerPlaying(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    seconds: float
    by: AccountView


class Welcome(Struct, kw_only=True, frozen=True, tag_field="type", tag="ok"):
    re: int
    you: SocketYou
    space: SpaceView
    hands: list[HandView] | UnsetType = UNSET
    """Only to host and co-hosts."""
    invitations: list[StageInvitationView] | UnsetType = UNSET
    """Only to host and co-hosts."""
    stinger: StingerPlaying | None
    """What is played."""
    chat: list[ChatLineView]
    """Its last lines, the oldest first."""
    pins: list[PinView]
    seq: int
    resumed: bool
    """What was missed since the cursor follows, all of it; if not, this snapshot is all there is."""


class AudienceOk(Struct, kw_only=True, frozen=True, tag_field="type", tag="ok"):
    re: int
    audience: AudienceView


class Refused(Struct, kw_only=True, frozen=True, tag_field="type", tag="error"):
    re: int | None
    """None: the message could not be read that far."""
    problem: Problem


# --- events with a number, which a cursor brings back


class SpaceEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="space"):
    seq: int
    space: SpaceView


class StageEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="stage"):
    seq: int
    stage: list[StageMemberView]


class HandsEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="hands"):
    seq: int
    hands: list[HandView]


class InvitationsEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="invitations"):
    seq: int
    invitations: list[StageInvitationView]


class ClosingEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="closing"):
    """No host or co-host is there: it ends then. None: one is back."""

    seq: int
    at: datetime | None


class RoleEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="role"):
    seq: int
    account: str
    role: Literal["host", "cohost", "speaker", "listener"]


class StingerEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="stinger"):
    """A sound is played to everybody; None: none is any more."""

    seq: int
    playing: StingerPlaying | None


class EndedEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="ended"):
    seq: int


NumberedEvent = (
    SpaceEvent
    | StageEvent
    | HandsEvent
    | InvitationsEvent
    | RoleEvent
    | ClosingEvent
    | StingerEvent
    | EndedEvent
    | NumberedTalkEvent
)


# --- events of the moment


class IceServer(Struct, kw_only=True, frozen=True):
    """A TURN server, as RTCPeerConnection takes it."""

    urls: list[str]
    username: str
    credential: str


class Offer(Struct, kw_only=True, frozen=True, tag_field="type", tag="offer"):
    session: str
    sdp: str
    ice_servers: list[IceServer] | UnsetType = UNSET


class Hand(Struct, kw_only=True, frozen=True, tag_field="type", tag="hand"):
    """Your own hand."""

    raised: bool


class Invited(Struct, kw_only=True, frozen=True, tag_field="type", tag="invitation"):
    """To the stage, for you; None: not any more."""

    invitation: StageInvitationView | None


class Speaking(Struct, kw_only=True, frozen=True, tag_field="type", tag="speaking"):
    levels: dict[str, float]
    """dBFS by account id."""


class Count(Struct, kw_only=True, frozen=True, tag_field="type", tag="count"):
    listeners: int
    peak_listeners: int


class MediaState(Struct, kw_only=True, frozen=True, tag_field="type", tag="media"):
    session: str
    state: Literal["connected", "lost"]


class Evicted(Struct, kw_only=True, frozen=True, tag_field="type", tag="evicted"):
    problem: Problem


ServerMessage = (
    Ok
    | Welcome
    | AudienceOk
    | Refused
    | NumberedEvent
    | Offer
    | Hand
    | Invited
    | Speaking
    | Count
    | MediaState
    | Evicted
    | ReactionsTold
    | CaptionTold
)
