"""What goes on around the talk of one live Space, as this node has it in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from access.model import Account
from spaces.signaling.answers_talk import ChatLineView
from spaces.signaling.views import line_view
from spaces.talk.captions import Captions
from spaces.talk.chat import Chat, Line
from spaces.talk.reactions import Reactions


@dataclass(slots=True, eq=False)
class Talk:
    reactions: Reactions = field(default_factory=Reactions)
    chat: Chat = field(default_factory=Chat)
    captions: Captions = field(default_factory=Captions)
    captioned: set[str] = field(default_factory=set)
    """Sessions that have asked for captions."""
    tapped: bool = False
    """Whether the server's engine hears the speakers."""
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a line is stored and told, so that lines are told in the order of their ids."""
    shown: dict[int, ChatLineView] = field(default_factory=dict)
    """The chat's lines as they are shown."""
    told_as: dict[int, int] = field(default_factory=dict)
    """By line, the number of the event that told it."""

    def restore(self, lines: Iterable[Line], authors: Mapping[int, Account]) -> None:
        """From the database, the oldest first."""
        known = [line for line in lines if line.account in authors]
        self.chat.restore(known)
        self.shown |= {line.id: line_view(line, authors[line.account]) for line in known}
        self.tidy()

    def tail(self) -> list[ChatLineView]:
        return list(self.shown.values())

    def tidy(self) -> None:
        """Forget what is known of lines that are no longer among the last."""
        for known in (self.shown, self.told_as):
            for line in [line for line in known if line not in self.chat.lines]:
                del known[line]
