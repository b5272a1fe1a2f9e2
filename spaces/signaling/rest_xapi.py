"""The read API, shaped like the Spaces endpoints of X API v2: `/2/spaces…`. It shows what `/v1/spaces` shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from spaces.db.listing import Cursor, SpaceQuery, read_cursor_untrusted
from spaces.db.store import SPACE_ID
from spaces.directory import Audience
from spaces.room_record import Record
from spaces.room_rules import HOSTS, State
from spaces.search_words import WORDS_MAX, words_in
from spaces.signaling import xapi_query as query
from spaces.signaling.accounts import HOSTING_ROLES
from spaces.signaling.endpoint import Call
from spaces.signaling.parameters import Parameter, anchored
from spaces.signaling.rest_spaces import LISTED
from spaces.signaling.xapi_query import Wanted, wanted
from spaces.signaling.xapi_schemas import (
    PartialProblem,
    PostsAnswer,
    ResultMeta,
    SpaceAnswer,
    SpacesAnswer,
    UsersAnswer,
)
from spaces.signaling.xapi_views import (
    Seen,
    expanded_accounts,
    includes,
    invitations_seen,
    missing,
    space_object,
    user_object,
    withheld,
)


async def get_space(call: Call) -> SpaceAnswer:
    values = _read(call, query.ABOUT_SPACES)
    told = await _by_ids(call, [_space_id(call)], "id", wanted(values))
    data = UNSET if told.data is UNSET else told.data[0]
    return SpaceAnswer(data=data, includes=told.includes, errors=told.errors)


async def get_spaces(call: Call) -> SpacesAnswer:
    values = _read(call, query.BY_IDS)
    return await _by_ids(call, values["ids"], "ids", wanted(values))


async def by_creators(call: Call) -> SpacesAnswer:
    values = _read(call, query.BY_CREATORS)
    creators = tuple(number for number in map(int, values["user_ids"]) if number < 2**63)
    return await _page(call, SpaceQuery(creators=creators), values)


async def search(call: Call) -> SpacesAnswer:
    values = _read(call, query.BY_QUERY)
    states = LISTED if values["state"] == "all" else (State(values["state"]),)
    words = words_in(values["query"])
    if not 0 < len(words) <= WORDS_MAX:
        return SpacesAnswer(meta=ResultMeta(result_count=0))  # no Space has so many
    return await _page(call, SpaceQuery(frozenset(states), tuple(words)), values)


async def buyers(call: Call) -> UsersAnswer:
    """Who has bought a ticket: to the creator alone."""
    values, space = _read(call, query.BUYERS), _space_id(call)
    services = call.services
    record = (await services.rooms.records([space])).get(space)
    if record is None:
        return UsersAnswer(errors=[missing(space, "id", None)])
    after, most = int(values["pagination_token"] or 0), values["max_results"]
    bought = await services.access.tickets.buyers(call.me, space, record.creator, after=after, most=most + 1)
    shown = bought[:most]
    accounts = await services.access.accounts({buyer.account for buyer in shown})
    fields = wanted(values).users
    users = [user_object(accounts[buyer.account], fields, services.url()) for buyer in shown]
    meta = ResultMeta(result_count=len(shown), next_token=str(shown[-1].ticket) if len(bought) > most else UNSET)
    return UsersAnswer(data=users or UNSET, meta=meta)


async def posts(call: Call) -> PostsAnswer:
    """None: what is said in a Space's chat is for those who are in it, and there are no posts beside it."""
    _read(call, query.POSTS)
    space = _space_id(call)
    if space not in await call.services.rooms.records([space]):
        return PostsAnswer(errors=[missing(space, "id", None)])
    return PostsAnswer(meta=ResultMeta(result_count=0))


async def _by_ids(call: Call, ids: Sequence[str], parameter: str, want: Wanted) -> SpacesAnswer:
    """In the order of the ids."""
    known = await call.services.rooms.records(ids)
    why = {space: "was cancelled" for space, record in known.items() if record.state is State.CANCELLED}
    suspended = await call.services.access.operators.kept_back({one.id: one.creator for one in known.values()})
    why |= dict.fromkeys(suspended, "is suspended")
    shown = [space for space in ids if space in known and space not in why]
    absent = [missing(space, parameter, why.get(space)) for space in ids if space not in shown]
    return await _tell(call, [known[space] for space in shown], want, absent, UNSET)


async def _page(call: Call, what: SpaceQuery, values: dict[str, Any]) -> SpacesAnswer:
    found, end = await call.services.rooms.found(what, _cursor(values), values["max_results"])
    meta = ResultMeta(result_count=len(found), next_token=UNSET if end is None else str(end))
    return await _tell(call, found, wanted(values), [], meta)


async def _tell(
    call: Call, records: list[Record], want: Wanted, errors: list[PartialProblem], meta: ResultMeta | UnsetType
) -> SpacesAnswer:
    seen = await _seen(call, records, want)
    accounts = await call.services.access.accounts({a for one in seen for a in expanded_accounts(one, want)})
    included = includes(seen, want, accounts, call.services.url())
    errors = [*errors, *withheld(seen, want)]
    return SpacesAnswer(
        data=[space_object(one, want) for one in seen] or UNSET,
        includes=included if included.users or included.topics else UNSET,
        errors=errors or UNSET,
        meta=meta,
    )


async def _seen(call: Call, records: list[Record], want: Wanted) -> list[Seen]:
    """What belongs to each, as far as it was asked for and is for this caller."""
    services, viewer, ids = call.services, call.account, [record.id for record in records]
    updated = await services.rooms.updated(ids) if "updated_at" in want.space else {}
    reminders = await services.reminders.counts(ids) if "subscriber_count" in want.space else {}
    live_ids = [record.id for record in records if record.state is State.LIVE]
    audiences = await services.rooms.audiences(live_ids) if "participant_count" in want.space else {}
    guarded = want.space & {"invited_user_ids", "subscriber_count"}
    seen = []
    for record in records:
        live = services.rooms.get(record.id)
        hosts = bool(guarded) and await _hosts(call, record)
        seen.append(
            Seen(
                record,
                room=None if live is None else live.room,
                updated_at=updated.get(record.id),
                reminders=reminders.get(record.id, 0) if hosts else None,
                elsewhere=audiences.get(record.id, Audience()).participants,
                invited_ids=invitations_seen(record, viewer, hosts=hosts),
            )
        )
    return seen


async def _hosts(call: Call, record: Record) -> bool:
    """Whether the caller hosts it, on stage or for its creator. A place on stage is worth nothing to who is kept out."""
    services, viewer = call.services, call.account
    if viewer is None:
        return False
    if record.role_of(viewer.id) in HOSTS and await services.door.look(record, viewer) is None:
        return True
    return await services.access.offers.may(viewer, record.creator, HOSTING_ROLES)


def _read(call: Call, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    return query.read(parameters, call.request.query.items())


def _space_id(call: Call) -> str:
    space = call.match("space")
    if SPACE_ID.fullmatch(space) is None:
        raise query.bad_value("id", space, f"does not match {anchored(SPACE_ID.pattern)}")
    return space


def _cursor(values: dict[str, Any]) -> Cursor | None:
    token = values["pagination_token"]
    return None if token is None else read_cursor_untrusted(token)
