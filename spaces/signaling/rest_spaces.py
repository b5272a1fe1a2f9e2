"""Spaces over HTTP: make, read, change, begin, end, and who is on stage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from spaces import language_tag, time_zones
from spaces.db.reminders import Reminder
from spaces.db.store import new_space_id
from spaces.errors import RequestError
from spaces.room_commands import BringToStage, Cancel, Edit, End, Lasting, Start, TakeFromStage
from spaces.room_record import AccessRule, Record, StageMember
from spaces.room_rules import BEFORE_END, Act, Asking, CaptionsPolicy, ChatPolicy, Role, State
from spaces.schedule import read_start
from spaces.search_words import read_topics
from spaces.signaling.accounts import creator_account, need_account
from spaces.signaling.answers import JoinTokenView, ReminderView, SpaceView, YouView
from spaces.signaling.bodies import AccessRules, NewSpace, NewSpeaker, Rule, SpaceChanges
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.live import Entry, Live
from spaces.signaling.problems import problem_of
from spaces.signaling.services import Services
from spaces.signaling.terms import POLICIES
from spaces.signaling.views import accounts_of, invitation_view, space_view

LISTED = (State.LIVE, State.SCHEDULED)
SUSPENDED = frozenset({"suspended", "creator_suspended", "space_suspended"})


async def create_space(call: Call) -> Answer:
    body: NewSpace = call.body
    services = call.services
    creator = await creator_account(services.access, call.me, body.creator)
    _check_recording(body.recording)
    record = Record(
        id=new_space_id(),
        creator=creator,
        title=body.title.strip(),
        access=await read_rules(call, creator, body.access),
        created_at=services.now(),
        stage=(StageMember(call.me.id, Role.HOST),),
        topics=read_topics(body.topics),
        language=read_language(body.language),
        scheduled_start=_read_start(call, body, body.time_zone),
        time_zone=body.time_zone,
        capacity=body.capacity or None,
        asking=Asking(body.asking),
        asking_seconds=body.asking_seconds,
        chat=ChatPolicy(body.chat),
        chat_seconds=body.chat_seconds,
        captions=CaptionsPolicy(body.captions),
    )
    check_captions(services, record.captions, record.language)
    await services.rooms.create(record)
    return Answer(await show(call, record), 201, (("Location", f"/v1/spaces/{record.id}"),))


async def get_space(call: Call) -> SpaceView:
    record = await call.services.rooms.record(call.match("space"))
    return await show(call, record)


async def change_space(call: Call) -> SpaceView:
    body: SpaceChanges = call.body
    record = await call.services.rooms.record(call.match("space"))
    _check_recording(body.recording)
    start = _read_start(call, body, body.time_zone or record.time_zone)
    access = None if body.access is None else await read_rules(call, record.creator, body.access)
    untied = access is not None and all(rule.policy != "ticketed" for rule in access)
    if untied and await call.services.access.tickets.are_held(record.id):
        raise RequestError(409, "tickets_sold", "tickets for this Space are sold or reserved and go on admitting")
    edit = Edit(
        by=call.me.id,
        now=call.services.now(),
        title=None if body.title is None else body.title.strip(),
        topics=None if body.topics is None else read_topics(body.topics),
        language=read_language(body.language),
        access=access,
        scheduled_start=start,
        time_zone=body.time_zone,
        capacity=body.capacity,
        asking=None if body.asking is None else Asking(body.asking),
        asking_seconds=body.asking_seconds,
        chat=None if body.chat is None else ChatPolicy(body.chat),
        chat_seconds=body.chat_seconds,
        captions=None if body.captions is None else CaptionsPolicy(body.captions),
    )
    check_captions(call.services, edit.captions, edit.language or record.language)
    return await _do_and_tell(call, edit)


async def start_space(call: Call) -> SpaceView:
    return await _do_and_tell(call, Start(call.me.id, call.services.now()))


async def end_space(call: Call) -> SpaceView:
    return await do(call, End(call.me.id, call.services.now()))


async def cancel_space(call: Call) -> SpaceView:
    """Also what is suspended, or by who is: it ends his business here, and gives back what was paid for tickets."""
    async with inside(call, but=SUSPENDED) as live:
        await call.services.door.change(live, Cancel(call.me.id, call.services.now()))
        view = await show(call, live.room.record)
    call.services.reminder_sender.nudge()
    return view


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
        reminder=await _own_reminder(call, record),
    )
    return space_view(record, None if live is None else live.room, accounts, viewer=account, you=you)


def reminder_view(reminder: Reminder) -> ReminderView:
    return ReminderView(mail=reminder.mail, since=reminder.since)


async def _own_reminder(call: Call, record: Record) -> ReminderView | UnsetType:
    if call.account is None or record.state is not State.SCHEDULED:
        return UNSET
    standing = await call.services.reminders.standing(record.id, call.account.id)
    return UNSET if standing is None else reminder_view(standing)


async def show_many(call: Call, records: list[Record]) -> list[SpaceView]:
    """Without `you`, but with whether the caller could come in."""
    services = call.services
    accounts = await services.access.accounts({account for record in records for account in accounts_of(record)})
    may_join = await services.door.could_join([one for one in records if one.state in BEFORE_END], call.account)
    audiences = await services.rooms.audiences([record.id for record in records if record.state is State.LIVE])
    views = []
    for record in records:
        live = services.rooms.get(record.id)
        room = None if live is None else live.room
        views.append(
            space_view(
                record, room, accounts, viewer=call.account, may_join=record.id in may_join,
                audience=audiences.get(record.id),
            )
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


def read_language(tag: str | None) -> str | None:
    """In its usual spelling. Raises RequestError(422)."""
    if tag is not None and (tag := language_tag.canonical(tag)) is None:
        raise RequestError(422, "bad_field", "language: a language tag of BCP 47", field="language")
    return tag


def check_captions(services: Services, wanted: CaptionsPolicy | None, language: str | None) -> None:
    """Raises RequestError(409) if the server is to caption what it cannot."""
    if wanted is not CaptionsPolicy.SERVER:
        return
    if services.captioner is None:
        raise RequestError(409, "no_caption_engine", "this server has no engine for captions", field="captions")
    if language is not None and not services.captioner.speaks(language):
        raise RequestError(409, "caption_language", f"the server's captions are not in {language}", field="captions")


def _read_start(call: Call, body: NewSpace | SpaceChanges, time_zone: str | None) -> datetime | None:
    services = call.services
    ahead_max = timedelta(days=services.config.schedule_days_ahead_max)
    return read_start(
        body.scheduled_start, body.local_start, time_zone, time_zones.zone, services.now(), ahead_max
    )  # fmt: skip


def _check_recording(wanted: bool | None) -> None:
    """Nobody is told that he is recorded who is not."""
    if wanted:
        raise RequestError(422, "unsupported", "this server does not record yet", field="recording")


@asynccontextmanager
async def inside(call: Call, but: frozenset[str] = frozenset()) -> AsyncIterator[Live]:
    """The Space, alive, for a caller who is not kept out of it, or only for one of the causes `but`. Raises RequestError."""
    services = call.services
    async with services.rooms.hold(call.match("space")) as live:
        record = live.room.record
        on_stage = record.role_of(call.me.id) is not Role.LISTENER
        if on_stage and (refused := await services.door.look(record, call.me)) and refused.code not in but:
            raise refused  # a place on stage is worth nothing to somebody who is kept out
        yield live


@asynccontextmanager
async def present(call: Call, act: Act) -> AsyncIterator[Entry]:
    """The caller's newest session in the Space, for what is done from a place in it. Raises RequestError(409) without one."""
    async with inside(call) as live:
        yield live.entry_of(live.room.permit(act, call.me.id))


async def public_record(call: Call) -> Record:
    """The Space that the path names, as it is shown to nobody in particular. Raises RequestError(403, 404)."""
    record = await call.services.rooms.record(call.match("space"))
    if await call.services.access.operators.kept_back({record.id: record.creator}):
        raise RequestError(403, "space_suspended", "this Space is suspended")
    return record


async def do(call: Call, command: Lasting) -> SpaceView:
    async with inside(call) as live:
        await call.services.door.change(live, command)
        return await show(call, live.room.record)


async def _do_and_tell(call: Call, command: Lasting) -> SpaceView:
    """What those are told of at once who asked to be reminded."""
    view = await do(call, command)
    call.services.reminder_sender.nudge()
    return view
