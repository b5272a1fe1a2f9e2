"""The front door of access: everything that other code may ask of it. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from access.decide import Action, Allow, Deny, Resource
from access.model import (
    Account,
    Admission,
    ApiKey,
    Comp,
    Creator,
    RightsChanged,
    Standing,
    Subscription,
    Tier,
)
from access.payments import PaymentProvider


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
    ) -> None: ...

    # --- keys and accounts
    async def ensure_key(self, key_id: str, secret: str) -> None:
        """Make this key of the default integration exist with this secret (32 bytes or more)."""
        raise NotImplementedError

    async def add_key(self, key_id: str | None = None, *, integration: str = "default") -> tuple[ApiKey, str]:
        """A new key and its secret, which is shown this once."""
        raise NotImplementedError

    async def keys(self) -> list[ApiKey]:
        raise NotImplementedError

    async def revoke_key(self, key_id: str) -> None:
        """Refuse every token of this key from now on. 404 unknown_key."""
        raise NotImplementedError

    async def authenticate(self, token: str) -> Account:
        """The account of an account token; an unknown `sub` makes one. Raises TokenError."""
        raise NotImplementedError

    async def mint_account_token(self, account: Account, seconds: int = 86_400) -> str:
        """An account token signed by a key of the account's integration. 409 no_key."""
        raise NotImplementedError

    async def ensure_account(self, handle: str, *, name: str | None = None) -> Account:
        """The account with this handle, made in the default integration if there is none: for the operator."""
        raise NotImplementedError

    async def find_account(self, ref: str, *, integration: int | None) -> Account | None:
        """`17`, `@ada` or `sub:x` (of that integration; None: if only one integration has it)."""
        raise NotImplementedError

    async def accounts(self, ids: Iterable[int]) -> dict[int, Account]:
        raise NotImplementedError

    # --- decisions
    async def decide(
        self, account: Account | None, action: Action, resource: Resource, *, role: str | None = None
    ) -> Allow | Deny:
        raise NotImplementedError

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
        raise NotImplementedError

    async def confirm(self, admission: int) -> bool:
        """Asked when media connects: is the right that admitted still there? False also for one that has left."""
        raise NotImplementedError

    async def leave(self, admission: int, *, evicted: bool = False) -> None:
        """The seat is given up. Idempotent."""
        raise NotImplementedError

    async def leave_all(self, space: str | None = None) -> None:
        """Every seat of a Space is given up; None: of all Spaces (a node that starts has no seats)."""
        raise NotImplementedError

    async def mint_join_token(
        self, account: Account | None, resource: Resource, *, role: str | None = None
    ) -> tuple[str, datetime] | Deny:
        """A token that lets this account connect to this Space once within 60 s, and its expiry."""
        raise NotImplementedError

    async def redeem_join_token(self, token: str, space: str) -> Account | None:
        """Use a join token up. Whose it is (None: nobody's, on an open Space). Raises TokenError. Then `admit`."""
        raise NotImplementedError

    async def cursor(self) -> int:
        """The newest change's number: where `changes` begins for somebody without seats."""
        raise NotImplementedError

    async def changes(self, after: int) -> tuple[list[RightsChanged], int]:
        """Changed rights after a cursor, in order, and the next cursor. None is ever skipped."""
        raise NotImplementedError

    # --- creators and tiers
    async def create_creator(self, account: Account, *, handle: str, name: str | None = None) -> Creator:
        """409 already_creator, handle_taken; 422."""
        raise NotImplementedError

    async def creator(self, handle: str) -> Creator:
        """404 unknown_creator. `handle` may be written with or without @."""
        raise NotImplementedError

    async def creator_of(self, account: int) -> Creator | None:
        """The creator that this account is."""
        raise NotImplementedError

    async def tiers(self, creator: int, *, drafts: bool = False) -> list[Tier]:
        """Published tiers by level, with published prices; `drafts`: also drafts."""
        raise NotImplementedError

    async def tier(self, tier: int) -> Tier | None:
        """A tier in any state: for checking what a policy names."""
        raise NotImplementedError

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
    ) -> Tier:
        """403 not_creator; 422."""
        raise NotImplementedError

    async def publish_tier(self, actor: Account, tier: int) -> Tier:
        """draft → published. 409 bad_state."""
        raise NotImplementedError

    async def archive_tier(self, actor: Account, tier: int) -> Tier:
        """→ archived: not on sale any more; who has it keeps it."""
        raise NotImplementedError

    async def replace_price(
        self, actor: Account, tier: int, *, amount_minor: int, currency: str, interval: str = "month"
    ) -> Tier:
        """A new price; the published one for that currency and interval is archived, never changed."""
        raise NotImplementedError

    # --- comps
    async def create_comp(
        self, actor: Account, creator: Creator, account: Account, *, tier: int, ends_at: datetime | None = None
    ) -> Comp:
        """403 not_creator; 404 unknown_tier; 422."""
        raise NotImplementedError

    async def comps(self, actor: Account, creator: Creator) -> list[Comp]:
        raise NotImplementedError

    async def end_comp(self, actor: Account, creator: Creator, comp: int) -> Comp:
        """End it now. Idempotent. 404 unknown_comp."""
        raise NotImplementedError

    # --- subscriptions
    async def subscribe(self, account: Account, creator: Creator, *, tier: int) -> Subscription:
        """Begin a checkout. 404 unknown_tier; 409 not_on_sale, already_subscribed, own_tier."""
        raise NotImplementedError

    async def checkout(self, ref: str) -> Subscription:
        """What the address `…/pay/{ref}` asks money for; whoever has the address may see and pay it. 404."""
        raise NotImplementedError

    async def pay(self, ref: str, outcome: str) -> Subscription:
        """Test money only: `succeed` or `decline`. 404; 409 checkout_closed, already_subscribed; 422."""
        raise NotImplementedError

    async def cancel(self, actor: Account, subscription: int, *, at: str) -> Subscription:
        """`period_end` by the fan or the creator, `now` by the creator only. 403, 404, 409 bad_state, 422."""
        raise NotImplementedError

    async def subscriptions(self, account: Account) -> list[Subscription]:
        raise NotImplementedError

    async def subscribers(self, actor: Account, creator: Creator) -> list[Subscription]:
        """Every subscription that was ever paid. 403 not_creator."""
        raise NotImplementedError

    async def standing(self, account: Account, creator: int) -> Standing:
        raise NotImplementedError

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
        raise NotImplementedError

    async def unban(self, actor: Account, account: Account, *, creator: int) -> None:
        """End every ban of the account by this creator. Idempotent."""
        raise NotImplementedError

    async def suspend(self, account: Account, *, suspended: bool = True) -> None:
        """Keep an account out of everything: for the operator."""
        raise NotImplementedError

    # --- upkeep
    async def sweep(self) -> None:
        """Forget what is no longer needed (used join tokens, old outbox rows). No right depends on it."""
        raise NotImplementedError
