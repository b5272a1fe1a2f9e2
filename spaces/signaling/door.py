"""The one way into a Space, for WHIP, WHEP, the socket and join tokens: token → account → access → room → seat."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.decide import Action, Allow, Deny, Policy, Resource
from access.guests import is_guest_pass_untrusted
from access.model import Account, Admission
from access.service import Access
from access.tokens import is_join_token_untrusted
from spaces.db.store import Deed
from spaces.errors import RequestError
from spaces.metrics import Metrics
from spaces.room_commands import (
    AcceptHand,
    AcceptInvitation,
    BringToStage,
    Invite,
    Join,
    Lasting,
    Leave,
    MediaChanged,
    SeatKey,
    UseGuestLink,
)
from spaces.room_events import DetailsChanged, Reason, RoleChanged
from spaces.room_record import Record
from spaces.room_rules import BEFORE_END, Asking, Kind, Role
from spaces.signaling import problems
from spaces.signaling.live import Ending, Entry, Live
from spaces.signaling.rooms import Rooms
from spaces.signaling.views import accounts_of
from spaces.tasks import Background, Stop

log = structlog.get_logger()

CLIENT_DEFAULT = "default"
CLIENT = re.compile(r"[A-Za-z0-9._-]{1,64}")

LOOK_SECONDS = 0.5
LEFT_TO_THE_NEXT = frozenset({"draining", "moved"})
"""Ends of sessions whose Space another node is to have: it reads who was in, and gives up their seats itself."""
RECHECKS_AT_ONCE_MAX = 8
"""Decisions asked of the database at the same time when many rights have to be looked at again."""


class Door:
    def __init__(
        self,
        access: Access,
        rooms: Rooms,
        metrics: Metrics,
        background: Background,
        stop: Stop,
        url: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self._access = access
        self._rooms = rooms
        self._metrics = metrics
        self._background = background
        self._stop = stop
        self._url = url
        self._now = now
        self.allowed: Callable[[Entry], None] = lambda entry: None
        """Told whenever an entry's right was decided anew."""
        self.owed: set[Entry] = set()
        """Whose right could not be decided anew after a change here, of which nothing in the database tells."""
        rooms.ended = self._room_ended

    # --- who

    async def account_of(self, token: str | None, space: str | None = None) -> Account | None:
        """Whose token this is; `space`: what opens only that is taken as well, join tokens (used up) and guests' passes.

        Raises TokenError.
        """
        if token is None:
            return None
        if space is not None and is_guest_pass_untrusted(token):
            return await self._access.people.guest_of_pass(token, space)
        if space is not None and is_join_token_untrusted(token):
            return await self._access.redeem_join_token(token, space)
        return await self._access.authenticate(token)

    # --- may they

    async def look(self, record: Record, account: Account | None, kind: Kind = Kind.SOCKET) -> RequestError | None:
        """What joining would be refused with; None: come in."""
        role = record.role_of(account.id if account is not None else None)
        verdict = await self._access.decide(account, _action(kind), resource_of(record), role=stage_role(role))
        if isinstance(verdict, Deny):
            return self._refusal(verdict)
        if record.locked and role is Role.LISTENER:
            async with self._rooms.hold(record.id) as live:
                try:
                    live.room.check_lock(None if account is None else account.id)
                except RequestError as locked:
                    return locked
        return None

    async def could_join(self, records: Sequence[Record], account: Account | None) -> set[str]:
        """The ids of those that `look` would find open."""
        roles = [record.role_of(None if account is None else account.id) for record in records]
        asked = [(resource_of(record), stage_role(role)) for record, role in zip(records, roles, strict=True)]
        answers = await self._access.could_join(account, asked)
        found = zip(records, roles, answers, strict=True)
        return {record.id for record, role, yes in found if yes and not self._shut(record, role, account)}

    def _shut(self, record: Record, role: Role, account: Account | None) -> bool:
        """Locked, and nobody who was in."""
        if not record.locked or role is not Role.LISTENER:
            return False
        live = self._rooms.get(record.id)
        return live is None or account is None or account.id not in live.room.insiders

    async def look_again(self, record: Record, account: Account | None) -> RequestError | None:
        """The same of what was said in it: of a Space that is over, what hearing it again would be refused with."""
        if record.state in BEFORE_END:
            return await self.look(record, account)
        role = record.role_of(account.id if account is not None else None)
        verdict = await self._access.decide(account, Action.REPLAY, resource_of(record), role=stage_role(role))
        return self._refusal(verdict) if isinstance(verdict, Deny) else None

    async def join_token(self, record: Record, account: Account | None) -> tuple[str, datetime]:
        role = record.role_of(account.id if account is not None else None)
        minted = await self._access.mint_join_token(account, resource_of(record), role=stage_role(role))
        if isinstance(minted, Deny):
            self._count("token", str(minted.status))
            raise self._refusal(minted)
        self._count("token", "ok")
        return minted

    # --- in

    async def enter(
        self,
        live: Live,
        account: Account | None,
        kind: Kind,
        client: str,
        address: str,
        *,
        edge: str = "",
        id: str = "",
    ) -> Entry:
        """A seat and a session in it; a session of the same kind in the same seat ends. Raises RequestError.

        `edge`: the other node that the client has reached; `id`: of a session that there was before. It takes nothing from a
        newer one that its client has begun since: RequestError(409 replaced).
        """
        try:
            entry = await self._enter(live, account, kind, client, address, edge, id)
        except RequestError as refused:
            self._count(kind, refused.code)
            raise
        self._count(kind, "ok")
        return entry

    async def _enter(
        self, live: Live, account: Account | None, kind: Kind, client: str, address: str, edge: str, id: str
    ) -> Entry:
        if CLIENT.fullmatch(client) is None:
            raise RequestError(422, "bad_field", "client: 1 to 64 of A-Z a-z 0-9 . _ -", field="client")
        seat = SeatKey(None if account is None else account.id, client)
        if account is None and seat not in live.room.kept_seats:
            seat = SeatKey(None, secrets.token_urlsafe(9))
        live.room.check_over()
        _check_newest(live, seat, kind, id)
        if kind is Kind.WHIP and account is not None:
            live.room.check_stage(account.id)  # before access: nothing on sale would bring anybody on stage
        way = Action.REJOIN if seat in live.room.seats else Action.JOIN
        admission = await self._admit(live, account, _action(kind, way), seat)
        entry = Entry(
            id or self._new_id(live.id), kind, seat, account, address, admission.id, admission.allow, live, edge=edge
        )
        held = live.room.seats.get(seat, {}).get(kind)
        replaced = live.entries.get(held.id) if held is not None else None
        try:
            _check_newest(live, seat, kind, id)
            self._rooms.check_comes_in(live)
            events = live.room.apply(Join(seat, kind, entry.id, self._now()))
        except RequestError:
            await self._access.leave(admission.id)
            raise
        if account is not None:
            live.accounts[account.id] = account
        entry.replaces = replaced
        live.entries[entry.id] = entry
        self._rooms.publish(live, events)
        self.allowed(entry)
        return entry

    def _new_id(self, space: str) -> str:
        """With several nodes it says which Space it is of, so that every node can find it."""
        secret = secrets.token_urlsafe(16)
        return secret if self._rooms.custody is None else f"{space}.{secret}"

    async def _admit(self, live: Live, account: Account | None, action: Action, seat: SeatKey) -> Admission:
        """Decided for the role and by the rules that hold when it is seated, not for those that held when we asked."""
        while True:
            record, role, blocks = live.room.record, live.room.role_of(seat.account), live.room.blocks
            admission = await self._access.admit(
                account, action, resource_of(record), role=stage_role(role), client=seat.client
            )
            if isinstance(admission, Deny):
                raise self._refusal(admission)
            if (live.room.role_of(seat.account), live.room.record.access, live.room.blocks) == (
                role, record.access, blocks,
            ):  # fmt: skip
                live.room.readmit(seat.account)
                return admission
            await self._access.leave(admission.id)

    async def check_promotion(self, live: Live, account: Account | None) -> bool:
        """May somebody of the audience ask to speak? Whether he is found to be a subscriber, where that is asked.

        Raises RequestError(401 | 402 | 403).
        """
        record = live.room.record
        role = stage_role(record.role_of(None if account is None else account.id))
        asked = [resource_of(record)]
        if record.asking is Asking.SUBSCRIBERS:
            asked.append(Resource(record.id, record.creator, (Policy("subscribers"),)))
        for resource in asked:
            verdict = await self._access.decide(account, Action.PROMOTE, resource, role=role)
            if isinstance(verdict, Deny):
                raise self._refusal(verdict)
        return record.asking is Asking.SUBSCRIBERS

    async def check_subscriber(self, live: Live, account: Account) -> None:
        """Has he a right to any tier of the creator? Raises RequestError(402 | 403)."""
        record = live.room.record
        resource = Resource(record.id, record.creator, (Policy("subscribers"),))
        verdict = await self._access.decide(account, Action.JOIN, resource, role=None)
        if isinstance(verdict, Deny):
            raise self._refusal(verdict)

    async def admit_again(self, entry: Entry) -> None:
        """Before a socket's next media: a fresh decision and admission in place of the old. Raises RequestError."""
        old = entry.admission
        try:
            admission = await self._admit(entry.live, entry.account, _action(entry.kind, Action.REJOIN), entry.seat)
        except RequestError as refused:
            self.evict(entry, refused)
            raise
        entry.admission, entry.allow = admission.id, admission.allow
        self.allowed(entry)
        await self._access.leave(old)
        if entry.id not in entry.live.entries:
            await self._access.leave(admission.id)
            raise RequestError(409, "gone", "this session has ended meanwhile")

    async def confirm(self, entry: Entry) -> bool:
        """Asked when media connects and before any flows. False also when the database cannot be asked."""
        try:
            right = await self._access.confirm(entry.admission)
        except SQLAlchemyError as error:
            log.warning(
                "right unknown at connect", space=entry.live.id, seat=str(entry.seat), error=type(error).__name__
            )
            return False
        return right and entry.id in entry.live.entries

    def media_changed(self, entry: Entry, connected: bool) -> None:
        """Its media has come up or gone."""
        if entry.id in entry.live.entries:
            self._rooms.apply(entry.live, MediaChanged(entry.id, connected))

    def recheck_soon(self, entry: Entry) -> None:
        """Media was refused at connect: find out why, and say so."""
        self._background.spawn(self.recheck([entry]), "recheck")

    def leave_later(self, entry: Entry, seconds: float, stays: Callable[[], bool] | None = None) -> None:
        """Its connection broke: it may be back, in the same seat, before this. `stays`: asked whether it is still worth it."""

        async def wait() -> None:
            if stays is None:
                await self._stop.within(seconds)
            else:
                looks = int(seconds / LOOK_SECONDS)
                while looks and stays() and not await self._stop.within(LOOK_SECONDS):
                    looks -= 1
            if entry.id in entry.live.entries:
                if entry.peer is not None:
                    entry.peer.end(Ending("left"))
                self.leave(entry)

        self._background.spawn(wait(), "linger")

    # --- out

    def leave(self, entry: Entry) -> None:
        """It went by itself. Idempotent."""
        if entry.live.entries.pop(entry.id, None) is None:
            return
        self._rooms.apply(entry.live, Leave(entry.id))
        entry.live.idle_since = self._rooms.clock()
        self._give_up(entry, evicted=False)

    def evict(self, entry: Entry, problem: RequestError) -> None:
        """Its right has ended: no datagram after this. Idempotent."""
        if entry.live.entries.pop(entry.id, None) is None:
            return
        if entry.peer is not None:
            entry.peer.end(Ending("evicted", problem))
        self._metrics.evictions.labels(reason=problem.code).inc()
        log.info("evicted", space=entry.live.id, seat=str(entry.seat), way=entry.kind, reason=problem.code)
        self._rooms.apply(entry.live, Leave(entry.id))
        self._give_up(entry, evicted=True)

    async def recheck(self, entries: Iterable[Entry]) -> None:
        """Decide again; whoever is refused is out. Raises what the database raises, after looking at everybody."""
        limit = asyncio.Semaphore(RECHECKS_AT_ONCE_MAX)

        async def one(entry: Entry) -> None:
            async with limit:
                await self._recheck(entry)

        results = await asyncio.gather(*(one(entry) for entry in entries), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def change(self, live: Live, command: Lasting, deeds: Sequence[Deed] = ()) -> None:
        """A lasting change of the room, and what it means for the rights of those inside. Raises RequestError."""
        live.room.propose(command)  # what the room refuses is told first: it says nothing of others
        match command:
            case AcceptHand(_, account):
                await self._check_brought(live, account, Action.PROMOTE, None)
            case BringToStage(_, account, role) | Invite(_, account, _, role):
                await self._check_brought(live, account, Action.SPEAK, role)
            case AcceptInvitation(by) | UseGuestLink(by):
                await self._check_comes(live, by)
        events = await self._rooms.change(live, command, deeds)
        again: list[Entry] = []
        for event in events:
            match event:
                case RoleChanged(account, _):
                    again += live.entries_of(account)
                case DetailsChanged(access=True):
                    again += live.entries.values()
        try:
            await self.recheck(dict.fromkeys(again))
        except Exception:
            self.owed.update(again)
            raise

    async def _check_brought(self, live: Live, account: int, action: Action, role: Role | None) -> None:
        """`role` None: he comes by asking, on a right of his own; else a host's word is the right, unless he is kept out."""
        [brought] = (await self._access.accounts([account])).values()
        given = None if role is None else stage_role(role)
        verdict = await self._access.decide(brought, action, resource_of(live.room.record), role=given)
        if isinstance(verdict, Deny):
            detail = f"that account may not come on stage: {verdict.reason}"
            raise RequestError(409, "may_not_speak", detail)

    async def _check_comes(self, live: Live, account: int) -> None:
        """To the stage on a host's word: unless he is kept out. Raises RequestError(403)."""
        [comes] = (await self._access.accounts([account])).values()
        verdict = await self._access.decide(comes, Action.SPEAK, resource_of(live.room.record), role=Role.SPEAKER.value)
        if isinstance(verdict, Deny):
            raise self._refusal(verdict)

    async def _recheck(self, entry: Entry) -> None:
        record = entry.live.room.record
        verdict = await self._access.decide(
            entry.account, _action(entry.kind, Action.REFRESH), resource_of(record), role=stage_role(entry.role)
        )
        self.owed.discard(entry)
        if entry.id not in entry.live.entries:
            return
        match verdict:
            case Allow():
                entry.allow = verdict
                self.allowed(entry)
            case Deny():
                self.evict(entry, self._refusal(verdict))

    def _room_ended(self, entry: Entry, ending: Ending) -> None:
        if ending.reason not in LEFT_TO_THE_NEXT:
            self._give_up(entry, evicted=ending.reason in (Reason.REMOVED, Reason.BLOCKED))
        log.info("session ended", space=entry.live.id, seat=str(entry.seat), way=entry.kind, reason=ending.reason)

    def _give_up(self, entry: Entry, *, evicted: bool) -> None:
        live, account = entry.live, entry.seat.account
        shown = accounts_of(live.room.record) | live.room.hands.keys()
        if account is not None and not live.room.seated(account) and account not in shown:
            live.accounts.pop(account, None)  # nobody is shown whom nobody can see
        # With several nodes its place is free when that is written: the next owner goes by what is.
        counts = self._rooms.custody is not None and entry.seat not in live.room.seats
        live.room.unwritten += counts
        self._background.spawn(self._leave(entry, evicted=evicted, counts=counts), "leave")

    async def _leave(self, entry: Entry, *, evicted: bool, counts: bool) -> None:
        try:
            await self._access.leave(entry.admission, evicted=evicted)
        finally:
            entry.live.room.unwritten -= counts

    def _refusal(self, deny: Deny) -> RequestError:
        return problems.refusal(deny, self._url())

    def _count(self, way: str, outcome: str) -> None:
        self._metrics.joins.labels(way=str(way), outcome=outcome).inc()


def _check_newest(live: Live, seat: SeatKey, kind: Kind, id: str) -> None:
    """That a session `id` of before takes nothing from one that its client has begun since."""
    held = live.room.seats.get(seat, {}).get(kind)
    if id and held is not None and held.id != id:
        raise RequestError(409, "replaced", "its client has a newer session")


def resource_of(record: Record) -> Resource:
    rules = tuple(Policy(rule.policy, rule.tier, rule.community) for rule in record.access)
    return Resource(record.id, record.creator, rules)


def _action(kind: Kind, way: Action = Action.JOIN) -> Action:
    """`way`: how whoever listens comes to be decided upon."""
    return Action.SPEAK if kind is Kind.WHIP else way


def stage_role(role: Role) -> str | None:
    """The role as access takes it for a right: a place in the audience is none."""
    return None if role is Role.LISTENER else role.value
