"""The front door of access: everything that other code may ask of it. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import (
    accounts,
    admissions,
    bans,
    comps,
    creators,
    deliveries,
    fields,
    fold,
    idempotency,
    invitations,
    keys,
    outbox,
    provider_tasks,
)
from access.books import Books
from access.community_service import Communities
from access.database import read, reading, remembered, write, writing
from access.dealings import Dealings
from access.decide import Action, Allow, Deny, Resource
from access.errors import AccessError, TokenError
from access.follows import Follows
from access.gift_service import Gifts
from access.hook_service import Hooks
from access.idempotency import Idempotency
from access.invitations import Invitation
from access.merch_service import Merch
from access.model import Account, Admission, ApiKey, Comp, Creator, Occupant, RightsChanged, Tier
from access.money_clock import MoneyClock
from access.newsletter_service import Newsletters
from access.offers import Offers
from access.operator_service import Operators
from access.payments import PaymentProvider
from access.payout_service import PayoutAccounts
from access.people import People, Retention
from access.shares import MoneyTerms
from access.ticket_service import Tickets
from access.tokens import (
    SECRET_BYTES_MIN,
    Identity,
    check_integration_token_untrusted,
    issuer_untrusted,
    make_account_token,
    read_account_token_untrusted,
)


def utcnow() -> datetime:
    return datetime.now(UTC)


class Access:
    """All refusals are AccessError(status, code, detail, field), or TokenError for a token (401)."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        provider: PaymentProvider,
        join_token_key: bytes,
        now: Callable[[], datetime] = utcnow,
        terms: MoneyTerms = MoneyTerms(),  # noqa: B008 – frozen
        wall: Callable[[], datetime] | None = None,
        clock: MoneyClock | None = None,
        retention: Retention = Retention(),  # noqa: B008 – frozen
    ) -> None:
        """`now`: the clock of money and rights; `wall`: that of account tokens; `clock`: if `now` may be put forward."""
        assert len(join_token_key) >= SECRET_BYTES_MIN
        self._engine = engine
        self._provider = provider
        self._join_token_key = join_token_key
        self._now = now
        self._retention = retention
        self.people = People(engine, wall or now, retention)
        self.communities = Communities(engine, now)
        self.desk = Dealings(engine, provider, terms, now)
        self.follows = Follows(self.desk)
        self.tickets = Tickets(self.desk)
        self.gifts = Gifts(self.desk)
        self.newsletters = Newsletters(engine, now)
        self.merch = Merch(engine, now)
        self.books = Books(self.desk)
        self.payout_accounts = PayoutAccounts(self.desk)
        self.offers = Offers(engine, now)
        self.hooks = Hooks(engine, now)
        self.operators = Operators(engine, now)
        self.desk.jobs.append(self.operators.keep_time)
        self.clock = clock
        self.idempotency = Idempotency(engine, wall or now)
        self._wall = wall or now
        self._rights_changed_after = remembered(engine, outbox.rights_changed_after)

    # --- keys and accounts
    async def ensure_key(self, key_id: str, secret: str) -> None:
        """Make this key of the default integration exist with this secret (32 bytes or more)."""
        async with writing(self._engine) as connection:
            await keys.ensure_key(connection, key_id, secret, self._now())

    async def add_key(self, key_id: str | None = None, *, integration: str = "default") -> tuple[ApiKey, str]:
        """A new key and its secret, which is shown this once."""
        async with writing(self._engine) as connection:
            return await keys.add_key(connection, key_id, integration, self._now())

    async def keys(self) -> list[ApiKey]:
        async with reading(self._engine) as connection:
            return await keys.list_keys(connection)

    async def revoke_key(self, key_id: str) -> None:
        """Refuse every token of this key from now on. 404 unknown_key."""
        async with writing(self._engine) as connection:
            await keys.revoke_key(connection, key_id, self._now())

    async def authenticate(self, token: str) -> Account:
        """The account of an account token; an unknown `sub` makes one. Raises TokenError."""
        now = self._wall()
        integration, identity, account = await read(self._engine, _owner_of_token, token, now)
        if account is None:
            account = await write(self._engine, accounts.ensure, integration, identity, now)
        if account.status == "deleted":
            raise TokenError("account_deleted", "This account has been deleted.")
        return account

    async def integration_of(self, token: str) -> int:
        """Which integration speaks for itself with this token. Raises TokenError."""
        return await read(self._engine, _integration_of_token, token, self._wall())

    async def mint_account_token(self, account: Account, seconds: int = 86_400) -> str:
        """An account token signed by a key of the account's integration; it leaves the account's name as it is. 409 no_key."""
        async with reading(self._engine) as connection:
            key = None if account.integration is None else await keys.newest_key(connection, account.integration)
        if key is None or account.sub is None:
            raise AccessError(409, "no_key", "There is no key to sign with; add one.")
        identity = Identity(account.sub, None, account.handle)
        lifetime = timedelta(seconds=seconds)
        return make_account_token(key.id, key.secret, identity, now=self._wall(), lifetime=lifetime)

    async def ensure_account(self, handle: str, *, name: str | None = None) -> Account:
        """The account with this handle, made in the default integration if there is none: for the operator."""
        now, identity = self._now(), Identity(fields.handle(handle), name, fields.handle(handle))
        async with writing(self._engine) as connection:
            account = await accounts.find(connection, f"@{identity.handle}", None)
            if account is None:
                integration = await keys.ensure_integration(connection, keys.DEFAULT_INTEGRATION, now)
                account = await accounts.ensure(connection, integration, identity, now)
        return account

    async def find_account(self, ref: str, *, integration: int | None) -> Account | None:
        """`17`, `@ada` or `sub:x` (of that integration; None: if only one integration has it)."""
        async with reading(self._engine) as connection:
            return await accounts.find(connection, ref, integration)

    async def accounts(self, ids: Iterable[int]) -> dict[int, Account]:
        return await read(self._engine, accounts.by_ids, ids)

    def now(self) -> datetime:
        """The time that money and rights go by."""
        return self._now()

    # --- decisions
    async def decide(
        self, account: Account | None, action: Action, resource: Resource, *, role: str | None = None
    ) -> Allow | Deny:
        return await read(self._engine, admissions.decide_now, _id(account), action, resource, role, self._now())

    async def could_join(self, account: Account | None, asked: Sequence[tuple[Resource, str | None]]) -> list[bool]:
        """Which of these resources the account could join now, with that role in it; for lists, so without the reasons."""
        return await read(self._engine, admissions.decide_many, _id(account), asked, self._now())

    async def admit(
        self,
        account: Account | None,
        action: Action,
        resource: Resource,
        *,
        role: str | None = None,
        client: str = "default",
    ) -> Admission | Deny:
        """Decide, and write the admission down, in one transaction."""
        return await write(self._engine, admissions.admit, _id(account), action, resource, role, client, self._now())

    async def confirm(self, admission: int) -> bool:
        """Asked when media connects: is the right that admitted still there? False also for one that has left."""
        return await write(self._engine, admissions.confirm, admission, self._now())

    async def leave(self, admission: int, *, evicted: bool = False) -> None:
        """The seat is given up. Idempotent."""
        await write(self._engine, admissions.leave, admission, evicted, self._now())

    async def leave_all(self, space: str | None = None) -> None:
        """Every seat of a Space is given up; None: of all Spaces (a node that starts has no seats)."""
        async with writing(self._engine) as connection:
            await admissions.leave_all(connection, space, self._now())

    async def vacate(self, space: str) -> list[Occupant]:
        """Every seat of a Space is given up: another node has it. Who had them, in the order in which they were admitted."""
        return await write(self._engine, admissions.vacate, space, self._now())

    async def lately_inside(self, space: str, since: datetime) -> set[int]:
        """Accounts that have been in the Space at that time or later, and were not put out."""
        return await read(self._engine, admissions.lately_inside, space, since)

    async def mint_join_token(
        self, account: Account | None, resource: Resource, *, role: str | None = None
    ) -> tuple[str, datetime] | Deny:
        """A token that lets this account connect to this Space once within 60 s, and its expiry."""
        return await read(
            self._engine, admissions.mint_join_token, _id(account), resource, role, self._join_token_key, self._now()
        )

    async def redeem_join_token(self, token: str, space: str) -> Account | None:
        """Use a join token up. Whose it is (None: nobody's, on an open Space). Raises TokenError. Then `admit`."""
        return await write(self._engine, admissions.redeem_join_token, token, space, self._join_token_key, self._now())

    async def cursor(self) -> int:
        """The newest change's number: where `changes` begins for somebody without seats."""
        return await read(self._engine, outbox.newest)

    async def changes(self, after: int) -> tuple[list[RightsChanged], int]:
        """Changed rights after a cursor, in order, and the next cursor. None is ever skipped."""
        return await self._rights_changed_after(after)

    # --- creators and tiers
    async def create_creator(self, account: Account, *, handle: str, name: str | None = None) -> Creator:
        """409 already_creator, handle_taken; 422."""
        async with writing(self._engine) as connection:
            return await creators.create(connection, account, handle, name, self._now())

    async def creator(self, handle: str) -> Creator:
        """404 unknown_creator. `handle` may be written with or without @."""
        async with reading(self._engine) as connection:
            return await creators.by_handle(connection, handle)

    async def creator_of(self, account: int) -> Creator | None:
        """The creator that this account is."""
        async with reading(self._engine) as connection:
            return await creators.of_account(connection, account)

    async def tiers(self, creator: int, *, drafts: bool = False) -> list[Tier]:
        """Published tiers by level, with published prices; `drafts`: also drafts."""
        states = ("draft", "published") if drafts else ("published",)
        async with reading(self._engine) as connection:
            return await creators.tiers_of(connection, creator, states, self._now())

    async def tier(self, tier: int) -> Tier | None:
        """A tier in any state: for checking what a policy names."""
        async with reading(self._engine) as connection:
            try:
                return await creators.tier_by_id(connection, tier, self._now())
            except AccessError:
                return None

    async def create_tier(
        self,
        actor: Account,
        creator: Creator,
        *,
        name: str,
        level: int,
        amount_minor: int,
        currency: str,
        interval: str = "month",
        benefits: Iterable[str] | None = None,
        state: str = "published",
        trial_days: int = 0,
    ) -> Tier:
        """403 not_creator; 422."""
        async with writing(self._engine) as connection:
            return await creators.create_tier(
                connection,
                actor,
                creator.id,
                name=name,
                level=level,
                price=(amount_minor, currency, interval),
                benefit_names=benefits,
                state=state,
                now=self._now(),
                trial_days=trial_days,
            )

    async def publish_tier(self, actor: Account, tier: int) -> Tier:
        """draft → published. 409 bad_state."""
        async with writing(self._engine) as connection:
            return await creators.publish_tier(connection, actor, tier, self._now())

    async def archive_tier(self, actor: Account, tier: int) -> Tier:
        """→ archived: not on sale any more; who has it keeps it."""
        async with writing(self._engine) as connection:
            return await creators.archive_tier(connection, actor, tier, self._now())

    async def replace_price(
        self, actor: Account, tier: int, *, amount_minor: int, currency: str, interval: str = "month"
    ) -> Tier:
        """A new price; the published one for that currency and interval is archived, never changed."""
        async with writing(self._engine) as connection:
            return await creators.replace_price(
                connection, actor, tier, (amount_minor, currency, interval), self._now()
            )

    # --- comps
    async def create_comp(
        self, actor: Account, creator: Creator, account: Account, *, tier: int, ends_at: datetime | None = None
    ) -> Comp:
        """403 not_creator; 404 unknown_tier; 422."""
        async with writing(self._engine) as connection:
            return await comps.create(connection, actor, creator.id, account, tier, ends_at, self._now())

    async def comps(self, actor: Account, creator: Creator, *, before: int | None = None) -> list[Comp]:
        """The newest first; `before` that one."""
        async with reading(self._engine) as connection:
            return await comps.of_creator(connection, actor, creator.id, before)

    async def end_comp(self, actor: Account, creator: Creator, comp: int) -> Comp:
        """End it now. Idempotent. 404 unknown_comp."""
        async with writing(self._engine) as connection:
            return await comps.end(connection, actor, creator.id, comp, self._now())

    # --- bans
    async def ban(
        self,
        actor: Account,
        account: Account,
        *,
        creator: int,
        space: str | None = None,
        until: datetime | None = None,
        reason: str = "",
    ) -> int:
        """Keep an account out of all Spaces of the creator, or of one. The caller has checked that `actor` may."""
        async with writing(self._engine) as connection:
            return await bans.create(
                connection,
                actor,
                account,
                creator=creator,
                space=space,
                until=until,
                reason=reason,
                now=self._now(),
            )

    async def unban(self, actor: Account, account: Account, *, creator: int) -> None:
        """End every ban of the account by this creator. Idempotent."""
        async with writing(self._engine) as connection:
            await bans.end(connection, actor, account, creator, self._now())

    # --- invitations; the caller has checked that `actor` may
    async def invite(self, actor: Account, account: Account, *, space: str, creator: int) -> Invitation:
        """Idempotent. 409 bad_account, too_many_invited."""
        return await write(self._engine, invitations.give, actor, account, space, creator, self._now())

    async def take_invitation_back(self, actor: Account, account: Account, *, space: str, creator: int) -> None:
        """Idempotent."""
        await write(self._engine, invitations.take_back, actor, account, space, creator, self._now())

    async def invited(self, space: str) -> list[Invitation]:
        return await read(self._engine, invitations.of_space, space)

    async def invitations_of(self, account: Account) -> list[str]:
        """The Spaces that an account is invited to, the newest invitation first."""
        return await read(self._engine, invitations.of_account, account.id)

    async def blocked(self, creator: int, *, most: int = 200) -> list[bans.Blocked]:
        """Who is kept out of the creator's Spaces. The caller has checked that somebody may see it."""
        return await read(self._engine, bans.of_creator, creator, self._now(), most=most)

    async def suspend(self, account: Account, *, suspended: bool = True) -> None:
        """Keep an account out of everything: for whoever has the machine."""
        if suspended:
            await self.operators.suspend(None, "account", account.id)
        else:
            await self.operators.lift(None, "account", account.id)

    # --- upkeep
    async def sweep(self) -> None:
        """Forget what is no longer needed (used join tokens, old outbox rows, ended admissions). No right depends on it."""
        async with writing(self._engine) as connection:
            await admissions.forget_used_join_tokens(connection, self._now())
            await outbox.forget(connection, self._now())
            await idempotency.forget(connection, self._wall())
            await provider_tasks.forget(connection, self._now())
            await fold.forget(connection, self._now())
            await self.people.sweep(connection)
        while await write(self._engine, deliveries.forget, self._now()):
            pass
        await self.hooks.forget()
        full = admissions.FORGOTTEN_AT_ONCE
        while await write(self._engine, admissions.forget, self._now(), self._retention.admissions) == full:
            pass  # a transaction each: whoever wants to join has his turn in between


async def _owner_of_token(
    connection: AsyncConnection, token: str, now: datetime
) -> tuple[int, Identity, Account | None]:
    """Its integration, whom it speaks of, and the account of that if it is there and nothing of it is new. TokenError."""
    key = await _key_of_token(connection, token)
    identity = read_account_token_untrusted(token, key.secret, now)
    return key.integration, identity, await accounts.of_identity(connection, key.integration, identity)


async def _integration_of_token(connection: AsyncConnection, token: str, now: datetime) -> int:
    key = await _key_of_token(connection, token)
    check_integration_token_untrusted(token, key.secret, now)
    return int(key.integration)


async def _key_of_token(connection: AsyncConnection, token: str) -> Row[Any]:
    """Raises TokenError."""
    key = await keys.find_key(connection, issuer_untrusted(token))
    if key is None:
        raise TokenError("token_key_unknown", "The token is signed with a key that is not known here.")
    if key.revoked_at is not None:
        raise TokenError("token_key_revoked", "The token is signed with a key that has been revoked.")
    return key


def _id(account: Account | None) -> int | None:
    return None if account is None else account.id
