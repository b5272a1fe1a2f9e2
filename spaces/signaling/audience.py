"""Who listens, as far as they are known and want to be: for whoever is in the Space too."""

from __future__ import annotations

from access.model import Account
from spaces.room_rules import Act, Role
from spaces.signaling.answers import AudienceView
from spaces.signaling.live import Live
from spaces.signaling.views import account_view

LISTED_MAX = 100


def audience(live: Live, me: Account | None, after: int) -> AudienceView:
    """In the order of their ids, a page at a time: who comes or goes meanwhile moves nobody else.

    Without those who said on any of their devices that they listen anonymously. Raises RequestError(401 | 409 | 410).
    """
    room = live.room
    by = room.permit(Act.SEE_AUDIENCE, None if me is None else me.id)
    if room.role_of(by) is Role.LISTENER:
        room.check_inside(by)
    hidden = {entry.seat.account for entry in live.entries.values() if entry.anonymous}
    listening = sorted(a for a in room.by_account if a not in hidden and room.role_of(a) is Role.LISTENER)
    shown = [account for account in listening if account > after][: LISTED_MAX + 1]
    return AudienceView(
        accounts=[account_view(live.accounts[account], me) for account in shown[:LISTED_MAX]],
        signed_in=len(listening),
        anonymous=sum(seat.account is None or seat.account in hidden for seat in room.seats),
        next=str(shown[LISTED_MAX - 1]) if len(shown) > LISTED_MAX else None,
    )
