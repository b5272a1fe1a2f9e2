"""What the audit log is told of acts in a Space: those over others and over the Space; not one's own hand and mute.

Of blocks access tells it itself, in the same transaction: it locks the pair of accounts before it writes to the log, as
everybody does who does both.
"""

from __future__ import annotations

from typing import Any

from spaces.db.store import Note
from spaces.room_commands import (
    AcceptHand,
    AcceptInvitation,
    BringToStage,
    Cancel,
    DeclineHand,
    DeclineInvitation,
    Edit,
    End,
    EndAbandoned,
    EndSuspended,
    HandOver,
    Invite,
    Lasting,
    MuteAll,
    MuteOther,
    PinLink,
    Remove,
    SetLock,
    SetPins,
    Start,
    StoredAfter,
    TakeFromStage,
    Uninvite,
    UnpinLink,
    UseGuestLink,
)

ACTIONS: dict[type, str] = {
    Start: "space.started",
    End: "space.ended",
    EndAbandoned: "space.abandoned",
    EndSuspended: "space.ended_suspended",
    Cancel: "space.cancelled",
    Edit: "space.edited",
    SetLock: "space.lock",
    HandOver: "space.handed_over",
    BringToStage: "stage.brought_up",
    TakeFromStage: "stage.taken_down",
    AcceptHand: "hand.accepted",
    DeclineHand: "hand.declined",
    Invite: "invitation.made",
    Uninvite: "invitation.taken_back",
    AcceptInvitation: "invitation.accepted",
    DeclineInvitation: "invitation.declined",
    UseGuestLink: "guest_link.used",
    PinLink: "link.pinned",
    UnpinLink: "link.unpinned",
    SetPins: "links.set",
    MuteOther: "stage.muted",
    MuteAll: "stage.all_muted",
    Remove: "space.removed",
}
EDITED = (
    "title", "topics", "language", "access", "scheduled_start", "time_zone", "capacity", "asking", "asking_seconds",
    "chat", "chat_seconds", "captions",
)  # fmt: skip


def note_of(command: Lasting | StoredAfter) -> Note | None:
    """None: nobody else is concerned."""
    action = ACTIONS.get(type(command))
    if action is None:
        return None
    body: dict[str, Any] = {}
    match command:
        case SetLock(_, locked):
            body["locked"] = locked
        case BringToStage(_, _, role) | Invite(_, _, _, role):
            body["role"] = str(role)
        case PinLink(_, pin):
            body["url"] = pin.url
        case UnpinLink(_, url):
            body["url"] = url
        case SetPins(_, pins):
            body["urls"] = [pin.url for pin in pins]
        case Edit():
            body["fields"] = [name for name in EDITED if getattr(command, name) is not None]
    return Note(action, command.by, getattr(command, "account", None), body)
