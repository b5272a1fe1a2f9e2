"""What may happen in a Space, as data: its states and roles, and who may do what when.

Three tables: TRANSITIONS (state × act → state; what is missing is refused), OPEN_IN (act → the states it is possible
in) and PERMISSIONS (act → the roles it is allowed to).
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


class Act(enum.StrEnum):
    """What one may try to do; the keys of the tables below."""

    START = "start"
    END = "end"
    CANCEL = "cancel"
    EDIT = "edit"
    EDIT_ACCESS = "edit_access"
    RESCHEDULE = "reschedule"
    BRING_TO_STAGE = "bring_to_stage"
    INVITE = "invite"
    TAKE_FROM_STAGE = "take_from_stage"
    TAKE_COHOST_FROM_STAGE = "take_cohost_from_stage"
    LEAVE_STAGE = "leave_stage"
    RAISE_HAND = "raise_hand"
    ANSWER_HAND = "answer_hand"
    MUTE_SELF = "mute_self"
    MUTE_OTHER = "mute_other"
    SEE_HANDS = "see_hands"


TRANSITIONS: Mapping[tuple[State, Act], State] = {
    (State.SCHEDULED, Act.START): State.LIVE,
    (State.SCHEDULED, Act.CANCEL): State.CANCELLED,
    (State.LIVE, Act.END): State.ENDED,
}

BEFORE_END = frozenset({State.SCHEDULED, State.LIVE})
OPEN_IN: Mapping[Act, frozenset[State]] = {
    Act.EDIT: BEFORE_END,
    Act.EDIT_ACCESS: BEFORE_END,
    Act.RESCHEDULE: frozenset({State.SCHEDULED}),
    Act.INVITE: BEFORE_END,
    Act.BRING_TO_STAGE: BEFORE_END,
    Act.TAKE_FROM_STAGE: BEFORE_END,
    Act.TAKE_COHOST_FROM_STAGE: BEFORE_END,
    Act.LEAVE_STAGE: BEFORE_END,
    Act.RAISE_HAND: frozenset({State.LIVE}),
    Act.ANSWER_HAND: frozenset({State.LIVE}),
    Act.MUTE_SELF: BEFORE_END,
    Act.MUTE_OTHER: BEFORE_END,
}

HOSTS = frozenset({Role.HOST, Role.COHOST})
PERMISSIONS: Mapping[Act, frozenset[Role]] = {
    Act.START: HOSTS,
    Act.END: frozenset({Role.HOST}),
    Act.CANCEL: frozenset({Role.HOST}),
    Act.EDIT: HOSTS,
    Act.EDIT_ACCESS: frozenset({Role.HOST}),
    Act.RESCHEDULE: frozenset({Role.HOST}),
    Act.BRING_TO_STAGE: HOSTS,
    Act.INVITE: HOSTS,
    Act.TAKE_FROM_STAGE: HOSTS,
    Act.TAKE_COHOST_FROM_STAGE: frozenset({Role.HOST}),
    Act.LEAVE_STAGE: frozenset({Role.COHOST, Role.SPEAKER}),
    Act.RAISE_HAND: frozenset({Role.LISTENER}),
    Act.ANSWER_HAND: HOSTS,
    Act.MUTE_SELF: frozenset({Role.HOST, Role.COHOST, Role.SPEAKER}),
    Act.MUTE_OTHER: HOSTS,
    Act.SEE_HANDS: HOSTS,
}

JOINABLE: Mapping[Kind, frozenset[State]] = {
    Kind.WHIP: BEFORE_END,  # the green room: the stage connects and checks its sound
    Kind.WHEP: frozenset({State.LIVE}),
    Kind.SOCKET: BEFORE_END,  # whoever waits for the start is told of it
}
