"""A live Space goes from one node to another without a gap: make, then break.

    who gives it up                                     who gets it
    edges: that node will have it (Moving)              edges open their links, and say what they want of the mix
    all is stored, nothing more is (frozen)
    Take  ─────────────────────────────────────────►    the room as it is stored; lease and number; the mix, silent
          ◄─────────────────────────────────────────    Taken
    the audio thread has stopped: no packet after this
    Gone  ─────────────────────────────────────────►    on air
    everybody is told to come again elsewhere; media that is here goes on: listeners' as an edge's, by the relay;
    speakers' packets both ways over the link (Speech), until they have media there

Never are two on air. The one who gives it up renews his lease until the other has it. Who gets no `Gone` goes on air when that
lease has ended; who gets no `Taken` goes on if he still has the lease, or has lost it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from spaces.directory import LEASE_SECONDS, Place
from spaces.errors import RequestError
from spaces.metrics import Metrics
from spaces.room_rules import Role
from spaces.sfu.media import Media
from spaces.sfu.session import Spoken
from spaces.signaling.custody import Custody
from spaces.signaling.edge_links import EdgeLinks
from spaces.signaling.link_messages import Gone, Quiet, Speech, Taken
from spaces.signaling.live import Live
from spaces.signaling.remote_media import Planes, RemotePlane
from spaces.signaling.rooms import Rooms

EDGES_SECONDS = 0.2
"""For edges to open their links to the next owner."""

FAILURES = (RequestError, SQLAlchemyError, OSError, TimeoutError)

log = structlog.get_logger()


class Handover:
    def __init__(
        self, custody: Custody, rooms: Rooms, planes: Planes, links: EdgeLinks, media: Media, metrics: Metrics,
        last_words: Callable[[Live], Awaitable[None]],
    ) -> None:  # fmt: skip
        """`last_words`: stores what was said in a Space and is not stored with its room."""
        self._custody = custody
        self._rooms = rooms
        self._planes = planes
        self._links = links
        self._media = media
        self._moves = metrics.moves
        self._last_words = last_words
        self._received: dict[str, asyncio.Event] = {}
        """Of each Space that we are getting: set when it is silent at the other node."""
        self._listening: dict[str, set[RemotePlane]] = {}
        """Of each Space: the nodes that had it, and have people of its stage."""

    # --- who gives it up

    async def give(self, live: Live, place: Place) -> bool:
        """Whether that node has it now. Raises nothing."""
        try:
            self._planes.moving(live.id, place)
            self._links.expect(live.id)
            await self._links.ready(place)
            await asyncio.sleep(EDGES_SECONDS)
            await self._last_words(live)
            async with self._rooms.frozen(live):
                self._custody.yield_up(live.id)
                try:
                    if await self._links.offer(live.id, place):
                        await self._let_go(live, place)
                        self._moves.labels("given").inc()
                        return True
                finally:
                    self._custody.resume(live.id)
        except FAILURES as error:
            log.warning("space not moved", space=live.id, to=place.node, error=type(error).__name__)
        else:
            log.warning("space not moved", space=live.id, to=place.node, error="not taken")
            await self._custody.renew()  # it may be the other's now, who is not ready: then we have lost it
        self._links.settle(live.id)
        self._moves.labels("not_given").inc()
        return False

    async def _let_go(self, live: Live, place: Place) -> None:
        await self._media.hand_off(live.id)
        self._custody.part(live.id)
        muted = set(live.room.muted)
        self._links.hold_on(live.id, place, self._rooms.part(live))
        self._links.gone(live.id, place, muted)

    # --- who gets it (remote_media.Successor)

    async def take(self, plane: RemotePlane, space: str) -> None:
        """Have it, silent, until `gone` or until the other's lease has ended."""
        silent = self._received[space] = asyncio.Event()
        try:
            await self._rooms.receive(space, plane.edge)
        except FAILURES as error:
            log.warning("space not received", space=space, node=plane.edge, error=type(error).__name__)
            self._received.pop(space, None)
            self._moves.labels("not_received").inc()
            plane.say(Taken(space, False))
            await self._custody.decline(space)
            return
        self._listening.setdefault(space, set()).add(plane)
        plane.say(Taken(space, True))
        try:
            async with asyncio.timeout(LEASE_SECONDS):
                await silent.wait()
        except TimeoutError:
            log.warning("no word of the node before", space=space, node=plane.edge)
        self._received.pop(space, None)
        self._go_on_air(space)
        self._moves.labels("received").inc()

    def gone(self, plane: RemotePlane, gone: Gone) -> None:
        silent = self._received.get(gone.space)
        live = self._rooms.get(gone.space)
        if silent is None or live is None:
            return
        stage = {member.account for member in live.room.record.stage}
        live.room.muted |= stage.intersection(gone.muted)
        self._go_on_air(gone.space)
        silent.set()

    def _go_on_air(self, space: str) -> None:
        self._custody.go_on_air(space)
        self._media.give_speech(space, lambda spoken: self._tell(space, spoken))

    def _tell(self, space: str, spoken: Spoken) -> None:
        for plane in self._listening.get(space, ()):
            plane.say(Speech(space, spoken))

    def speech(self, plane: RemotePlane, speech: Speech) -> None:
        """Of somebody whose media is at the node before still. His right to be heard is looked at here."""
        space, spoken = speech.space, speech.spoken
        live = self._rooms.get(space)
        if live is None or self._custody.fence(space) is None or not spoken.owner.isdecimal():
            return
        account = int(spoken.owner)
        if live.room.role_of(account) is Role.LISTENER:
            plane.say(Quiet(space, spoken.owner))
        elif account not in live.room.muted:
            self._media.hear_speech(space, spoken)

    def down(self, plane: RemotePlane) -> None:
        for space, planes in list(self._listening.items()):
            planes.discard(plane)
            if not planes:
                del self._listening[space]
                self._media.give_speech(space, None)
