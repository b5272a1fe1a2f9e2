"""Spaces that are live or coming, and those of a creator that are over, found by what they are about, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from spaces.db.listing import CURSOR, Cursor, SpaceQuery, read_cursor_untrusted
from spaces.errors import RemoteError, RequestError
from spaces.language_tag import canonical
from spaces.room_rules import State
from spaces.search_words import topic_key, words_in
from spaces.signaling.answers import SpacePageView
from spaces.signaling.endpoint import Call
from spaces.signaling.parameters import Choice, Number, Parameter, Text
from spaces.signaling.rest_spaces import show_many

PAGE_USUALLY, PAGE_MAX = 20, 100
TEXT_LENGTH_MAX = 100
TEXT_WORDS_MAX = 8
"""Words looked for; nobody remembers more of a title."""
STATES = {"live": State.LIVE, "scheduled": State.SCHEDULED}
STATES_OF_CREATOR = {**STATES, "ended": State.ENDED}

STATE = Parameter("state", "both if it is left out", Choice(tuple(STATES)))
STATE_OF_CREATOR = Parameter("state", "live and scheduled if it is left out", Choice(tuple(STATES_OF_CREATOR)))
FILTERS = (
    Parameter(
        "q", "words, or their beginnings, of title, topics and the creator's handle; all have to be there",
        Text(most=TEXT_LENGTH_MAX),
    ),
    Parameter("topic", "one of its topics", Text(1, TEXT_LENGTH_MAX)),
    Parameter("language", "BCP 47: `en` also finds en-GB", Text(1, 35)),
)  # fmt: skip
PAGING = (
    Parameter("limit", "Spaces on a page", Number(1, PAGE_MAX, PAGE_USUALLY)),
    Parameter("cursor", "`next` of the page before", Text(pattern=CURSOR.pattern)),
)


async def list_spaces(call: Call) -> SpacePageView:
    """Raises RequestError(422) naming the parameter."""
    query = _read_query(call, STATES)
    named = call.request.query.get("creator")
    if named is not None:
        integration = None if call.account is None else call.account.integration
        ref = named if named.startswith(("@", "sub:")) or named.isdecimal() else f"@{named}"
        account = await call.services.access.find_account(ref, integration=integration)
        if account is None:
            raise _bad("creator", "there is no such account")
        query = replace(query, creators=(account.id,))
    return await _page(call, query)


async def list_of_creator(call: Call) -> SpacePageView:
    creator = await call.services.access.creator(call.match("handle"))
    return await _page(call, replace(_read_query(call, STATES_OF_CREATOR), creators=(creator.id,)))


async def _page(call: Call, query: SpaceQuery) -> SpacePageView:
    after, limit = _read_cursor(call), _read_limit(call)
    records, end = await call.services.rooms.found(query, after, limit)
    return SpacePageView(spaces=await show_many(call, records), next=None if end is None else str(end))


def _read_query(call: Call, known: Mapping[str, State]) -> SpaceQuery:
    given = call.request.query
    states = frozenset(STATES.values())
    if (state := given.get("state")) is not None:
        if state not in known:
            raise _bad("state", f"one of {', '.join(known)}")
        states = frozenset({known[state]})
    text, topic, language = given.get("q", ""), given.get("topic"), given.get("language")
    if len(text) > TEXT_LENGTH_MAX:
        raise _bad("q", f"at most {TEXT_LENGTH_MAX} characters")
    words = words_in(text)
    if len(words) > TEXT_WORDS_MAX:
        raise _bad("q", f"at most {TEXT_WORDS_MAX} words")
    if text.strip() and not words:
        raise _bad("q", "words to look for")
    if topic is not None and (len(topic) > TEXT_LENGTH_MAX or not topic_key(topic.removeprefix("#"))):
        raise _bad("topic", "a topic")
    if language is not None and (len(language) > 35 or (language := canonical(language)) is None):
        raise _bad("language", "a language tag of BCP 47")
    return SpaceQuery(states, tuple(words), None if topic is None else topic.removeprefix("#"), language)


def _read_cursor(call: Call) -> Cursor | None:
    text = call.request.query.get("cursor")
    if text is None:
        return None
    try:
        return read_cursor_untrusted(text)
    except RemoteError as error:
        raise _bad("cursor", "`next` of the page before") from error


def _read_limit(call: Call) -> int:
    text = call.request.query.get("limit", str(PAGE_USUALLY))
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= PAGE_MAX):
        raise _bad("limit", f"1 to {PAGE_MAX}")
    return int(text)


def _bad(field: str, detail: str) -> RequestError:
    return RequestError(422, "bad_field", f"{field}: {detail}", field=field)
