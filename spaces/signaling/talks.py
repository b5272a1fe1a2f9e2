"""Reactions, chat, and captions of the live Spaces of this node: permitted, stored where it lasts, and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.model import Account
from spaces.captioning.captioner import Captioner
from spaces.captioning.wire import Said
from spaces.db.talk import TalkStore
from spaces.errors import RequestError
from spaces.room_permit import permit
from spaces.room_rules import Act, CaptionsPolicy, ChatPolicy, Role, State
from spaces.sfu.session import MediaPlane
from spaces.signaling.answers_talk import ChatLineView
from spaces.signaling.door import Door
from spaces.signaling.frames import frame_of
from spaces.signaling.live import Entry, Live
from spaces.signaling.messages_talk import (
    CaptionTold,
    ChatClearedEvent,
    ChatDeletedEvent,
    ChatEvent,
    ReactionsTold,
)
from spaces.signaling.rooms import Rooms
from spaces.signaling.views import line_view
from spaces.talk.captions import CAPTION_CHARACTERS_MAX, Caption, Source
from spaces.talk.chat import LINE_CHARACTERS_MAX, Line
from spaces.talk.reactions import TOLD_SECONDS, Reaction
from spaces.talk.text import one_line
from spaces.tasks import Stop

log = structlog.get_logger()

STORE_SECONDS = 1.0
"""Captions are stored together: nobody waits for it, and what a killed node forgets of them is a sentence."""


class Talks:
    def __init__(
        self,
        store: TalkStore,
        rooms: Rooms,
        door: Door,
        media: MediaPlane,
        captioner: Captioner | None,
        stop: Stop,
        kept: timedelta | None,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        """`kept`: how long after the end of a Space; None: for ever."""
        self._store = store
        self._rooms = rooms
        self._door = door
        self._media = media
        self._captioner = captioner
        if captioner is not None:
            captioner.said = self._heard
        self._stop = stop
        self._kept = kept
        self._now = now
        self._clock = clock

    # --- reactions

    def react(self, entry: Entry, reaction: Reaction) -> None:
        """Raises RequestError(401 | 409 | 429)."""
        account = permit(entry.live.room.record, Act.REACT, entry.seat.account)
        entry.live.talk.reactions.tap(account, reaction, self._clock())

    async def tell_reactions(self) -> None:
        """Runs until it is told to stop: counts, one message for everybody, however many have tapped."""
        while not await self._stop.within(TOLD_SECONDS):
            for live in self._rooms.alive():
                self._tap(live)
                if counts := live.talk.reactions.take():
                    live.tell_all(ReactionsTold(counts=counts))

    # --- the chat

    async def write(self, entry: Entry, text: str) -> ChatLineView:
        """A line, stored and told to everybody. Raises RequestError, and what the database raises."""
        live, me = entry.live, entry.account
        permit(live.room.record, Act.WRITE, entry.seat.account)
        assert me is not None
        line = one_line(text, field="text", characters_max=LINE_CHARACTERS_MAX)
        if live.room.record.chat is ChatPolicy.SUBSCRIBERS and entry.role is Role.LISTENER:
            await self._door.check_subscriber(live, me)
        async with live.talk.writing:
            self._check_writer(entry, me)
            return self._tell_line(live, await self._store.write(live.id, me.id, line, self._now()), me)

    def _check_writer(self, entry: Entry, me: Account) -> None:
        """Asked in his turn: whoever was put out meanwhile, or whose Space has changed, writes no more."""
        live = entry.live
        if entry.id not in live.entries:
            raise RequestError(409, "gone", "this session has ended meanwhile")
        record = live.room.record
        permit(record, Act.WRITE, me.id)
        if record.chat is ChatPolicy.OFF:
            raise RequestError(403, "chat_off", "the chat of this Space is off")
        on_stage = entry.role is not Role.LISTENER
        live.talk.chat.check_pace(me.id, self._clock(), record.chat_seconds, on_stage=on_stage)

    def _tell_line(self, live: Live, line: Line, author: Account) -> ChatLineView:
        talk, shown = live.talk, line_view(line, author)
        talk.chat.add(line, self._clock())
        talk.shown[line.id] = shown
        talk.told_as[line.id] = live.ring.next
        talk.tidy()
        live.announce(ChatEvent(seq=live.ring.next, line=shown))
        return shown

    async def delete(self, live: Live, me: Account, number: int) -> None:
        """One's own line, or as a host anybody's. Raises RequestError(403 | 404)."""
        async with live.talk.writing:
            line = live.talk.chat.lines.get(number) or await self._store.line(live.id, number)
            record = live.room.record
            own = line is not None and line.account == me.id
            permit(record, Act.DELETE_OWN_LINE if own else Act.DELETE_LINE, me.id)
            if line is None:
                raise RequestError(404, "unknown_line", "there is no such line")
            await self._store.delete(line, live.id, record.creator, me.id, self._now())
            live.talk.chat.remove(line.id)
            self._redact(live, [line])
            live.announce(ChatDeletedEvent(seq=live.ring.next, line=str(line.id)))

    async def clear(self, live: Live, me: Account, account: int) -> None:
        """All lines of an account in this Space: one's own, or as a host anybody's. Raises RequestError(403)."""
        async with live.talk.writing:
            record = live.room.record
            permit(record, Act.DELETE_OWN_LINE if account == me.id else Act.DELETE_LINE, me.id)
            if await self._store.clear(account, live.id, record.creator, me.id, self._now()):
                self._tell_cleared(live, account)

    async def lines(self, live: Live, account: Account | None, most: int, before: int | None) -> list[Line]:
        """Older lines. While it is on, for whoever may come in; else, and when the Space is over, for its hosts."""
        record = live.room.record
        if record.chat is ChatPolicy.OFF or record.state in (State.ENDED, State.CANCELLED):
            permit(record, Act.SEE_CHAT_LOG, None if account is None else account.id)
        if (refused := await self._door.look(record, account)) is not None:
            raise refused
        return await self._store.lines(live.id, most, before=before)

    def _tell_cleared(self, live: Live, account: int) -> None:
        self._redact(live, live.talk.chat.clear(account))
        live.announce(ChatClearedEvent(seq=live.ring.next, account=str(account)))

    def _redact(self, live: Live, lines: list[Line]) -> None:
        """Whoever comes back with a cursor is not told what was deleted meanwhile."""
        for line in lines:
            if (seq := live.talk.told_as.get(line.id)) is not None:
                live.ring.redact(seq, frame_of(ChatDeletedEvent(seq=seq, line=str(line.id))))
        live.talk.tidy()

    # --- captions

    def want_captions(self, entry: Entry, on: bool) -> None:
        """From now on; and what was said last, at once."""
        talk = entry.live.talk
        if not on:
            talk.captioned.discard(entry.id)
            return
        new = entry.id not in talk.captioned
        talk.captioned.add(entry.id)
        for caption in talk.captions.tail if new else ():
            if entry.peer is not None:
                entry.peer.tell(frame_of(_told(caption.account, caption.text, True, caption.source, earlier=True)))

    def caption(self, entry: Entry, text: str, final: bool) -> None:
        """What a speaker's own client understands him to say. Raises RequestError."""
        record = entry.live.room.record
        account = permit(record, Act.CAPTION, entry.seat.account)
        if record.captions is CaptionsPolicy.OFF:
            raise RequestError(403, "captions_off", "the captions of this Space are off")
        if account in entry.live.room.muted:
            raise RequestError(409, "muted", "who is muted is not heard in writing either")
        line = one_line(text, field="text", characters_max=CAPTION_CHARACTERS_MAX)
        self.said(entry.live, account, line, Source.SPEAKER, final=final)

    def said(self, live: Live, account: int, text: str, source: Source, *, final: bool) -> None:
        """Raises RequestError(429), for a speaker's own captions only."""
        talk = live.talk
        if not talk.captions.say(account, text, self._clock(), self._now(), source, final=final):
            return
        told = frame_of(_told(account, text, final, source))
        for session in [session for session in talk.captioned if session not in live.entries]:
            talk.captioned.discard(session)
        for session in talk.captioned:
            if (peer := live.entries[session].peer) is not None:
                peer.tell(told)

    def _heard(self, said: Said) -> None:
        """Our engine has understood something."""
        live = self._rooms.get(said.space)
        if live is None or not said.owner.isdecimal() or not self._captions_itself(live):
            return
        account = int(said.owner)
        if live.room.role_of(account) is not Role.LISTENER:
            self.said(live, account, said.text[:CAPTION_CHARACTERS_MAX], Source.SERVER, final=said.final)

    def _captions_itself(self, live: Live) -> bool:
        """Whether our engine is to write what is said there, and speaks its language."""
        record, captioner = live.room.record, self._captioner
        if captioner is None or record.captions is not CaptionsPolicy.SERVER or record.state is not State.LIVE:
            return False
        return record.language is None or captioner.speaks(record.language)

    def _tap(self, live: Live) -> None:
        """The engine is given what is said where captions are on, and nowhere else."""
        captioner = self._captioner
        if captioner is not None and live.talk.tapped is not self._captions_itself(live):
            live.talk.tapped = not live.talk.tapped
            self._media.tap(live.id, partial(captioner.feed, live.id) if live.talk.tapped else None)

    async def captions(self, live: Live, account: Account | None, most: int, after: int) -> list[tuple[int, Caption]]:
        """As a replay has them: for whoever may come in, and when it is over for whoever may hear it again."""
        if (refused := await self._door.look_again(live.room.record, account)) is not None:
            raise refused
        return await self._store.captions(live.id, most, after=after)

    async def store_captions(self) -> None:
        """Runs until it is told to stop, and stores what is left then."""
        stopping = False
        while not stopping:
            stopping = await self._stop.within(STORE_SECONDS)
            for live in self._rooms.alive():
                await self.store_captions_of(live)

    async def store_captions_of(self, live: Live) -> None:
        """What the database does not take now is tried again."""
        said = list(live.talk.captions.unstored)
        if not said:
            return
        try:
            await self._store.add_captions(live.id, said)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("captions not stored", space=live.id, error=type(error).__name__)
            return
        stored = set(map(id, said))
        left = [caption for caption in live.talk.captions.unstored if id(caption) not in stored]
        live.talk.captions.unstored.clear()
        live.talk.captions.unstored.extend(left)

    # --- forgetting

    def erase(self, account: int) -> None:
        """An account has been deleted: the database has forgotten what it wrote and said, and so does this."""
        for live in self._rooms.alive():
            live.talk.captions.erase(account)
            if any(line.account == account for line in live.talk.chat.lines.values()):
                self._tell_cleared(live, account)

    async def sweep(self) -> None:
        """What was written and said in Spaces that have long been over. Raises what the database raises."""
        if self._kept is not None:
            await self._store.forget(self._now(), self._kept)


def _told(account: int, text: str, final: bool, source: Source, *, earlier: bool = False) -> CaptionTold:
    return CaptionTold(
        account=str(account),
        text=text,
        final=final,
        source=source.value,
        earlier=True if earlier else msgspec.UNSET,
    )
