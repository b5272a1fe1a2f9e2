"""The page's media: the server makes every offer. One session, or two while a fresh one takes over from another.

A promotion keeps the mix until the client has answered and then switches to the slots at once; a demotion switches back
to the mix (and stops the microphone) at once and renegotiates afterwards. One offer is out at a time for each session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from msgspec import UNSET

from spaces.errors import RequestError
from spaces.room_rules import Role
from spaces.sfu.session import Closed, MediaSession, Plan, Reach, Receive, Send
from spaces.signaling import sdp
from spaces.signaling.door import Door
from spaces.signaling.live import Entry
from spaces.signaling.messages import IceServer, MediaState, Offer, ServerMessage
from spaces.signaling.remote_media import Planes

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Link:
    """One media session of a page and where its negotiation stands."""

    page: PageMedia
    """Whose it is now: a socket that takes a seat over takes its media over too."""
    session: MediaSession
    reach: Reach
    """Of the node that has it."""
    version: int = 0
    """Of the newest offer."""
    offered: bool | None = None
    """Whether the offer that is out is one for the stage; None: none is out."""
    described: bool = False
    """Whether the description agreed on last is one for the stage."""
    on_stage: bool = False
    """Whether what flows is the stage's."""
    send: Send | None = None
    """As the client wants to be sent to; None: it has not answered yet."""


class PageMedia:
    def __init__(
        self,
        planes: Planes,
        door: Door,
        entry: Entry,
        say: Callable[[ServerMessage], None],
        ice_servers: Callable[[], list[IceServer]],
    ) -> None:
        self._planes = planes
        self._door = door
        self._entry = entry
        self._say = say
        self._ice_servers = ice_servers
        self._current: Link | None = None
        self._next: Link | None = None

    @property
    def connected(self) -> bool:
        return self._current is not None

    # --- what the client asks

    def open(self) -> Link:
        """A fresh session, to be offered by `offer`. Raises RequestError(429 | 503)."""
        if self._next is not None:
            self._next.session.close()
            self._next = None
        links: list[Link] = []  # filled before anything can be called back
        entry = self._entry
        session, reach = self._planes.open_session(
            entry,
            confirm=lambda: self._door.confirm(links[0].page._entry),
            on_connected=lambda: links[0].page._connected(links[0]),
            on_closed=lambda why: links[0].page._closed(links[0], why),
        )
        links.append(Link(self, session, reach))
        self._next = links[0]
        self.set_muted(entry.seat.account in entry.live.room.muted)
        return links[0]

    def offer(self, link: Link) -> None:
        link.version += 1
        link.offered = self._wants_stage
        text = sdp.page_offer(link.session, link.reach, version=link.version, on_stage=link.offered)
        servers = self._ice_servers()
        self._say(Offer(session=link.session.id, sdp=text, ice_servers=servers or UNSET))

    def answer(self, session: str, text: str) -> None:
        """Raises RequestError(404 | 409), RemoteError for an answer that cannot be used (the offer stays out)."""
        link = next((link for link in self._links() if link.session.id == session), None)
        if link is None:
            raise RequestError(404, "unknown_session", "there is no such media session here any more")
        if link.offered is None:
            raise RequestError(409, "no_offer", "there is no offer out for this session")
        answer = sdp.parse_page_answer_untrusted(text)
        first, link.send = link.send is None, answer.send
        offered, link.offered = link.offered, None
        link.described = offered
        link.on_stage = offered and self._wants_stage
        link.session.set_plan(_plan(answer.send, answer.receive, on_stage=link.on_stage))
        if first:
            link.session.start(answer.remote)
        if offered is not self._wants_stage:
            self._offer_again(link)

    def _offer_again(self, link: Link) -> None:
        """For the role that it has now. To the stage from another node's media: by a fresh session here, beside the other."""
        if not self._wants_stage or link.reach is self._planes.local:
            self.offer(link)
        elif self._next is None or self._next is link:
            try:
                fresh = self.open()
            except RequestError as refused:
                log.info("no session for the stage", space=self._entry.live.id, reason=refused.code)
                return
            self.offer(fresh)

    def leave(self) -> None:
        """Media ends, the socket stays."""
        self.close()
        self._door.media_changed(self._entry, False)

    # --- what happens to it

    def role_changed(self) -> None:
        for link in self._links():
            if link.on_stage and not self._wants_stage:
                assert link.send is not None
                link.on_stage = False
                link.session.set_plan(_plan(link.send, None, on_stage=False))
            if link.offered is None and link.described is not self._wants_stage:
                self._offer_again(link)

    def set_muted(self, muted: bool) -> None:
        for link in self._links():
            link.session.set_muted(muted)

    def close(self) -> None:
        """Stop everything now. Nothing is said."""
        for link in self._links():
            link.session.close()
        self._current = self._next = None

    def let_go(self) -> MediaSession | None:
        """What is heard goes on without this; what was to come in its place ends."""
        link, self._current = self._current, None
        self.close()
        return None if link is None else link.session

    def take_over(self, other: PageMedia) -> None:
        """Another socket has been in this seat: what is heard goes on, under this one."""
        link, other._current = other._current, None
        other.close()
        if link is None:
            return
        link.page, self._current = self, link
        unanswered, link.offered = link.offered is not None, None  # it was made on the socket that is gone
        self._door.media_changed(self._entry, True)
        if unanswered or link.described is not self._wants_stage:
            self._offer_again(link)

    def _connected(self, link: Link) -> None:
        if self._current is not None and self._current is not link:
            self._current.session.close()
        self._current = link
        if self._next is link:
            self._next = None
        self._say(MediaState(session=link.session.id, state="connected"))
        self._door.media_changed(self._entry, True)

    def _closed(self, link: Link, why: Closed) -> None:
        if self._next is link:
            self._next = None
        elif self._current is link:
            self._current = None
            self._door.media_changed(self._entry, False)
        self._say(MediaState(session=link.session.id, state="lost"))
        if why is Closed.NOT_ADMITTED:
            self._door.recheck_soon(self._entry)

    @property
    def _wants_stage(self) -> bool:
        return self._entry.role is not Role.LISTENER

    def _links(self) -> list[Link]:
        return [link for link in (self._current, self._next) if link is not None]


def _plan(send: Send, receive: Receive | None, *, on_stage: bool) -> Plan:
    return Plan(receive=receive, slots=send) if on_stage else Plan(mix=send)
