"""The socket's messages, as tagged structs: what a client may send, and what we send. PROTOCOL.md says what they mean."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from spaces.signaling.answers import AccountView, HandView, Problem, SpaceView, StageInvitationView, StageMemberView

Number = Annotated[int, Meta(ge=0, lt=2**53)]
BlockReason = Annotated[str, Meta(max_length=500)]
ReportReason = Literal["abuse", "spam", "illegal", "other"]
ReportDetail = Annotated[str, Meta(max_length=2_000)]
AccountId = Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")]

ANSWER_BYTES_MAX = 32_768
"""A page's SDP answer is about 4 kB."""


class FromClient(Struct, kw_only=True, frozen=True, tag_field="type"):
    id: Number


class Hello(FromClient, frozen=True, tag="hello"):
    v: Literal[1]
    token: str | None = None
    client: str = "default"
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
    | SpaceStart
    | SpaceEnd
)
Request = Listen | Answer | LeaveMedia | RoomRequest
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


class Welcome(Struct, kw_only=True, frozen=True, tag_field="type", tag="ok"):
    re: int
    you: SocketYou
    space: SpaceView
    hands: list[HandView] | UnsetType = UNSET
    """Only to host and co-hosts."""
    invitations: list[StageInvitationView] | UnsetType = UNSET
    """Only to host and co-hosts."""
    seq: int


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


class EndedEvent(Struct, kw_only=True, frozen=True, tag_field="type", tag="ended"):
    seq: int


NumberedEvent = SpaceEvent | StageEvent | HandsEvent | InvitationsEvent | RoleEvent | ClosingEvent | EndedEvent


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


class MediaState(Struct, kw_only=True, frozen=True, tag_field="type", tag="media"):
    session: str
    state: Literal["connected", "lost"]


class Evicted(Struct, kw_only=True, frozen=True, tag_field="type", tag="evicted"):
    problem: Problem


ServerMessage = (
    Ok | Welcome | Refused | NumberedEvent | Offer | Hand | Invited | Speaking | Count | MediaState | Evicted
)
