"""Spaces over HTTP: make, read, change, begin, end, and who is on stage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from zoneinfo import available_timezones

from msgspec import UNSET

from access.fields import to_come
from spaces.db.store import new_space_id
from spaces.errors import RequestError
from spaces.room_commands import BringToStage, Cancel, Edit, End, Lasting, Start, TakeFromStage
from spaces.room_record import AccessRule, Record, StageMember
from spaces.room_rules import Asking, Role, State
from spaces.signaling.accounts import creator_account, need_account
from spaces.signaling.answers import JoinTokenView, SpacesView, SpaceView, YouView
from spaces.signaling.bodies import AccessRules, NewSpace, NewSpeaker, Rule, SpaceChanges
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.live import Live
from spaces.signaling.problems import problem_of
from spaces.signaling.views import accounts_of, invitation_view, space_view

POLICIES = ("open", "members", "subscribers", "ticketed", "community", "invite")
LISTED = (State.LIVE, State.SCHEDULED)


async def create_space(call: Call) -> Answer:
    body: NewSpace = call.body
    services = call.services
    creator = await creator_account(services.access, call.me, body.creator)
    if body.scheduled_start is not None:
        to_come(body.scheduled_start, "scheduled_start", services.now())
    record = Record(
        id=new_space_id(),
        creator=creator,
        title=body.title.strip(),
        access=await read_rules(call, creator, body.access),
        created_at=services.now(),
        stage=(StageMember(call.me.id, Role.HOST),),
        topics=tuple(body.topics),
        language=body.language,
        scheduled_start=body.scheduled_start,
        time_zone=read_time_zone(body.time_zone),
        capacity=body.capacity or None,
        asking=Asking(body.asking),
        asking_seconds=body.asking_seconds,
    )
    await services.rooms.create(record)
    return Answer(await show(call, record), 201, (("Location", f"/v1/spaces/{record.id}"),))


async def list_spaces(call: Call) -> SpacesView:
    wanted = call.request.query.get("state")
    if wanted is not None and wanted not in [str(state) for state in LISTED]:
        raise RequestError(422, "bad_field", "state: live or scheduled", field="state")
    states = LISTED if wanted is None else (State(wanted),)
    return SpacesView(spaces=await show_many(call, await call.services.rooms.listed(states)))


async def get_space(call: Call) -> SpaceView:
    record = await call.services.rooms.record(call.match("space"))
    return await show(call, record)


async def change_space(call: Call) -> SpaceView:
    body: SpaceChanges = call.body
    record = await call.services.rooms.record(call.match("space"))
    if body.scheduled_start is not None:
        to_come(body.scheduled_start, "scheduled_start", call.services.now())
    access = None if body.access is None else await read_rules(call, record.creator, body.access)
    untied = access is not None and all(rule.policy != "ticketed" for rule in access)
    if untied and await call.services.access.tickets.are_held(record.id):
        raise RequestError(409, "tickets_sold", "tickets for this Space are sold or reserved and go on admitting")
    edit = Edit(
        by=call.me.id,
        title=None if body.title is None else body.title.strip(),
        topics=None if body.topics is None else tuple(body.topics),
        language=body.language,
        access=access,
        scheduled_start=body.scheduled_start,
        time_zone=read_time_zone(body.time_zone),
        capacity=body.capacity,
        asking=None if body.asking is None else Asking(body.asking),
        asking_seconds=body.asking_seconds,
    )
    return await do(call, edit)


async def start_space(call: Call) -> SpaceView:
    return await do(call, Start(call.me.id, call.services.now()))


async def end_space(call: Call) -> SpaceView:
    return await do(call, End(call.me.id, call.services.now()))


async def cancel_space(call: Call) -> SpaceView:
    return await do(call, Cancel(call.me.id, call.services.now()))


async def add_speaker(call: Call) -> SpaceView:
    body: NewSpeaker = call.body
    account = await need_account(call.services.access, call.me, body.account)
    return await do(call, BringToStage(call.me.id, account.id, Role(body.role)))


async def remove_speaker(call: Call) -> SpaceView:
    account = await need_account(call.services.access, call.me, call.match("account"))
    return await do(call, TakeFromStage(call.me.id, account.id))


async def mint_join_token(call: Call) -> JoinTokenView:
    services = call.services
    record = await services.rooms.record(call.match("space"))
    if record.state in (State.ENDED, State.CANCELLED):
        raise RequestError(410, str(record.state), f"this Space is {record.state}")
    token, expires_at = await services.door.join_token(record, call.account)
    return JoinTokenView(join_token=token, expires_at=expires_at)


async def show(call: Call, record: Record) -> SpaceView:
    """With `you`: whether the caller may come in, or what he would be refused with."""
    services, account = call.services, call.account
    role = record.role_of(account.id if account is not None else None)
    if record.state in (State.ENDED, State.CANCELLED):
        problem: RequestError | None = RequestError(410, str(record.state), f"this Space is {record.state}")
    else:
        problem = await services.door.look(record, account)
    live = services.rooms.get(record.id)
    accounts = await services.access.accounts(accounts_of(record))
    invitation = record.invitation_of(account.id) if account is not None else None
    you = YouView(
        role=None if problem is not None and role is Role.LISTENER else role.value,
        admitted=problem is None,
        problem=None if problem is None else problem_of(problem),
        invitation=UNSET if invitation is None else invitation_view(invitation, accounts),
    )
    return space_view(record, None if live is None else live.room, accounts, viewer=account, you=you)


async def show_many(call: Call, records: list[Record]) -> list[SpaceView]:
    """Without `you`."""
    services = call.services
    accounts = await services.access.accounts({account for record in records for account in accounts_of(record)})
    views = []
    for record in records:
        live = services.rooms.get(record.id)
        views.append(
            space_view(record, None if live is None else live.room, accounts, viewer=call.account)
        )  # fmt: skip
    return views


async def read_rules(call: Call, creator: int, access: AccessRules) -> tuple[AccessRule, ...]:
    """Raises RequestError(422) naming the policy that is not there yet, or the tier that is not the creator's."""
    several = isinstance(access, list)
    rules = access if isinstance(access, list) else [access]
    read = []
    for index, rule in enumerate(rules):
        where = f"access[{index}]" if several else "access"
        policy = _read_policy(rule, where)
        tier = await _read_tier(call, creator, rule, where)
        read.append(AccessRule(policy, tier, await _read_community(call, creator, rule, where)))
    return tuple(dict.fromkeys(read))


def _read_policy(rule: Rule, where: str) -> str:
    if rule.policy not in POLICIES:
        raise RequestError(
            422, "unsupported_policy", f"policy: one of {', '.join(POLICIES)}", field=f"{where}.policy"
        )  # fmt: skip
    return rule.policy


async def _read_tier(call: Call, creator: int, rule: Rule, where: str) -> int | None:
    if rule.tier is None:
        return None
    if rule.policy != "subscribers":
        raise RequestError(422, "bad_field", f"the policy {rule.policy} takes no tier", field=f"{where}.tier")
    tier = await call.services.access.tier(int(rule.tier))
    if tier is None or tier.creator != creator:
        raise RequestError(422, "unknown_tier", "the creator has no such tier", field=f"{where}.tier")
    return tier.id


async def _read_community(call: Call, creator: int, rule: Rule, where: str) -> int | None:
    named = rule.community is not None
    if named != (rule.policy == "community"):
        detail = "which community" if not named else f"the policy {rule.policy} takes no community"
        raise RequestError(422, "bad_field", detail, field=f"{where}.community")
    if rule.community is None:
        return None
    found = await call.services.access.communities.find(int(rule.community))
    if found is None or found.creator != creator or found.closed_at is not None:
        raise RequestError(422, "unknown_community", "the creator has no such community", field=f"{where}.community")
    return found.id


def read_time_zone(name: str | None) -> str | None:
    if name is not None and name not in _time_zones():
        raise RequestError(422, "bad_field", "not an IANA time zone", field="time_zone")
    return name


@cache
def _time_zones() -> frozenset[str]:
    """Reading them takes tens of milliseconds of everybody's time, so it is done once."""
    return frozenset(available_timezones())


@asynccontextmanager
async def inside(call: Call) -> AsyncIterator[Live]:
    """The Space, alive, for a caller who is not kept out of it. Raises RequestError."""
    services = call.services
    async with services.rooms.hold(call.match("space")) as live:
        record = live.room.record
        if record.role_of(call.me.id) is not Role.LISTENER and (refused := await services.door.look(record, call.me)):
            raise refused  # a place on stage is worth nothing to somebody who is kept out
        yield live


async def do(call: Call, command: Lasting) -> SpaceView:
    async with inside(call) as live:
        await call.services.door.change(live, command)
        return await show(call, live.room.record)
