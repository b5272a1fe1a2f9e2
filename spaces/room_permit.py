"""The tables of `room_rules`, asked: refusals say whether it is the role or the state that forbids an act."""

from __future__ import annotations

from spaces.errors import RequestError
from spaces.room_record import Record
from spaces.room_rules import BEFORE_END, OPEN_IN, PERMISSIONS, TRANSITIONS, Act, Role, State

NO_MORE_THAN_TRANSITIONS = frozenset(act for _, act in TRANSITIONS)
"""In any other state they are the wrong state, also when the Space is over."""


def permit(record: Record, act: Act, by: int | None) -> int:
    """The account, if its role and the Space's state allow this. Raises RequestError(401 | 403 | 409 | 410)."""
    account = need_account(by)
    role, state = record.role_of(account), record.state
    if role not in PERMISSIONS[act]:
        if PERMISSIONS[act] == {Role.LISTENER}:
            raise RequestError(409, "on_stage", "who is on stage has no need of that")
        raise RequestError(403, "not_permitted", f"a {role} may not {_words(act)}")
    if state not in OPEN_IN[act]:
        if state not in BEFORE_END and act not in NO_MORE_THAN_TRANSITIONS:
            raise gone(state)
        early = state is State.SCHEDULED and act not in NO_MORE_THAN_TRANSITIONS
        raise RequestError(409, "not_live" if early else "wrong_state", f"a Space that is {state} cannot {_words(act)}")
    return account


def need_account(by: int | None) -> int:
    if by is None:
        raise RequestError(401, "not_signed_in", "sign in first")
    return by


def gone(state: State) -> RequestError:
    """What a join of a Space that is over is answered."""
    return RequestError(410, str(state), f"this Space is {state}")


def _words(act: Act) -> str:
    return act.replace("_", " ")
