"""What may happen in a Space, as data: its states and roles, and who may do what when.

Three tables: TRANSITIONS (state × act → state; what is missing is refused), OPEN_IN (act → the states it is possible
in) and PERMISSIONS (act → the roles it is allowed to). `spaces/permissions.py` prints them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping


class State(enum.StrEnum):
    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"
    CANCELLED = "cancelled"


class Role(enum.StrEnum):
    HOST = "host"
    COHOST = "cohost"
    SPEAKER = "speaker"
    LISTENER = "listener"


class Kind(enum.StrEnum):
    """The ways to be in a Space; a seat holds at most one session of each."""

    WHIP = "whip"
    WHEP = "whep"
    SOCKET = "socket"


class Asking(enum.StrEnum):
    """Who of the audience may ask to speak."""

    EVERYONE = "everyone"
    SUBSCRIBERS = "subscribers"
    """Who has a right to any tier of the creator."""
    NOBODY = "nobody"


class ChatPolicy(enum.StrEnum):
    """Who of the audience may write in the backchannel chat; the stage may unless it is off."""

    OFF = "off"
    EVERYONE = "everyone"
    SUBSCRIBERS = "subscribers"
    """Who has a right to any tier of the creator."""


class CaptionsPolicy(enum.StrEnum):
    """Where captions come from."""

    OFF = "off"
    SPEAKERS = "speakers"
    """From speakers' own clients."""
    SERVER = "server"
    """And, of those who send none, from the server's engine."""


class Act(enum.StrEnum):
    """What one may try to do; the keys of the tables below."""

    START = "start"
    END = "end"
    CANCEL = "cancel"
    EDIT = "edit"
    EDIT_ACCESS = "edit_access"
    EDIT_CAPACITY = "edit_capacity"
    EDIT_ASKING = "edit_asking"
    EDIT_CHAT = "edit_chat"
    EDIT_CAPTIONS = "edit_captions"
    RESCHEDULE = "reschedule"
    LOCK = "lock"
    HAND_OVER = "hand_over"
    INVITE = "invite"
    """To come in, where the policy asks for an invitation."""
    BRING_TO_STAGE = "bring_to_stage"
    TAKE_FROM_STAGE = "take_from_stage"
    TAKE_COHOST_FROM_STAGE = "take_cohost_from_stage"
    LEAVE_STAGE = "leave_stage"
    INVITE_TO_STAGE = "invite_to_stage"
    ANSWER_INVITATION = "answer_invitation"
    MAKE_GUEST_LINK = "make_guest_link"
    USE_GUEST_LINK = "use_guest_link"
    RAISE_HAND = "raise_hand"
    LOWER_HAND = "lower_hand"
    ANSWER_HAND = "answer_hand"
    MUTE_SELF = "mute_self"
    MUTE_OTHER = "mute_other"
    MUTE_ALL = "mute_all"
    REACT = "react"
    WRITE = "write"
    """In the backchannel chat."""
    DELETE_OWN_LINE = "delete_own_line"
    DELETE_LINE = "delete_line"
    PIN = "pin"
    CAPTION = "caption"
    """What one says oneself."""
    REMOVE = "remove"
    REMOVE_COHOST = "remove_cohost"
    BLOCK = "block"
    BLOCK_COHOST = "block_cohost"
    UNBLOCK = "unblock"
    USE_STINGERS = "use_stingers"
    """Short sounds: add, list, delete, play, stop."""
    REPORT = "report"
    REMIND = "remind"
    """To ask for a word when it begins, is moved or cancelled."""
    SEE_HANDS = "see_hands"
    SEE_INVITATIONS = "see_invitations"
    SEE_BLOCKS = "see_blocks"
    SEE_AUDIENCE = "see_audience"
    """Those of it who have signed in; for who is in too."""
    SEE_HEALTH = "see_health"
    """How well each speaker's sound gets here."""
    SEE_CHAT_LOG = "see_chat_log"
    """Also when it is over; before, whoever may come in sees the chat."""


TRANSITIONS: Mapping[tuple[State, Act], State] = {
    (State.SCHEDULED, Act.START): State.LIVE,
    (State.SCHEDULED, Act.CANCEL): State.CANCELLED,
    (State.LIVE, Act.END): State.ENDED,
}

BEFORE_END = frozenset({State.SCHEDULED, State.LIVE})
LIVE = frozenset({State.LIVE})
ALWAYS = frozenset(State)
OPEN_IN: Mapping[Act, frozenset[State]] = {
    **{act: frozenset(state for state, other in TRANSITIONS if other is act) for _, act in TRANSITIONS},
    Act.EDIT: BEFORE_END,
    Act.EDIT_ACCESS: BEFORE_END,
    Act.EDIT_CAPACITY: BEFORE_END,
    Act.EDIT_ASKING: BEFORE_END,
    Act.EDIT_CHAT: BEFORE_END,
    Act.EDIT_CAPTIONS: BEFORE_END,
    Act.RESCHEDULE: frozenset({State.SCHEDULED}),
    Act.LOCK: BEFORE_END,
    Act.HAND_OVER: BEFORE_END,
    Act.BRING_TO_STAGE: BEFORE_END,
    Act.TAKE_FROM_STAGE: BEFORE_END,
    Act.TAKE_COHOST_FROM_STAGE: BEFORE_END,
    Act.LEAVE_STAGE: BEFORE_END,
    Act.INVITE: frozenset({State.SCHEDULED, State.LIVE, State.ENDED}),  # what is over may be heard again
    Act.INVITE_TO_STAGE: BEFORE_END,
    Act.ANSWER_INVITATION: BEFORE_END,
    Act.MAKE_GUEST_LINK: BEFORE_END,
    Act.USE_GUEST_LINK: BEFORE_END,
    Act.RAISE_HAND: LIVE,
    Act.LOWER_HAND: LIVE,
    Act.ANSWER_HAND: LIVE,
    Act.MUTE_SELF: BEFORE_END,
    Act.MUTE_OTHER: BEFORE_END,
    Act.MUTE_ALL: BEFORE_END,
    Act.REACT: LIVE,
    Act.WRITE: LIVE,
    Act.DELETE_OWN_LINE: ALWAYS,
    Act.DELETE_LINE: ALWAYS,
    Act.PIN: BEFORE_END,
    Act.CAPTION: LIVE,
    Act.REMOVE: BEFORE_END,
    Act.REMOVE_COHOST: BEFORE_END,
    Act.BLOCK: ALWAYS,  # also when it is over: for the creator's later Spaces
    Act.BLOCK_COHOST: ALWAYS,
    Act.UNBLOCK: ALWAYS,
    Act.USE_STINGERS: BEFORE_END,  # the stage tries them in the green room
    Act.REPORT: ALWAYS,
    Act.REMIND: frozenset({State.SCHEDULED}),
    Act.SEE_HANDS: BEFORE_END,
    Act.SEE_INVITATIONS: BEFORE_END,
    Act.SEE_BLOCKS: ALWAYS,
    Act.SEE_AUDIENCE: BEFORE_END,
    Act.SEE_HEALTH: BEFORE_END,
    Act.SEE_CHAT_LOG: ALWAYS,
}

HOST = frozenset({Role.HOST})
HOSTS = frozenset({Role.HOST, Role.COHOST})
AUDIENCE = frozenset({Role.LISTENER})
EVERYBODY = frozenset(Role)
STAGE = EVERYBODY - AUDIENCE
PERMISSIONS: Mapping[Act, frozenset[Role]] = {
    Act.START: HOSTS,
    Act.END: HOST,
    Act.CANCEL: HOST,
    Act.EDIT: HOSTS,
    Act.EDIT_ACCESS: HOST,
    Act.EDIT_CAPACITY: HOST,
    Act.EDIT_ASKING: HOSTS,
    Act.EDIT_CHAT: HOSTS,
    Act.EDIT_CAPTIONS: HOSTS,
    Act.RESCHEDULE: HOST,
    Act.LOCK: HOSTS,
    Act.HAND_OVER: HOST,
    Act.INVITE: HOSTS,
    Act.BRING_TO_STAGE: HOSTS,
    Act.TAKE_FROM_STAGE: HOSTS,
    Act.TAKE_COHOST_FROM_STAGE: HOST,
    Act.LEAVE_STAGE: frozenset({Role.COHOST, Role.SPEAKER}),
    Act.INVITE_TO_STAGE: HOSTS,
    Act.ANSWER_INVITATION: AUDIENCE,
    Act.MAKE_GUEST_LINK: HOSTS,
    Act.USE_GUEST_LINK: AUDIENCE,
    Act.RAISE_HAND: AUDIENCE,
    Act.LOWER_HAND: EVERYBODY,  # who is on stage has none up: nothing happens
    Act.ANSWER_HAND: HOSTS,
    Act.MUTE_SELF: STAGE,
    Act.MUTE_OTHER: HOSTS,
    Act.MUTE_ALL: HOSTS,
    Act.REACT: EVERYBODY,
    Act.WRITE: EVERYBODY,
    Act.DELETE_OWN_LINE: EVERYBODY,
    Act.DELETE_LINE: HOSTS,
    Act.PIN: HOSTS,
    Act.CAPTION: STAGE,
    Act.REMOVE: HOSTS,
    Act.REMOVE_COHOST: HOST,
    Act.BLOCK: HOSTS,
    Act.BLOCK_COHOST: HOST,
    Act.UNBLOCK: HOSTS,
    Act.USE_STINGERS: HOSTS,
    Act.REPORT: EVERYBODY,
    Act.REMIND: EVERYBODY,
    Act.SEE_HANDS: HOSTS,
    Act.SEE_INVITATIONS: HOSTS,
    Act.SEE_BLOCKS: HOSTS,
    Act.SEE_AUDIENCE: EVERYBODY,
    Act.SEE_HEALTH: HOSTS,
    Act.SEE_CHAT_LOG: HOSTS,
}

JOINABLE: Mapping[Kind, frozenset[State]] = {
    Kind.WHIP: BEFORE_END,  # the green room: the stage connects and checks its sound
    Kind.WHEP: LIVE,
    Kind.SOCKET: BEFORE_END,  # whoever waits for the start is told of it
}


def allowed(role: Role, act: Act, state: State) -> bool:
    """One cell of the table: may this role do this in this state?"""
    return role in PERMISSIONS[act] and state in OPEN_IN[act]
