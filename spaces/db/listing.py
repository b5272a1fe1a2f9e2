"""Spaces listed and found: who is live, the newest first; what is planned, the soonest first; then what has no time; and of
a creator, what is over, the last first.

A page is continued from where it ended, whatever has come or gone since (keyset pagination). Each of the sections of what is
live or coming is read along an index of its own; what is over, by its creator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, delete, exists, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import suspensions
from access.tables import accounts
from spaces.db.tables import spaces
from spaces.db.tables_listing import space_words
from spaces.errors import RemoteError
from spaces.room_record import Record
from spaces.room_rules import State
from spaces.search_words import AFTER_ALL, WORDS_MAX, topic_word, words_in

OVERDUE = timedelta(hours=2)
"""Who has not begun so long after the time that was told is not listed among what is coming."""


SHOWN = ~suspensions.keeps_back(spaces.c.creator, spaces.c.id)
"""What operators have not suspended."""


@dataclass(frozen=True, slots=True)
class SpaceQuery:
    """What is looked for; all of it has to hold."""

    states: frozenset[State] = frozenset({State.LIVE, State.SCHEDULED})
    """Of what is over only with `creators`: there is no end to it."""
    words: tuple[str, ...] = ()
    """As `search_words.words_in` gives them; each begins a word of the Space."""
    topic: str | None = None
    language: str | None = None
    """Also with a script or region after it (RFC 4647 §3.3.1)."""
    creators: tuple[int, ...] | None = None
    """Of any of these."""


@dataclass(frozen=True, slots=True)
class Section:
    letter: str
    state: State
    key: Column[Any]
    newest_first: bool


LIVE = Section("l", State.LIVE, spaces.c.started_at, True)
PLANNED = Section("p", State.SCHEDULED, spaces.c.scheduled_start, False)
UNPLANNED = Section("u", State.SCHEDULED, spaces.c.created_at, True)
OVER = Section("e", State.ENDED, spaces.c.ended_at, True)
SECTIONS = (LIVE, PLANNED, UNPLANNED, OVER)

SELECTIVE_LENGTH_MIN = 3
"""Of a word's beginning, in letters."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = re.compile(r"([lpue])([0-9]{1,17})\.([a-zA-Z0-9]{1,13})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last Space of a page."""

    section: Section
    at: datetime
    space: str

    def __str__(self) -> str:
        microseconds = (self.at - EPOCH) // timedelta(microseconds=1)
        return f"{self.section.letter}{microseconds}.{self.space}"


def read_cursor_untrusted(text: str) -> Cursor:
    """Raises RemoteError."""
    match = CURSOR.fullmatch(text)
    if match is None:
        raise RemoteError("cursor_bad")
    section = next(one for one in SECTIONS if one.letter == match[1])
    return Cursor(section, EPOCH + timedelta(microseconds=int(match[2])), match[3])


async def page(
    connection: AsyncConnection, query: SpaceQuery, after: Cursor | None, limit: int, now: datetime
) -> tuple[list[str], Cursor | None]:
    """The ids of at most `limit` Spaces, and where to go on; None: that was all."""
    found: list[Cursor] = []
    begun = SECTIONS.index(after.section) if after is not None else 0
    for section in SECTIONS[begun:]:
        if section.state not in query.states:
            continue
        left = limit + 1 - len(found)
        within = after if after is not None and after.section is section else None
        rows = await connection.execute(_select(section, query, now, within).limit(left))
        found += [Cursor(section, row.at, row.id) for row in rows]
        if len(found) > limit:
            return [one.space for one in found[:limit]], found[limit - 1]
    return [one.space for one in found], None


def _select(section: Section, query: SpaceQuery, now: datetime, after: Cursor | None) -> Select[Any]:
    key = section.key
    where: list[ColumnElement[bool]] = [spaces.c.state == str(section.state), SHOWN]
    if section is OVER:
        where.append(key.is_not(None))
    if section is PLANNED:
        where.append(key >= now - OVERDUE)
    if section is UNPLANNED:
        where.append(spaces.c.scheduled_start.is_(None))
    if after is not None:
        further = key < after.at if section.newest_first else key > after.at
        where.append(or_(further, and_(key == after.at, spaces.c.id > after.space)))
    if query.creators is not None:
        where.append(spaces.c.creator.in_(query.creators))
    if query.language is not None:
        under = spaces.c.language.startswith(f"{query.language}-", autoescape=True)
        where.append(or_(spaces.c.language == query.language, under))
    if query.topic is not None:
        where.append(spaces.c.id.in_(_having(space_words.c.word == topic_word(query.topic))))
    where += [_with_word(word) for word in query.words]
    order = key.desc() if section.newest_first else key
    return select(spaces.c.id, key.label("at")).where(*where).order_by(order, spaces.c.id)


def _with_word(beginning: str) -> ColumnElement[bool]:
    """What begins with one or two letters is nearly everything: then each Space of the section is asked, not each word."""
    begins = space_words.c.word.between(beginning, beginning + AFTER_ALL)
    if len(beginning) >= SELECTIVE_LENGTH_MIN:
        return spaces.c.id.in_(_having(begins))
    return exists().where(space_words.c.space == spaces.c.id, begins)


def _having(words: ColumnElement[bool]) -> Select[Any]:
    return select(space_words.c.space).where(words)


# --- the index of words


async def write_words(connection: AsyncConnection, record: Record) -> None:
    """In place of those that the Space was found by until now."""
    named = select(accounts.c.handle).where(accounts.c.id == record.creator)
    handle = (await connection.execute(named)).scalar_one_or_none() or ""
    words = words_in(" ".join((record.title, *record.topics, handle)))[:WORDS_MAX]
    rows = [{"space": record.id, "word": word} for word in (*words, *map(topic_word, record.topics))]
    await connection.execute(delete(space_words).where(space_words.c.space == record.id))
    if rows:
        await connection.execute(insert(space_words), rows)
